"""The directory at the end of a zip archive, read strictly (APPNOTE.TXT 4.3.12 to 4.3.16)."""

import struct
from typing import NamedTuple

from pytest_wheeltag.core.finding import entry, refused
from pytest_wheeltag.core.wheel import WheelBounds
from pytest_wheeltag.errors import RefusedWheelError
from pytest_wheeltag.system.zipextra import parse_extra, unpack_large
from pytest_wheeltag.system.zipsource import THE_ARCHIVE, EntryError, ZipSource, describe_stranger

SENTINEL_32 = 0xFFFFFFFF
_SENTINEL_16 = 0xFFFF
UTF8_FLAG = 0x0800
# Python's zipfile goes over to zip64 from here; who does so below has something to hide.
SMALLEST_LARGE = 1 << 31

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<30x4H2L")
# Flags, method, CRC, both sizes, length of the name: laid out alike before the data.
SHARED = struct.Struct("<2H4x3LH")
_MAX_BOUNDS_REMEDY = "take another file: no honest wheel is so large"


class Ending(NamedTuple):
    """What an archive's end says of its directory: how many entries, and that it reaches from ``start`` to ``end``."""

    entries: int
    start: int
    end: int


class CentralRecord(NamedTuple):
    """What the directory says of one entry.

    ``shared`` are the bytes that stand before the entry's data too, from the flags to the length of the name;
    ``mode`` is the Unix mode, 0 where the archive gives none; ``offset`` is where the entry begins.
    """

    name: bytes
    shared: bytes
    flags: int
    method: int
    crc: int
    compressed_size: int
    size: int
    mode: int
    offset: int

    @property
    def where(self) -> str:
        """The entry's name as errors show it."""
        return entry(self.name.decode("utf-8", "replace"))

    def decode_name(self) -> str:
        """Give the entry's name as text; raises ``EntryError``."""
        try:
            return self.name.decode("utf-8" if self.flags & UTF8_FLAG else "ascii")
        except UnicodeDecodeError as error:
            # Without the flag readers guess: code page 437, UTF-8, the system's own.
            problem = f"expected a name in UTF-8 with its flag, found another byte at offset {error.start}"
            raise EntryError(problem) from error


def read_directory(source: ZipSource, bounds: WheelBounds) -> tuple[Ending, list[CentralRecord]]:
    """Read the directory; raises ``RefusedWheelError`` for anything that two readers could understand differently."""
    ending = _read_ending(source)
    size = ending.end - ending.start
    if ending.entries > bounds.max_entries:
        raise _too_large(source, f"expected at most {bounds.max_entries} entries, found {ending.entries}")
    if size > bounds.max_directory_bytes:
        raise _too_large(
            source, f"expected a directory of at most {bounds.max_directory_bytes} bytes, found {size}"
        )
    return ending, _parse_directory(source, source.read_at(ending.start, size), ending.entries)


def _too_large(source: ZipSource, problem: str) -> RefusedWheelError:
    return source.refusal(refused(THE_ARCHIVE, problem, _MAX_BOUNDS_REMEDY))


def _refusal(source: ZipSource, problem: str) -> RefusedWheelError:
    return source.refusal(refused(THE_ARCHIVE, problem))


def _read_ending(source: ZipSource) -> Ending:
    position = source.size - _END.size
    data = source.peek_at(position, _END.size) if position >= 0 else b""
    if data[:4] != b"PK\5\6":
        raise source.refusal(describe_stranger(source))
    _, disk, first_disk, here, count, size, start, comment = _END.unpack(data)
    if disk or first_disk or here != count or comment:
        raise _refusal(source, "expected one archive on one disk without a comment, found another end record")
    large = _read_ending_64(source, position)
    if large is not None:
        stated = ((count, _SENTINEL_16), (size, SENTINEL_32), (start, SENTINEL_32))
        actual = (large.entries, large.end - large.start, large.start)
        if any(value not in {sentinel, fact} for (value, sentinel), fact in zip(stated, actual, strict=True)):
            raise _refusal(source, "expected both end records to agree, found them different")
        return large
    if start + size != position:
        problem = (
            f"expected the directory to end where its end record begins ({position}), found {start + size}"
        )
        raise _refusal(source, problem)
    return Ending(count, start, position)


def _read_ending_64(source: ZipSource, end: int) -> Ending | None:
    """Read the zip64 end record before ``end``, None where no locator stands there."""
    place = end - _LOCATOR_64.size
    located = source.peek_at(place, _LOCATOR_64.size) if place >= 0 else b""
    if located[:4] != b"PK\6\7":
        return None
    position = place - _END_64.size
    _, disk, record, disks = _LOCATOR_64.unpack(located)
    if disk or disks != 1 or record != position or position < 0:
        raise _refusal(source, "expected the zip64 end record right before its locator, found it elsewhere")
    fields = _END_64.unpack(source.read_at(position, _END_64.size))
    signature, length, _, _, disk, first_disk, here, count, size, start = fields
    if (signature, length, disk, first_disk, here) != (b"PK\6\6", _END_64.size - 12, 0, 0, count):
        raise _refusal(source, "expected a plain zip64 end record on one disk, found another")
    if start + size != position:
        problem = (
            f"expected the directory to end where its end record begins ({position}), found {start + size}"
        )
        raise _refusal(source, problem)
    return Ending(count, start, position)


def _parse_directory(source: ZipSource, data: bytes, count: int) -> list[CentralRecord]:
    records: list[CentralRecord] = []
    position = 0
    while position < len(data):
        record, position = _parse_record(source, data, position)
        records.append(record)
    if len(records) != count:
        raise _refusal(source, f"expected {count} entries in the directory, found {len(records)}")
    return records


def _parse_record(source: ZipSource, data: bytes, position: int) -> tuple[CentralRecord, int]:
    after_header = position + _CENTRAL.size
    if data[position : position + 4] != b"PK\1\2" or after_header > len(data):
        raise _refusal(
            source, f"expected an entry of the directory at its byte {position}, found something else"
        )
    extra_size, comment_size, disk, _, attributes, offset = _CENTRAL.unpack_from(data, position)
    flags, method, crc, compressed_size, size, name_size = SHARED.unpack_from(data, position + 8)
    after_name = after_header + name_size
    after_extra = after_name + extra_size
    after = after_extra + comment_size
    if after > len(data) or disk:
        raise _refusal(
            source, f"expected a whole entry of the directory at its byte {position}, found a part"
        )
    shared, name = data[position + 8 : position + 30], data[after_header:after_name]
    record = CentralRecord(name, shared, flags, method, crc, compressed_size, size, attributes >> 16, offset)
    is_large = SENTINEL_32 in {size, compressed_size, offset}
    if extra_size or is_large:
        record = _with_extra(source, record, data[after_name:after_extra])
    return record, after


def _with_extra(source: ZipSource, record: CentralRecord, extra: bytes) -> CentralRecord:
    """Take from the zip64 field what did not fit, in the order of the specification."""
    numbers = [record.size, record.compressed_size, record.offset]
    wanted = [index for index, value in enumerate(numbers) if value == SENTINEL_32]
    try:
        values = unpack_large(parse_extra(extra, record.name), len(wanted))
    except EntryError as error:
        raise source.refusal(refused(record.where, error.problem)) from error
    if any(value < SMALLEST_LARGE for value in values):
        problem = f"expected a zip64 field for large numbers only, found {min(values)}"
        raise source.refusal(refused(record.where, problem))
    for index, value in zip(wanted, values, strict=True):
        numbers[index] = value
    size, compressed_size, offset = numbers
    return record._replace(size=size, compressed_size=compressed_size, offset=offset)
