"""Which entries of a zip archive a wheel may have: regular files and folders, not too large."""

import stat
from collections.abc import Collection, Iterator

from pytest_wheeltag.core.finding import Finding, entry, refused
from pytest_wheeltag.core.wheel import WheelBounds
from pytest_wheeltag.system.zipframe import ZipMember
from pytest_wheeltag.system.zipsource import THE_ARCHIVE

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a regular file",
}
# Archives made on Windows tell no kind.
_FILE_KINDS = (stat.S_IFREG, 0)
_FOLDER_KINDS = (stat.S_IFDIR, 0)
_BEWARE = "take another file, or raise the bound if you trust this one"


def is_executable(member: ZipMember) -> bool:
    """Tell whether a file shall be executable; nothing else of its mode is kept. As pip decides it."""
    return stat.S_ISREG(member.mode) and bool(member.mode & 0o111)


def find_odd_kinds(files: Collection[ZipMember], folders: Collection[ZipMember]) -> Iterator[Finding]:
    """Find entries that are neither regular files nor folders, or that are a folder by half."""
    for member in files:
        if stat.S_IFMT(member.mode) not in _FILE_KINDS:
            yield refused(entry(member.name), f"expected a regular file, found {_kind(member)}")
    for member in folders:
        if stat.S_IFMT(member.mode) not in _FOLDER_KINDS:
            yield refused(entry(member.name), f"expected a folder, found {_kind(member)}")
        if member.size:
            yield refused(entry(member.name), f"expected a folder without data, found {member.size} bytes")


def _kind(member: ZipMember) -> str:
    return _KINDS.get(stat.S_IFMT(member.mode), "an unknown kind")


def find_too_large(
    members: Collection[ZipMember], packed_bytes: int, bounds: WheelBounds
) -> Iterator[Finding]:
    """Find out whether a wheel, or an entry of it, would unpack to more than the bounds allow."""
    total = sum(member.size for member in members)
    if bounds.max_unpacked_bytes is not None and total > bounds.max_unpacked_bytes:
        problem = f"expected at most {bounds.max_unpacked_bytes} bytes unpacked, found {total}"
        yield refused(THE_ARCHIVE, problem, "make room, take another file, or raise `wheeltag_max_unpacked`")
    if _is_bomb(total, packed_bytes, bounds):
        yield refused(THE_ARCHIVE, _describe_bomb(total, packed_bytes, bounds), _BEWARE)
    for member in members:
        if _is_bomb(member.size, member.compressed_size, bounds):
            problem = _describe_bomb(member.size, member.compressed_size, bounds)
            yield refused(entry(member.name), problem, _BEWARE)


def _is_bomb(size: int, packed: int, bounds: WheelBounds) -> bool:
    return size > bounds.min_ratio_bytes and size > packed * bounds.max_ratio


def _describe_bomb(size: int, packed: int, bounds: WheelBounds) -> str:
    return f"expected it to unpack to at most {bounds.max_ratio} times its size, found {size} bytes from {packed}"
