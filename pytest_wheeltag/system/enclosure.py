"""Reading that never leaves a folder: links out of it are refused, nothing but regular files is opened."""

import errno
import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import TracebackType
from typing import Self

from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.files import read_regular

Entry = os.DirEntry[str]

# Where there are none of these (Windows), names are resolved and looked at before they are opened.
_HAS_DESCRIPTORS = os.open in os.supports_dir_fd and os.scandir in os.supports_fd
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_FOLDER = os.O_RDONLY | _SAFE | getattr(os, "O_DIRECTORY", 0)
_FILE = os.O_RDONLY | _SAFE | getattr(os, "O_BINARY", 0)

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}
_PIECE_BYTES = 1 << 20
_MAX_LINKS = 40  # as Linux follows
_WINDOWS_PREFIX = "\\\\?\\"


@dataclass(frozen=True)
class Enclosure:
    """A folder that reading does not leave, whatever links lie in it; ``root`` is its real path.

    ``names`` are the paths that it goes by, so that absolute links into it are known for what they are.
    """

    root: str
    names: tuple[str, ...]

    @classmethod
    def around(cls, path: str) -> Self:
        """Enclose a folder; itself it may be reached through links. Raises ``OSError`` where there is none."""
        root = os.path.realpath(path, strict=True)
        return cls(root, tuple(dict.fromkeys((root, str(Path(path).absolute())))))

    def path_of(self, *parts: str) -> str:
        """Give the path of what lies below this folder."""
        return self.root.rstrip(os.sep) + "".join(f"{os.sep}{part}" for part in parts) or self.root

    def parts_of(self, path: str) -> tuple[str, ...] | None:
        """Give the parts of a path below this folder, links unread; None where it is not below it."""
        pure = PurePath(path.removeprefix(_WINDOWS_PREFIX))
        below = next((name for name in self.names if pure.is_relative_to(name)), None)
        return None if below is None else pure.relative_to(below).parts

    def open(self, path: str) -> "Folder":
        """Open a folder inside; raises ``UnsafeFileError`` where a link on the way leads out, ``OSError`` where there is none."""
        parts = self.parts_of(path)
        if parts is None:
            raise _outside(path)
        return self.open_parts(self.resolve(parts))

    def resolve(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """Follow the links among the parts of a path, as far as they stay inside.

        Nothing outside is touched, so that a link to an automounted folder mounts nothing. Raises
        ``UnsafeFileError`` for a link that leads out and for links in a circle, ``OSError`` for one to nothing.
        """
        path = self.path_of(*parts)
        pending, done, links = deque(parts), list[str](), 0
        while pending:
            part = pending.popleft()
            if part == os.pardir:
                if not done:
                    raise _outside(path)
                done.pop()
                continue
            target = _read_link(self.path_of(*done, part))
            links += target is not None
            if links > _MAX_LINKS:
                raise UnsafeFileError(path, "expected a file or folder, found links in a circle")
            if target is None:
                done.append(part)
                continue
            if PurePath(target).is_absolute():
                done = []
            pending.extendleft(reversed(self._parts_of_target(target, path)))
        return tuple(done)

    def _parts_of_target(self, target: str, path: str) -> tuple[str, ...]:
        if not PurePath(target).is_absolute():
            return PurePath(target).parts
        parts = self.parts_of(target)
        if parts is None:
            raise _outside(path)
        return parts

    def open_parts(self, parts: tuple[str, ...]) -> "Folder":
        """Open a folder by its real parts, none of them a link; raises ``OSError`` where one is."""
        path = self.path_of(*parts)
        if not _HAS_DESCRIPTORS:
            return Folder(self, parts, None)
        descriptor = os.open(self.root, _FOLDER)
        for part in parts:
            descriptor = _descend(descriptor, part, path)
        return Folder(self, parts, descriptor)


class Folder:
    """A folder inside an enclosure, held open where the platform allows it; a context manager that closes it."""

    def __init__(self, enclosure: Enclosure, parts: tuple[str, ...], descriptor: int | None) -> None:
        self._enclosure = enclosure
        self._parts = parts
        self._descriptor = descriptor
        self.path = enclosure.path_of(*parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def path_of(self, name: str) -> str:
        """Give the path of an entry, as it lies on disk: not fit to be printed."""
        return f"{self.path}{os.sep}{name}"

    def entries(self, wanted: Callable[[str], object]) -> dict[str, Entry]:
        """List the entries whose name is wanted, by name; raises ``OSError``. To be used while the folder is open."""
        with os.scandir(self.path if self._descriptor is None else self._descriptor) as entries:
            return {entry.name: entry for entry in entries if wanted(entry.name)}

    def open(self, entry: Entry) -> "Folder":
        """Open a folder in this one; raises ``UnsafeFileError`` where it is none or leads out, ``OSError`` otherwise."""
        is_link = entry.is_symlink()
        if not is_link and not entry.is_dir():
            found = _kind(entry.stat(follow_symlinks=False))
            raise UnsafeFileError(self.path_of(entry.name), f"expected a folder, found {found}")
        if is_link or self._descriptor is None:
            return self._enclosure.open_parts(self._resolve(entry))
        descriptor = os.open(entry.name, _FOLDER, dir_fd=self._descriptor)
        return Folder(self._enclosure, (*self._parts, entry.name), descriptor)

    def read(self, entry: Entry, limit: int) -> bytes:
        """Read a regular file of at most ``limit`` bytes, without ever waiting.

        Raises ``UnsafeFileError`` for anything else, for a larger one, for one that grows meanwhile and for a
        link that leads out; ``OSError`` where it cannot be read.
        """
        if not entry.is_symlink() and self._descriptor is not None:
            if entry.is_file(follow_symlinks=False):
                return self._read(entry.name, limit)
            raise _not_regular(self.path_of(entry.name), entry.stat(follow_symlinks=False))
        parts = self._resolve(entry)
        if not parts:
            raise UnsafeFileError(self.path_of(entry.name), "expected a regular file, found a folder")
        with self._enclosure.open_parts(parts[:-1]) as folder:
            return folder.read_name(parts[-1], limit)

    def read_name(self, name: str, limit: int) -> bytes:
        """Read a file as ``read`` does, by its name, which is no link."""
        if self._descriptor is None:
            return read_regular(Path(self.path, name), limit)
        # Opening a device can act of itself: looked at before, as a listing tells, and again once open.
        found = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            raise _not_regular(self.path_of(name), found)
        return self._read(name, limit)

    def digest_name(self, name: str, algorithm: str) -> tuple[bytes, int]:
        """Give the digest and the size in bytes of a file by its name, as ``pieces_of_name`` reads it."""
        hasher, size = hashlib.new(algorithm), 0
        for piece in self.pieces_of_name(name):
            hasher.update(piece)
            size += len(piece)
        return hasher.digest(), size

    def pieces_of_name(self, name: str) -> Iterator[bytes]:
        """Give the content of a file by its name, which is no link, in pieces.

        Raises ``UnsafeFileError`` where it is no regular file, ``OSError`` where there is none.
        """
        size = 0
        path = self.path_of(name)
        found = os.stat(
            path if self._descriptor is None else name, dir_fd=self._descriptor, follow_symlinks=False
        )
        if not stat.S_ISREG(found.st_mode):
            raise _not_regular(path, found)
        descriptor = os.open(path if self._descriptor is None else name, _FILE, dir_fd=self._descriptor)
        try:
            _check(path, os.fstat(descriptor), found.st_size)
            # No further than the size that it had: a file that grows would never end.
            while size <= found.st_size and (piece := os.read(descriptor, _PIECE_BYTES)):
                size += len(piece)
                yield piece
        finally:
            os.close(descriptor)

    def _resolve(self, entry: Entry) -> tuple[str, ...]:
        return self._enclosure.resolve((*self._parts, entry.name))

    def _read(self, name: str, limit: int) -> bytes:
        path = self.path_of(name)
        descriptor = os.open(name, _FILE, dir_fd=self._descriptor)
        try:
            found = os.fstat(descriptor)
            _check(path, found, limit)
            data = _read_up_to(descriptor, found.st_size + 1)
        finally:
            os.close(descriptor)
        if len(data) > found.st_size:
            raise UnsafeFileError(path, "expected a file at rest, found one that grows while it is read")
        return data


def _read_link(path: str) -> str | None:
    try:
        return str(Path(path).readlink())
    except OSError as error:
        if error.errno == errno.EINVAL:  # there, and no link
            return None
        raise


def _descend(descriptor: int, part: str, path: str) -> int:
    try:
        return os.open(part, _FOLDER, dir_fd=descriptor)
    except NotADirectoryError as error:
        raise UnsafeFileError(path, "expected a folder, found something else") from error
    finally:
        os.close(descriptor)


def _check(path: str, found: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _not_regular(path, found)
    if found.st_size > limit:
        raise UnsafeFileError(path, f"expected at most {limit} bytes, found {found.st_size}")


def _not_regular(path: str, found: os.stat_result) -> UnsafeFileError:
    return UnsafeFileError(path, f"expected a regular file, found {_kind(found)}")


def _kind(found: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(found.st_mode), "a device")


def _read_up_to(descriptor: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _outside(path: str) -> UnsafeFileError:
    return UnsafeFileError(path, "expected to stay inside the environment, found a link that leads outside")
