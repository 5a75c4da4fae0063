"""Files that are published whole or not at all, locks that only save work, safe reading, and what went wrong."""

import errno
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pytest_wheeltag.errors import UnsafeFileError

STAGING_PREFIX = ".tmp-"

# Windows refuses to replace a file that another process has open for a moment (a virus scanner does).
_REPLACE_ATTEMPTS = 10
_REPLACE_PAUSE_SECONDS = 0.02

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# Opens a new file to be written; what lies in the way, a link too, is an error.
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
# Without O_NONBLOCK the opening of a FIFO waits for a writer for ever.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY
_CHUNK_BYTES = 1 << 20


def publish_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Put a file in place whole or not at all, with its folders; readers see the old file or the new one.

    ``mode`` is subject to the umask. Raises ``OSError``, and then leaves what was there.
    """
    publish_parts(path, (data,), mode=mode)


def publish_parts(path: Path, parts: Iterable[bytes | bytearray], *, mode: int = 0o644) -> None:
    """Put a file in place as ``publish_bytes`` does, from parts that need not be joined in memory."""
    with _staged(path, parts, mode) as staged:
        _replace(staged, path)


def publish_first(path: Path, parts: Iterable[bytes | bytearray], *, mode: int = 0o644) -> bool:
    """Put a file in place unless there is one: whoever comes first wins. Tell whether it was this call."""
    with _staged(path, parts, mode) as staged:
        try:
            os.link(staged, path)
        except FileExistsError:
            return False
        except OSError:
            # No hard links here: two that come at once may then both believe that they were first.
            if path.exists():
                return False
            _replace(staged, path)
        return True


def publish_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Put a UTF-8 text file in place whole or not at all; line ends stay as they are."""
    publish_bytes(path, text.encode(), mode=mode)


def staging_path(path: Path) -> Path:
    """Give a fresh name beside ``path`` to prepare its content under; the name tells the process."""
    return path.with_name(f"{STAGING_PREFIX}{os.getpid()}-{secrets.token_hex(6)}")


def clear_away(path: Path) -> None:
    """Remove what lies in the way at a place of ours, whatever it is; what cannot be removed stays."""
    staged = staging_path(path)
    with suppress(OSError):
        path.rename(staged)
        if staged.is_dir() and not staged.is_symlink():
            shutil.rmtree(staged, ignore_errors=True)
        else:
            staged.unlink()


@contextmanager
def lock(path: Path, *, timeout_seconds: float = 30.0) -> Iterator[bool]:
    """Hold the lock file ``path`` if it can be had, and tell whether it is held.

    A lock only avoids that work is done twice: after ``timeout_seconds``, on a file system without locks,
    in a read-only folder and where the lock file is a link, the body runs without it.
    """
    with ExitStack() as held:
        yield _acquire(path, timeout_seconds, held)


def _acquire(path: Path, timeout_seconds: float, held: ExitStack) -> bool:
    # Late: filelock takes 40 ms, and whoever finds all answers in the cache locks nothing.
    import filelock  # noqa: PLC0415

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            return False
        held.enter_context(filelock.FileLock(path).acquire(timeout_seconds, poll_interval=0.02))
    except (OSError, NotImplementedError, RuntimeError):  # filelock's time-out is an OSError
        return False
    return True


def read_regular(path: Path, limit: int, *, follow: bool = False) -> bytes:
    """Read a regular file of at most ``limit`` bytes, without ever waiting.

    A link as the last part of ``path`` is refused unless ``follow``. Raises ``UnsafeFileError`` for a link, a
    folder, a FIFO, a device and for a larger file; ``OSError`` where there is none or it cannot be read.
    """
    descriptor = _open_regular(path, follow=follow)
    try:
        _check(path, os.fstat(descriptor), limit)
        data = _read_bounded(descriptor, limit + 1)
    finally:
        os.close(descriptor)
    # It may have grown since it was looked at.
    if len(data) > limit:
        raise UnsafeFileError(str(path), f"expected at most {limit} bytes, found more")
    return data


def _open_regular(path: Path, *, follow: bool) -> int:
    # Opening a device or a socket can act or fail in ways of its own: look before.
    found = path.stat() if follow else path.lstat()
    _check(path, found)
    return os.open(path, _READ if follow else _READ | _NO_FOLLOW)


def _check(path: Path, found: os.stat_result, limit: int | None = None) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UnsafeFileError(str(path), f"expected a regular file, found {_kind(found.st_mode)}")
    if limit is not None and found.st_size > limit:
        raise UnsafeFileError(str(path), f"expected at most {limit} bytes, found {found.st_size}")


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFLNK: "a link",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")


def _read_bounded(descriptor: int, limit: int) -> bytes:
    parts: list[bytes] = []
    missing = limit
    while missing and (part := os.read(descriptor, min(missing, _CHUNK_BYTES))):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def hash_regular(path: str, limit: int) -> tuple[bytes, int, bool] | None:
    """Give the SHA-256, the size in bytes and the executable bit of a regular file, read without ever waiting.

    None where it is anything else or not there. Raises ``OSError`` where it cannot be read, and that it is too
    large (``EFBIG``) where it has more than ``limit`` bytes.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        descriptor = os.open(path, _READ | _NO_FOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return None
        return *_hash_bounded(descriptor, limit), bool(found.st_mode & 0o111)
    finally:
        os.close(descriptor)


def _hash_bounded(descriptor: int, limit: int) -> tuple[bytes, int]:
    digest, size = hashlib.sha256(), 0
    while piece := os.read(descriptor, _CHUNK_BYTES):
        size += len(piece)
        if size > limit:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        digest.update(piece)
    return digest.digest(), size


def describe_os_error(error: OSError) -> str:
    """Say in a clause what a call of the operating system failed for."""
    return (error.strerror or type(error).__name__).lower()


@contextmanager
def _staged(path: Path, parts: Iterable[bytes | bytearray], mode: int) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = staging_path(path)
    try:
        with os.fdopen(os.open(staged, CREATE, mode), "wb") as file:
            file.writelines(parts)
        yield staged
    finally:
        with suppress(OSError):
            staged.unlink()


def _replace(staged: Path, path: Path) -> None:
    for _ in range(_REPLACE_ATTEMPTS - 1):
        try:
            staged.replace(path)
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(_REPLACE_PAUSE_SECONDS)
        else:
            return
    staged.replace(path)
