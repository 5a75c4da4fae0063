"""What an installer resolved, read from the lock that it wrote or was handed, and the handing over of a lock."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from packaging.utils import NormalizedName

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.ledger import LockedPackage
from pytest_wheeltag.core.ledgerfile import read_ledger
from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.errors import WheeltagError
from pytest_wheeltag.subjects.attempt import Attempt
from pytest_wheeltag.system.urls import parse_url


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


def look_up(path: Path, installed: Iterable[ResolvedFile]) -> tuple[ResolvedFile, ...] | None:
    """Give what a lock says of the releases that were installed; of a fork that it cannot tell apart only the release."""
    known = {each.name: each for each in installed}
    locked = read_resolved(path, known)
    if locked is None:
        return None
    held = {
        each.name: each for each in locked if each.name in known and each.version == known[each.name].version
    }
    return tuple(held.get(name, each) for name, each in known.items())


def _resolved(package: LockedPackage) -> ResolvedFile:
    among = tuple((file.filename, dict(file.hashes).get("sha256")) for file in package.files)
    if len(among) == 1:
        return ResolvedFile(package.name, str(package.version), *among[0])
    return ResolvedFile(package.name, str(package.version), among=among)


def hand_over(lock: Lock, attempt: Attempt) -> Path:
    """Give the path of a lock: the file itself is handed over, since paths in it start from its folder.

    Raises ``InapplicableError`` for one that lies at an address, ``UninstallableError`` for one that has changed.
    """
    url = parse_url(lock.address)
    if url.scheme != "file":
        problem = "only a lock on this machine is handed over: at its address there may be another one by now"
        raise attempt.refuse(problem)
    if hashlib.sha256(url.file_path.read_bytes()).hexdigest() != lock.digest:
        problem = f"the lock has changed since it was read: `{lock.origin}`"
        raise attempt.fail(problem)
    return url.file_path


def find_untold_of(lock: Lock) -> Iterator[str]:
    """Say what of a lock no installer of locks can be told, a clause each."""
    if lock.groups == frozenset() and lock.pylock.default_groups:
        yield "it cannot be told to leave out the lock's default groups"
