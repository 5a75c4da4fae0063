"""METADATA of a wheel, found through the directory at the end of its archive, wherever the bytes are."""

import re
import struct
import zlib
from typing import BinaryIO

from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES
from pytest_wheeltag.core.finding import refused
from pytest_wheeltag.core.wheel import WheelBounds
from pytest_wheeltag.system.inflate import INPUT_BYTES, METHODS, inflate
from pytest_wheeltag.system.zipdirectory import CentralRecord, read_directory
from pytest_wheeltag.system.zipsource import THE_ARCHIVE, EntryError, ZipSource

_METADATA = re.compile(rb"[^/]+\.dist-info/METADATA")
_LOCAL = struct.Struct("<4s22x2H")
_BOUNDS = WheelBounds()


def read_wheel_metadata(file: BinaryIO, filename: str) -> bytes:
    """Give METADATA of a wheel; raises ``RefusedWheelError``, which names ``filename``.

    Only the directory and this entry are checked: that the archive as a whole is sound is for the strict reader to
    say, before anything of it is installed.
    """
    source = ZipSource(file, filename)
    _, records = read_directory(source, _BOUNDS)
    found = [record for record in records if _METADATA.fullmatch(record.name)]
    if len(found) != 1:
        raise source.refusal(
            refused(THE_ARCHIVE, f"expected one dist-info with METADATA, found {len(found)}")
        )
    try:
        return _read(source, found[0])
    except EntryError as error:
        raise source.refusal(refused(found[0].where, error.problem)) from error


def _read(source: ZipSource, record: CentralRecord) -> bytes:
    if max(record.size, record.compressed_size) > MAX_METADATA_BYTES:
        problem = f"expected at most {MAX_METADATA_BYTES} bytes, found {record.size}"
        raise EntryError(problem)
    if record.method not in METHODS or record.flags & 1:
        problem = f"expected it stored or deflated, found method {record.method}"
        raise EntryError(problem)
    chunks = source.chunks(_start(source, record), record.compressed_size, INPUT_BYTES)
    data = b"".join(inflate(chunks, record.method, record.size))
    if zlib.crc32(data) != record.crc:
        problem = f"expected data with the CRC {record.crc:08x}, found {zlib.crc32(data):08x}"
        raise EntryError(problem)
    return data


def _start(source: ZipSource, record: CentralRecord) -> int:
    """Give where the data begin, behind a header that names the same entry (APPNOTE 4.3.7)."""
    signature: bytes
    name_size: int
    extra_size: int
    signature, name_size, extra_size = _LOCAL.unpack(source.read_at(record.offset, _LOCAL.size))
    name = source.peek_at(record.offset + _LOCAL.size, name_size)
    if signature != b"PK\3\4" or name != record.name:
        problem = "expected a header of the same name before the data, found another"
        raise EntryError(problem)
    return record.offset + _LOCAL.size + name_size + extra_size
