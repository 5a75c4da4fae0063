"""What an installer of projects resolved, read from the lock that it wrote."""

from collections.abc import Collection
from pathlib import Path

from packaging.utils import NormalizedName

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.ledger import LockedPackage
from pytest_wheeltag.core.ledgerfile import read_ledger
from pytest_wheeltag.errors import WheeltagError


def read_resolved(path: Path, names: Collection[NormalizedName] = ()) -> tuple[ResolvedFile, ...] | None:
    """Read the releases of a lock, or those with some names; None where it is not there or cannot be read.

    A lock holds all files of a release: which of them was taken is known only where there is one.
    """
    try:
        ledger = read_ledger(path.read_bytes(), path.name, str(path), path.parent.as_uri())
    except (OSError, WheeltagError):
        return None
    # pdm holds a project again for each of its extras.
    found = {each.name: _resolved(each) for each in ledger.contents.packages if each.version}
    return tuple(each for name, each in found.items() if not names or name in names)


def _resolved(package: LockedPackage) -> ResolvedFile:
    among = tuple((file.filename, dict(file.hashes).get("sha256")) for file in package.files)
    if len(among) == 1:
        return ResolvedFile(package.name, str(package.version), *among[0])
    return ResolvedFile(package.name, str(package.version), among=among)
