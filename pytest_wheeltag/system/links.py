"""Putting a file from one folder into another without copying its bytes, where the file systems can."""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.files import CREATE
from pytest_wheeltag.system.folders import OpenFolder


class LinkMode(StrEnum):
    """How files get from the store into an environment; each falls back on copying, file by file."""

    AUTO = "auto"
    REFLINK = "reflink"
    HARDLINK = "hardlink"
    COPY = "copy"


def parse_link_mode(text: str, *, setting: str = "--wheeltag-link-mode") -> LinkMode:
    """Read a link mode; raises ``UsageError``, which names ``setting``, for anything else."""
    try:
        return LinkMode(text)
    except ValueError:
        raise UsageError(setting, text, "`auto`, `reflink`, `hardlink` or `copy`") from None


_WAYS = {
    LinkMode.AUTO: (LinkMode.REFLINK, LinkMode.HARDLINK, LinkMode.COPY),
    LinkMode.REFLINK: (LinkMode.REFLINK, LinkMode.COPY),
    LinkMode.HARDLINK: (LinkMode.HARDLINK, LinkMode.COPY),
    LinkMode.COPY: (LinkMode.COPY,),
}

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_CHUNK_BYTES = 1 << 20
# ioctl_ficlone(2); Linux only.
_FICLONE = 0x40049409

# Where a hard link cannot be had for this one file: another may still get one.
_NO_LINK_FOR_FILE = frozenset({errno.EMLINK, errno.EPERM, errno.EACCES})
# Where the file systems have no such link at all.
_NO_LINK_AT_ALL = frozenset(
    {errno.EXDEV, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.ENOTTY}
)

Clone = Callable[[int, int], None]


def _clone(source: int, destination: int) -> None:
    if sys.platform != "linux":
        raise OSError(errno.EOPNOTSUPP, "no reflinks here")
    import fcntl  # noqa: PLC0415 - Windows has none

    fcntl.ioctl(destination, _FICLONE, source)


class FileLinker:
    """Puts files from one folder into another in the best way of a mode, and remembers what never works.

    Meant for one pair of file systems. Linked files keep the mode of their source (0444 or 0555); copies and
    reflinks get 0644 or 0755 and their source's mtime, which tells their content. ``used`` counts the ways taken.
    """

    def __init__(self, mode: LinkMode = LinkMode.AUTO, *, clone: Clone = _clone) -> None:
        self._ways = list(_WAYS[mode])
        self._clone = clone
        self.used: dict[LinkMode, int] = {}

    def place(self, name: str, source: OpenFolder, destination: OpenFolder) -> None:
        """Put the file ``name`` into the other folder under the same name.

        Raises ``FileExistsError`` where something bears the name, and other ``OSError`` where copying fails.
        """
        for way in tuple(self._ways):
            if self._try(way, name, source, destination):
                self.used[way] = self.used.get(way, 0) + 1
                return

    def copy(self, name: str, source: OpenFolder, destination: OpenFolder) -> None:
        """Put the file there as a copy, whatever the mode: what tools rewrite is never linked."""
        self._copy(name, source, destination, clone=False)
        self.used[LinkMode.COPY] = self.used.get(LinkMode.COPY, 0) + 1

    def _try(self, way: LinkMode, name: str, source: OpenFolder, destination: OpenFolder) -> bool:
        try:
            if way is LinkMode.HARDLINK:
                _hard_link(name, source, destination)
            else:
                self._copy(name, source, destination, clone=way is LinkMode.REFLINK)
        except OSError as error:
            if way is LinkMode.COPY or not _is_refused(error):
                raise
            if error.errno in _NO_LINK_AT_ALL:
                self._ways.remove(way)
            return False
        return True

    def _copy(self, name: str, source: OpenFolder, destination: OpenFolder, *, clone: bool) -> None:
        reading = os.open(source.name(name), _READ, dir_fd=source.descriptor)
        try:
            found = os.fstat(reading)
            mode = 0o755 if found.st_mode & 0o100 else 0o644
            writing = os.open(destination.name(name), CREATE, mode, dir_fd=destination.descriptor)
            try:
                (self._clone if clone else _copy_bytes)(reading, writing)
            except BaseException:
                with suppress(OSError):
                    os.unlink(destination.name(name), dir_fd=destination.descriptor)
                raise
            finally:
                os.close(writing)
        finally:
            os.close(reading)
        times = (found.st_mtime_ns, found.st_mtime_ns)
        os.utime(destination.name(name), ns=times, dir_fd=destination.descriptor)


def _hard_link(name: str, source: OpenFolder, destination: OpenFolder) -> None:
    if source.descriptor is None or destination.descriptor is None:
        os.link(source.name(name), destination.name(name))
        return
    os.link(
        name, name, src_dir_fd=source.descriptor, dst_dir_fd=destination.descriptor, follow_symlinks=False
    )


def _copy_bytes(source: int, destination: int) -> None:
    while chunk := os.read(source, _CHUNK_BYTES):
        write_all(destination, chunk)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the bytes, however many calls that takes; raises ``OSError``."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _is_refused(error: OSError) -> bool:
    return error.errno in _NO_LINK_FOR_FILE or error.errno in _NO_LINK_AT_ALL
