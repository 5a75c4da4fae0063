"""The framing of a zip archive: every byte belongs to one entry, and both views of an entry agree.

``zipfile`` believes the directory and looks no further; here the headers before the data must tell the same
(APPNOTE.TXT 4.3.7 to 4.3.9), and from the first byte to the directory there is no gap and no overlap.
"""

import struct
from operator import attrgetter
from typing import NamedTuple

from pytest_wheeltag.core.finding import refused
from pytest_wheeltag.core.wheel import WheelBounds
from pytest_wheeltag.errors import RefusedWheelError
from pytest_wheeltag.system.inflate import METHODS, STORED
from pytest_wheeltag.system.zipdirectory import (
    SENTINEL_32,
    SHARED,
    SMALLEST_LARGE,
    UTF8_FLAG,
    CentralRecord,
    read_directory,
)
from pytest_wheeltag.system.zipextra import parse_extra, unpack_large
from pytest_wheeltag.system.zipsource import THE_ARCHIVE, EntryError, ZipSource

_DESCRIPTOR_FLAG = 0x0008
# Bits 1 and 2 tell how hard the compressor tried.
_KNOWN_FLAGS = _DESCRIPTOR_FLAG | UTF8_FLAG | 0x0006
_ENCRYPTED_FLAGS = 0x0001 | 0x0040 | 0x2000
_METHOD_NAMES = {
    1: "shrink", 6: "implode", 9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 99: "encrypted"
}  # fmt: skip

_LOCAL_SIZE = 30
_DESCRIPTORS = {
    12: struct.Struct("<3L"),
    16: struct.Struct("<4x3L"),
    20: struct.Struct("<L2Q"),
    24: struct.Struct("<4xL2Q"),
}
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
_SIGNED_DESCRIPTORS = (16, 24)
_LARGE_DESCRIPTORS = (20, 24)


class ZipMember(NamedTuple):
    """One entry of an archive: thousands are made per wheel, hence no dataclass.

    ``name`` ends in ``/`` for a folder; ``mode`` is the Unix mode, 0 where the archive gives none; sizes are in
    bytes, ``offset`` is where the data begin.
    """

    name: str
    size: int
    compressed_size: int
    crc: int
    method: int
    mode: int
    offset: int


class _Local(NamedTuple):
    """Where the data of an entry begin and end, and whether a zip64 field stands before them."""

    start: int
    end: int
    is_large: bool = False


def read_members(source: ZipSource, bounds: WheelBounds) -> tuple[ZipMember, ...]:
    """Read the entries in the order of their data; raises ``RefusedWheelError`` for anything ambiguous.

    Nothing is decompressed. What is decompressed later must still fit its size and CRC.
    """
    ending, records = read_directory(source, bounds)
    records.sort(key=attrgetter("offset"))
    begins = [record.offset for record in records[1:]]
    expected = 0
    members = []
    for record, limit in zip(records, (*begins, ending.start), strict=bool(records)):
        if record.offset != expected:
            raise _misplaced(source, record, expected)
        _check_kind(source, record)
        local = _read_local(source, record)
        expected = local.end
        if record.flags & _DESCRIPTOR_FLAG and local.end <= limit:
            expected = _check_descriptor(source, record, local, limit)
        members.append(_member(source, record, local.start))
    if expected != ending.start:
        raise _gap(source, expected, ending.start)
    return tuple(members)


def _gap(source: ZipSource, start: int, end: int) -> RefusedWheelError:
    problem = f"expected the directory right after the last entry ({start}), found it at {end}"
    return source.refusal(refused(THE_ARCHIVE, problem))


def _misplaced(source: ZipSource, record: CentralRecord, expected: int) -> RefusedWheelError:
    found = "overlapping another entry" if record.offset < expected else "after bytes that no entry owns"
    problem = f"expected it to begin at {expected}, found it at {record.offset}, {found},"
    return source.refusal(refused(record.where, problem))


