"""Entries of the store as they lie on disk: read, examined, mended where only their stamps were touched."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.manifest import ManifestError, UnpackedFile, UnpackedWheel, parse_manifest
from pytest_wheeltag.core.record import encode_digest
from pytest_wheeltag.errors import StoreError, UnsafeFileError
from pytest_wheeltag.system.files import read_regular, staging_path
from pytest_wheeltag.system.folders import FolderWalk, OpenFolder

MANIFEST = "manifest.json"
FILES = "files"
_MAX_MANIFEST_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 20
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_HAS_MODES = os.name == "posix"


class Verification(StrEnum):
    """How an entry is checked when it is used: by size, mtime and mode of each file, or by content, too."""

    STAT = "stat"
    HASH = "hash"


@dataclass(frozen=True)
class StoreEntry:
    """An unpacked wheel that was found valid; ``root`` is the folder of its files, which are read-only."""

    root: Path
    wheel: UnpackedWheel

    @property
    def digest(self) -> str:
        """The SHA-256 of the archive, hexadecimal."""
        return self.wheel.sha256

    @property
    def files(self) -> tuple[UnpackedFile, ...]:
        """The rows of the manifest."""
        return self.wheel.files

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the wheel, one line each."""
        return self.wheel.warnings

    @cached_property
    def scripts(self) -> Mapping[str, bytes]:
        """The shipped scripts that wait for an interpreter's path; raises ``StoreError`` where one is damaged."""
        rows = {file.path: file for file in self.files}
        return {path: self._read_script(rows[path]) for path in self.wheel.placeholders}

    def _read_script(self, row: UnpackedFile) -> bytes:
        try:
            content = read_regular(self.root / row.path, row.size)
        except (OSError, UnsafeFileError) as error:
            raise StoreError(str(self.root), f"its script {row.path} cannot be read", "try again") from error
        if encode_digest(hashlib.sha256(content).digest()) != row.sha256:
            raise StoreError(str(self.root), f"its script {row.path} was changed", "try again")
        return content


def read_entry(place: Path, sha256: str) -> StoreEntry:
    """Read an entry's manifest, nothing else.

    Raises ``FileNotFoundError`` where there is no entry, ``ManifestError`` where it cannot be
    believed: it is a link, or its manifest is missing, broken, or that of another archive.
    """
    if not stat.S_ISDIR(place.lstat().st_mode):
        raise ManifestError("folder", "a link or a file")
    try:
        wheel = parse_manifest(read_regular(place / MANIFEST, _MAX_MANIFEST_BYTES))
    except FileNotFoundError as error:
        raise ManifestError("manifest", "none") from error
    except UnsafeFileError as error:
        raise ManifestError("manifest", "another kind of file") from error
    if wheel.sha256 != sha256:
        raise ManifestError("manifest", "that of another archive")
    return StoreEntry(place / FILES, wheel)


def find_suspects(entry: StoreEntry, verification: Verification) -> tuple[UnpackedFile, ...]:
    """Give the files that are not as the manifest says; what it does not list is never linked, and no matter."""
    if not _is_folder(entry.root):
        return entry.files
    suspects: list[UnpackedFile] = []
    with FolderWalk(str(entry.root)) as walk:
        for folder, rows in _by_folder(entry.files).items():
            try:
                opened = walk.open(folder)
            except OSError:
                suspects += rows
                continue
            suspects += (row for row in rows if not _fits(row, opened, verification))
    return tuple(suspects)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _by_folder(files: Iterable[UnpackedFile]) -> Mapping[str, list[UnpackedFile]]:
    folders: dict[str, list[UnpackedFile]] = {}
    for file in files:
        folders.setdefault(file.path.rpartition("/")[0], []).append(file)
    return folders


def _fits(row: UnpackedFile, folder: OpenFolder, verification: Verification) -> bool:
    name = folder.name(row.path.rpartition("/")[2])
    try:
        found = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
    except OSError:
        return False
    if found.st_mtime_ns != row.mtime_ns or found.st_size != row.size or not _has_mode(found, row.mode):
        return False
    return verification is Verification.STAT or _has_content(row, folder)


def _has_mode(found: os.stat_result, mode: int) -> bool:
    if not _HAS_MODES:
        return stat.S_ISREG(found.st_mode)
    return found.st_mode == stat.S_IFREG | mode


def _has_content(row: UnpackedFile, folder: OpenFolder) -> bool:
    try:
        descriptor = os.open(folder.name(row.path.rpartition("/")[2]), _READ, dir_fd=folder.descriptor)
    except OSError:
        return False
    try:
        digest = hashlib.sha256()
        for piece in _pieces(descriptor):
            digest.update(piece)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return encode_digest(digest.digest()) == row.sha256


def _pieces(descriptor: int) -> Iterator[bytes]:
    while piece := os.read(descriptor, _CHUNK_BYTES):
        yield piece


def mend(entry: StoreEntry, suspects: Iterable[UnpackedFile]) -> bool:
    """Give files of the right content their stamps and modes back; tell whether all could be mended so.

    Raises ``OSError`` where the store cannot be written.
    """
    if not _is_folder(entry.root):
        return False
    with FolderWalk(str(entry.root)) as walk:
        for row in suspects:
            folder, _, name = row.path.rpartition("/")
            try:
                opened = walk.open(folder)
                found = os.stat(opened.name(name), dir_fd=opened.descriptor, follow_symlinks=False)
            except OSError:
                return False
            is_same = stat.S_ISREG(found.st_mode) and found.st_size == row.size and _has_content(row, opened)
            if not is_same:
                return False
            _restamp(row, name, opened)
    return True


def _restamp(row: UnpackedFile, name: str, folder: OpenFolder) -> None:
    times = (row.mtime_ns, row.mtime_ns)
    if _HAS_MODES:
        os.chmod(folder.name(name), row.mode, dir_fd=folder.descriptor)
    os.utime(folder.name(name), ns=times, dir_fd=folder.descriptor)


def discard(place: Path) -> None:
    """Take an entry out of the store in one step, then remove it; that it is gone already is no error."""
    aside = staging_path(place)
    try:
        place.rename(aside)
    except FileNotFoundError:
        return
    if aside.is_symlink() or not aside.is_dir():
        with suppress(OSError):
            aside.unlink()
    else:
        shutil.rmtree(aside, ignore_errors=True)
