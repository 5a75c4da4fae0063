"""The fingerprint of an environment: two with the same one hold the same code."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from packaging.utils import canonicalize_name

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.entrypoints import parse_entry_points
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.record import RecordRow, decode_digest
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.contents import InstalledContents
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.installed import read_installed

_MAX_BYTES = 128 << 20
_DIGEST_BYTES = 32
_LAUNCHER_SUFFIXES = ("", ".exe", "-script.py", "-script.pyw", ".exe.manifest")
# One line, or the three lines by which a shell starts an interpreter whose path is too long for one.
_SHEBANG = re.compile(rb"\A#!(?:/bin/sh\n'''exec' (?P<long>[^\n]*)\n' '''|(?P<short>[^\n]*))\n")


def fingerprint_environment(environment: ExistingEnvironment) -> str:
    r"""Give ``sha256:`` and the digest over sorted UTF-8 lines ``name==version NUL path NUL sha256 LF``.

    Names are normalised, paths relative to their scheme's folder, digests in hexadecimal: RECORD's, recomputed
    where it has another algorithm or none, and for scripts that name the environment's interpreter, which
    reads as ``#!python``. Left out is what installers write themselves: INSTALLER, REQUESTED, RECORD with its
    signatures, direct_url.json, bytecode, the launchers of entry_points.txt.
    """
    lines: set[str] = set()
    for wheel in read_installed(environment):
        if isinstance(wheel, InstalledWheel):
            lines.update(_Fingers(InstalledContents(environment, wheel)).lines())
    encoded = "".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return f"sha256:{hashlib.sha256(encoded).hexdigest()}"


@dataclass(frozen=True)
class _Fingers:
    """What one distribution adds to the fingerprint of its environment."""

    contents: InstalledContents

    def lines(self) -> Iterator[str]:
        wheel = self.contents.wheel
        title = f"{canonicalize_name(wheel.name)}=={wheel.version}"
        with suppress(OSError, UnsafeFileError, DistInfoError):
            for row in self.contents.rows():
                path = self.contents.path_of(row)
                if not self._is_launcher(path):
                    yield f"{title}\0{self._relative(path)}\0{self._digest(row, path)}\n"

    @property
    def _environment(self) -> ExistingEnvironment:
        return self.contents.environment

    @cached_property
    def _scripts(self) -> str:
        return os.path.realpath(self._scheme_scripts)

    @property
    def _scheme_scripts(self) -> str:
        return self._environment.interpreter.scheme_paths(self._environment.prefix)["scripts"]

    @cached_property
    def _script_names(self) -> frozenset[bytes]:
        """How a first line may name the folder of scripts: an installer does not follow links before it writes."""
        return frozenset(map(os.fsencode, (self._scripts, self._scheme_scripts)))

    @cached_property
    def _folders(self) -> tuple[str, ...]:
        """The schemes' folders, the innermost first."""
        libraries = map(os.path.realpath, self._environment.libraries)
        return (*dict.fromkeys(libraries), self._scripts, os.path.realpath(self._environment.prefix))

    @cached_property
    def _launchers(self) -> frozenset[str]:
        with suppress(OSError, UnsafeFileError, DistInfoError, ValueError):
            points = parse_entry_points(
                read_regular(self.contents.dist_info / "entry_points.txt", _MAX_BYTES)
            )
            return frozenset(f"{point.name}{suffix}" for point in points for suffix in _LAUNCHER_SUFFIXES)
        return frozenset()

    def _is_launcher(self, path: str) -> bool:
        folder, name = os.path.split(path)
        return folder == self._scripts and name in self._launchers

    def _relative(self, path: str) -> str:
        folder = next((each for each in self._folders if path.startswith(each + os.sep)), None)
        return (path if folder is None else os.path.relpath(path, folder)).replace(os.sep, "/")

    def _digest(self, row: RecordRow, path: str) -> str:
        is_script = os.path.dirname(path) == self._scripts  # noqa: PTH120 - text, like the rest here
        if not is_script and (digest := _sha256_of(row)):
            return digest
        try:
            return hashlib.sha256(self._content(row)).hexdigest()
        except (OSError, UnsafeFileError):
            return ""

    def _content(self, row: RecordRow) -> bytes:
        with self.contents.open_folder(row) as (folder, name):
            content = folder.read_name(name, _MAX_BYTES)
        return _SHEBANG.sub(self._plain_shebang, content, count=1)

    def _plain_shebang(self, match: re.Match[bytes]) -> bytes:
        named = match["long"] or match["short"] or b""
        return b"#!python\n" if any(folder in named for folder in self._script_names) else match[0]


def _sha256_of(row: RecordRow) -> str:
    """Give the digest that RECORD tells in hexadecimal, empty where it tells no SHA-256."""
    if row.algorithm != "sha256":
        return ""
    try:
        digest = decode_digest(row.digest)
    except ValueError:
        return ""
    return digest.hex() if len(digest) == _DIGEST_BYTES else ""