def _check_kind(source: ZipSource, record: CentralRecord) -> None:
    problem = None
    if record.flags & _ENCRYPTED_FLAGS:
        problem = "expected plain data, found encrypted data"
    elif record.flags & ~_KNOWN_FLAGS:
        problem = f"expected no unknown flags, found {record.flags & ~_KNOWN_FLAGS:#06x}"
    elif record.method not in METHODS:
        name = _METHOD_NAMES.get(record.method, "unknown")
        problem = f"expected stored or deflated data, found method {record.method} ({name})"
    elif record.method == STORED and record.size != record.compressed_size:
        problem = f"expected stored data of {record.size} bytes, found {record.compressed_size}"
    if problem is not None:
        raise source.refusal(refused(record.where, problem))


def _read_local(source: ZipSource, record: CentralRecord) -> _Local:
    name_end = _LOCAL_SIZE + len(record.name)
    head = source.read_at(record.offset, name_end)
    if head[:4] != b"PK\3\4":
        raise source.refusal(refused(record.where, "expected a header before the data, found something else"))
    extra_size = head[28] | head[29] << 8
    start = record.offset + name_end + extra_size
    local = _Local(start, start + record.compressed_size)
    is_same = head[6:28] == record.shared and head[_LOCAL_SIZE:] == record.name
    if is_same and not extra_size and record.size < SMALLEST_LARGE > record.compressed_size:
        return local
    extra = source.read_at(record.offset + name_end, extra_size)
    try:
        return local._replace(is_large=_compare_local(record, head, extra))
    except EntryError as error:
        raise source.refusal(refused(record.where, error.problem)) from error


def _compare_local(record: CentralRecord, head: bytes, extra: bytes) -> bool:
    """Compare the header before the data with the directory's, field by field; tells whether it is zip64.

    With a data descriptor (bit 3) CRC and sizes may be 0 there.
    """
    flags, method, crc, compressed_size, size, name_size = SHARED.unpack_from(head, 6)
    if name_size != len(record.name) or head[_LOCAL_SIZE:] != record.name:
        problem = "expected the name that the directory has, found another before the data"
        raise EntryError(problem)
    if (flags, method) != (record.flags, record.method):
        problem = "expected the flags and method that the directory has, found others before the data"
        raise EntryError(problem)
    large = parse_extra(extra, record.name)
    told: list[tuple[int, ...]] = [(size, compressed_size)]
    if large is not None:
        # Bazel writes the field for every entry, beside sizes that fit: then both must tell the same.
        is_told_there = told == [(SENTINEL_32, SENTINEL_32)]
        told = [unpack_large(large, 2), *([] if is_told_there else told)]
    for stated in told:
        _compare_numbers((crc, *stated), (record.crc, record.size, record.compressed_size), flags)
    return large is not None


def _compare_numbers(stated: tuple[int, ...], facts: tuple[int, ...], flags: int) -> None:
    for found, fact in zip(stated, facts, strict=True):
        if found != fact and (found or not flags & _DESCRIPTOR_FLAG):
            problem = f"expected CRC and sizes as in the directory ({fact}), found {found} before the data"
            raise EntryError(problem)


def _check_descriptor(source: ZipSource, record: CentralRecord, local: _Local, limit: int) -> int:
    """Check what stands between the data and ``limit``, where the next thing begins; gives where it ends."""
    size = limit - local.end
    layout = _DESCRIPTORS.get(size)
    if layout is None or local.is_large != (size in _LARGE_DESCRIPTORS):
        raise source.refusal(refused(record.where, f"expected a data descriptor, found {size} bytes"))
    data = source.read_at(local.end, size)
    is_signed = data.startswith(_DESCRIPTOR_SIGNATURE) if size in _SIGNED_DESCRIPTORS else True
    if not is_signed or layout.unpack(data) != (record.crc, record.compressed_size, record.size):
        problem = "expected the directory's CRC and sizes in the data descriptor, found others"
        raise source.refusal(refused(record.where, problem))
    return limit


def _member(source: ZipSource, record: CentralRecord, start: int) -> ZipMember:
    try:
        name = record.decode_name()
    except EntryError as error:
        raise source.refusal(refused(record.where, error.problem)) from error
    return ZipMember(name, record.size, record.compressed_size, record.crc, record.method, record.mode, start)
