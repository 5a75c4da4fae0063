"""A distribution that is installed here, packed as a wheel again: what an index on loopback offers of the real world."""

import zipfile
from importlib.metadata import PackagePath, distribution
from pathlib import Path

_GENERATED = (".pyc", "/RECORD", "/INSTALLER", "/REQUESTED", "/direct_url.json")


def pack_installed(name: str, folder: Path, tag: str = "py3-none-any") -> Path:
    """Write the wheel of a pure distribution of the running environment into ``folder``, which is made where missing.

    Raises ``PackageNotFoundError`` where it is not installed.
    """
    found = distribution(name)
    stem = f"{name.replace('-', '_')}-{found.version}"
    kept = [each for each in found.files or () if not _is_generated(each)]
    record = f"{stem}.dist-info/RECORD"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each in kept:
            archive.writestr(zipfile.ZipInfo(each.as_posix()), each.read_binary())
        archive.writestr(zipfile.ZipInfo(record), "\n".join([*map(_row, kept), f"{record},,", ""]))
    return path


def _is_generated(file: PackagePath) -> bool:
    name = file.as_posix()
    return name.startswith("..") or name.endswith(_GENERATED)


def _row(file: PackagePath) -> str:
    claim = f"{file.hash.mode}={file.hash.value},{file.size}" if file.hash else ","
    return f"{file.as_posix()},{claim}"
