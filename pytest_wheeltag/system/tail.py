"""METADATA and RECORD of a wheel, found through the directory at the end of its archive, wherever the bytes are."""

import re
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from pytest_wheeltag.core.candidates import WheelName, parse_wheel_name
from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES
from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.finding import Finding, Severity, refused
from pytest_wheeltag.core.layout import Scheme, parse_layout
from pytest_wheeltag.core.paths import components, find_conflicts, find_too_deep, find_unsafe
from pytest_wheeltag.core.publishedrecord import ArchivedFile, PublishedRecord
from pytest_wheeltag.core.record import find_unsafe_rows, parse_record
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
    return _read(source, found[0], MAX_METADATA_BYTES)


def read_wheel_record(file: BinaryIO, filename: str) -> PublishedRecord:
    """Give RECORD of a wheel, and the files of its archive; raises ``RefusedWheelError``, which names ``filename``.

    Paths are looked at as strictly as where a wheel is unpacked; of the content only RECORD is read.
    """
    source = ZipSource(file, filename)
    try:
        return _read_record(source, filename)
    except DistInfoError as error:
        raise source.refusal(refused(error.where, error.problem)) from error


def _read_record(source: ZipSource, filename: str) -> PublishedRecord:
    name = _parse_name(source, filename)
    entries = _entries(source)
    files = [path for path in entries if not path.endswith("/")]
    folders = [path[:-1] for path in entries if path.endswith("/")]
    paths = [*files, *folders]
    _refuse(source, find_unsafe(components(paths)))
    _refuse(source, find_too_deep(paths, _BOUNDS.max_depth, _BOUNDS.max_path_bytes))
    _refuse(source, find_conflicts(files, folders))
    layout = parse_layout(files, folders, name.name, name.version)
    for path in files:
        layout.place(path, Scheme.PURELIB)
    told = entries.get(f"{layout.dist_info}/RECORD")
    if told is None:
        raise DistInfoError(THE_ARCHIVE, "expected RECORD in the dist-info folder, found none")
    rows = parse_record(_read(source, told, _BOUNDS.max_record_bytes), _BOUNDS.max_record_rows)
    _refuse(source, find_unsafe_rows(rows, entries))
    held = tuple(ArchivedFile(path, entries[path].size, entries[path].crc) for path in files)
    return PublishedRecord(layout, rows, held)


def _parse_name(source: ZipSource, filename: str) -> WheelName:
    try:
        return parse_wheel_name(filename)
    except ValueError as error:
        problem = "expected `name-version[-build]-python-abi-platform.whl`, found another"
        raise source.refusal(refused("its file name", problem)) from error


def _entries(source: ZipSource) -> Mapping[str, CentralRecord]:
    """Give the entries of the directory by name, folders with a ``/`` at the end."""
    _, records = read_directory(source, _BOUNDS)
    entries: dict[str, CentralRecord] = {}
    for record in records:
        try:
            name = record.decode_name()
        except EntryError as error:
            raise source.refusal(refused(record.where, error.problem)) from error
        if entries.setdefault(name, record) is not record:
            raise source.refusal(refused(record.where, "expected each path once, found it twice"))
    return entries


def _refuse(source: ZipSource, findings: Iterable[Finding]) -> None:
    for finding in findings:
        if finding.severity is Severity.REFUSED:
            raise source.refusal(finding)


def _read(source: ZipSource, record: CentralRecord, limit: int) -> bytes:
    try:
        return _read_entry(source, record, limit)
    except EntryError as error:
        raise source.refusal(refused(record.where, error.problem)) from error


def _read_entry(source: ZipSource, record: CentralRecord, limit: int) -> bytes:
    if max(record.size, record.compressed_size) > limit:
        problem = f"expected at most {limit} bytes, found {record.size}"
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
