"""Where the entries of a lock lie: published files and direct references with absolute addresses."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urljoin, urlsplit

from packaging.pylock import Package, PackageArchive, PackageDirectory, PackageSdist, PackageVcs, PackageWheel
from packaging.version import Version

from pytest_wheeltag.core.addresses import EXPECTED_CHECKOUT, shown_address, split_address
from pytest_wheeltag.core.candidates import Offer, PublishedFile, Screen, screen_release
from pytest_wheeltag.core.hashes import KNOWN_ALGORITHMS, Hashes
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.references import (
    Reference,
    ReferenceKind,
    parse_reference,
)
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UsageError

FileEntry = PackageWheel | PackageSdist
DirectEntry = PackageArchive | PackageDirectory
Entry = FileEntry | DirectEntry | PackageVcs

# `file:///C:/…` or a share: there a backslash parts folders, elsewhere it is a letter.
_WINDOWS_FOLDER = re.compile(r"file://(?:/[A-Za-z]:|[^/])")
_DRIVE = re.compile(r"[A-Za-z]:/")
_EXPECTED_LOCAL = "only addresses and relative paths of files, since the lock does not lie on this machine"
_EXPECTED_HASH = "a hash by an algorithm that Python knows, like sha256"


def published_file(entry: FileEntry, lock: Lock, *, requires_python: str | None = None) -> PublishedFile:
    """Give a locked wheel or source distribution as an index would list it; raises ``UsageError``."""
    return PublishedFile(
        entry.filename,
        _locate(entry.path, entry.url, lock),
        _hashes(entry, lock),
        requires_python,
        size=entry.size,
        upload_time=_in_utc(entry.upload_time),
        source=lock.origin,
    )


def locked_offer(package: Package, version: Version, lock: Lock, interpreter: Interpreter) -> Offer:
    """Give what the wheels of a package are to an interpreter; of those that tie the first comes first.

    So do the installers of locks, while of an index's files the last listed is taken.
    """
    files = [published_file(wheel, lock) for wheel in package.wheels or ()]
    # What to take follows from the lock alone: nothing else is screened for.
    return screen_release(package.name, version, files[::-1], Screen(interpreter))


def direct_reference(entry: DirectEntry, lock: Lock) -> Reference:
    """Give what a locked archive or folder leads to; raises ``UsageError`` for what cannot be used."""
    return _tree(entry, lock) if isinstance(entry, PackageDirectory) else _archive(entry, lock)


def refuse_checkout(entry: PackageVcs, lock: Lock) -> UsageError:
    """Give the error for a package that is locked to a revision of a repository."""
    return UsageError(
        lock.origin, shown_address(f"{entry.type}+{entry.path or entry.url}"), EXPECTED_CHECKOUT
    )


def _archive(entry: PackageArchive, lock: Lock) -> Reference:
    hashes = _hashes(entry, lock)
    url = _locate(entry.path, entry.url, lock)
    fragment = "" if entry.path else urlsplit(entry.url or "").fragment
    if entry.subdirectory:
        fragment = urlencode({"subdirectory": entry.subdirectory})
    reference = parse_reference(f"{url}#{fragment}", lock.origin)
    if reference.kind is ReferenceKind.TREE:
        raise UsageError(lock.origin, shown_address(url), "a wheel or a source archive, by the name's suffix")
    return replace(reference, hashes=hashes)


def _tree(entry: PackageDirectory, lock: Lock) -> Reference:
    if not _is_local(lock):
        raise UsageError(lock.origin, printable(entry.path), _EXPECTED_LOCAL)
    path = f"{entry.path}/{entry.subdirectory}" if entry.subdirectory else entry.path
    url = _locate_path(path, lock).rstrip("/")
    # As pip writes it into direct_url.json: the project's own folder, with a slash unless it is editable.
    return Reference(
        url if entry.editable else f"{url}/", ReferenceKind.TREE, is_editable=bool(entry.editable)
    )


def _hashes(entry: FileEntry | PackageArchive, lock: Lock) -> Hashes:
    hashes = tuple(sorted((name.lower(), digest.lower()) for name, digest in entry.hashes.items()))
    # What is by none of them would be taken unchecked.
    if KNOWN_ALGORITHMS.isdisjoint(name for name, _ in hashes):
        raise UsageError(lock.origin, printable(", ".join(entry.hashes)), _EXPECTED_HASH)
    return hashes


def _in_utc(time: datetime | None) -> datetime | None:
    # The specification wants UTC; what has no zone is meant so.
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)


def _locate(path: str | None, url: str | None, lock: Lock) -> str:
    """Give the absolute address of an entry, of its path where it has both (specification, installation)."""
    return _locate_path(path, lock) if path else _check_url(url or "", lock)


def _locate_path(path: str, lock: Lock) -> str:
    is_windows = _WINDOWS_FOLDER.match(lock.folder) is not None
    if is_windows:
        path = path.replace("\\", "/")
    has_drive = is_windows and _DRIVE.match(path) is not None
    if not has_drive and not path.startswith("/"):
        # Quoted: nothing in a path is a scheme, a host, a query or a fragment.
        return urljoin(lock.folder, quote(path))
    if not _is_local(lock):
        raise UsageError(lock.origin, printable(path), _EXPECTED_LOCAL)
    if is_windows and path.startswith("//"):
        return f"file:{quote(path)}"
    return f"file:///{quote(path.lstrip('/'), safe='/:' if has_drive else '/')}"


def _check_url(url: str, lock: Lock) -> str:
    parts = split_address(url, lock.origin)
    if parts.scheme == "file" and not _is_local(lock):
        raise UsageError(lock.origin, shown_address(url), _EXPECTED_LOCAL)
    return parts._replace(fragment="").geturl()


def _is_local(lock: Lock) -> bool:
    return lock.folder.startswith("file:")
