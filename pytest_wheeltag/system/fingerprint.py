"""The fingerprint of an environment: two with the same one hold the same code."""

import hashlib

from packaging.utils import canonicalize_name

from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.system.codefiles import CodeFiles
from pytest_wheeltag.system.contents import InstalledContents
from pytest_wheeltag.system.installed import read_installed


def fingerprint_environment(environment: ExistingEnvironment) -> str:
    r"""Give ``sha256:`` and the digest over sorted UTF-8 lines ``name==version NUL path NUL sha256 LF``.

    Names are normalised; files, paths and digests are those of ``CodeFiles``, as RECORD lists them.
    """
    lines: set[str] = set()
    for wheel in read_installed(environment):
        if isinstance(wheel, InstalledWheel):
            title = f"{canonicalize_name(wheel.name)}=={wheel.version}"
            files = CodeFiles(InstalledContents(environment, wheel)).listed()
            lines.update(f"{title}\0{path}\0{digest}\n" for path, digest in files)
    encoded = "".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return f"sha256:{hashlib.sha256(encoded).hexdigest()}"
