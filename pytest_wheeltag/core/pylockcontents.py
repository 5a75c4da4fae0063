"""What a pylock.toml says is published, whatever it is to install."""

from collections.abc import Iterator

from packaging.pylock import Package
from packaging.utils import parse_sdist_filename
from packaging.version import Version

from pytest_wheeltag.core.candidates import parse_wheel_name
from pytest_wheeltag.core.ledger import LockContents, LockedPackage
from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.lockentries import FileEntry, published_file
from pytest_wheeltag.core.lockparts import shown_checkout, shown_place


def pylock_contents(lock: Lock) -> LockContents:
    """Give the contents of a lock that was read; raises ``UsageError`` for an entry that cannot be used."""
    pylock = lock.pylock
    return LockContents(
        str(pylock.lock_version),
        tuple(_locked_package(each, lock) for each in pylock.packages),
        str(pylock.requires_python or ""),
        tells_needs=True,
        groups=frozenset(pylock.default_groups or ()),
    )


def _locked_package(package: Package, lock: Lock) -> LockedPackage:
    entries = (*(package.wheels or ()), *((package.sdist,) if package.sdist else ()))
    python = str(package.requires_python or "") or None
    return LockedPackage(
        package.name,
        package.version or next(_versions(entries), None),
        tuple(published_file(each, lock, requires_python=python) for each in entries),
        _direct(package),
        (str(package.marker),) if package.marker else (),
    )


def _versions(entries: tuple[FileEntry, ...]) -> Iterator[Version]:
    # packaging has parsed the names already.
    for entry in entries:
        is_wheel = entry.filename.endswith(".whl")
        yield (
            parse_wheel_name(entry.filename).version if is_wheel else parse_sdist_filename(entry.filename)[1]
        )


def _direct(package: Package) -> str:
    if package.vcs:
        address = package.vcs.url or package.vcs.path or ""
        return shown_checkout(address, package.vcs.commit_id).replace("git+", f"{package.vcs.type}+", 1)
    if package.archive:
        return shown_place(package.archive.url or package.archive.path or "")
    return shown_place(package.directory.path) if package.directory else ""
