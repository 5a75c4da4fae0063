"""Source archives of any kind: zip or tar, however compressed, read as entries that say where they belong."""

import lzma
import os
import struct
import zlib
from bz2 import BZ2Decompressor
from calendar import timegm
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import copyfileobj
from stat import S_ISLNK
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from pytest_wheeltag.core.finding import entry
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.core.wheel import MEBIBYTE
from pytest_wheeltag.errors import RefusedWheelError
from pytest_wheeltag.system.inflate import INPUT_BYTES, inflate
from pytest_wheeltag.system.sourceentries import SourceArchive, SourceEntry
from pytest_wheeltag.system.tarmembers import read_tar
from pytest_wheeltag.system.zipdirectory import CentralRecord, read_directory
from pytest_wheeltag.system.zipframe import ZipMember, read_members
from pytest_wheeltag.system.zipkinds import find_odd_kinds, is_executable
from pytest_wheeltag.system.zipsource import THE_ARCHIVE, EntryError, ZipSource

_DOWNLOAD_AGAIN = "download it again"
_LOOK = "look at its address in a browser: a log-in page or a proxy is likely"

_HEAD_BYTES = 512
_USTAR = slice(257, 262)
_IN_MEMORY_BYTES = 8 * MEBIBYTE
# `xz -9` asks for 65 MiB; a hostile archive may ask for 4 GiB.
_LZMA_BYTES = 128 * MEBIBYTE

_ZIP_END = b"PK\5\6"
_ZIP_END_BYTES = 22
_COMMENT_OFFSET = 20
_MAX_COMMENT_BYTES = 65_535
_MONTHS = range(1, 13)
_DOS_TIME = struct.Struct("<4x2H")


@dataclass(frozen=True)
class _Kind:
    """A kind of archive: how its file's name may end, how its content begins, what decompresses it."""

    title: str
    suffixes: tuple[str, ...]
    magics: tuple[bytes, ...]
    decompressor: Callable[[], Any] | None = None


_gzip = partial(zlib.decompressobj, 16 + zlib.MAX_WBITS)
_lzma = partial(lzma.LZMADecompressor, memlimit=_LZMA_BYTES)
_ZIP = _Kind("a zip archive", (".zip",), (b"PK\3\4", _ZIP_END))
_TAR = _Kind("a tar archive", (".tar",), ())
# The names that pip takes for archives of sources.
_KINDS = (
    _ZIP,
    _Kind("a tar archive compressed by gzip", (".tar.gz", ".tgz"), (b"\x1f\x8b",), _gzip),
    _Kind("a tar archive compressed by bzip2", (".tar.bz2", ".tbz"), (b"BZh",), BZ2Decompressor),
    _Kind(
        "a tar archive compressed by xz",
        (".tar.xz", ".txz", ".tar.lzma", ".tlz"),
        (b"\xfd7zXZ\0", b"\x5d\0\0"),
        _lzma,
    ),
    _TAR,
)


def read_archive(archive: SourceArchive, scratch: Path, held: ExitStack) -> list[SourceEntry]:
    """List what an archive holds, in its order; what is listed can be read until ``held`` is closed.

    A compressed tar archive is decompressed whole, beyond some megabytes into an unnamed file in ``scratch``.
    Raises ``SdistError`` where the archive is not of the kind that its name says, damaged or ambiguous.
    """
    kind = _find_kind(archive)
    if kind is _ZIP:
        return _read_zip(archive, scratch, held)
    if kind.decompressor is None:
        return read_tar(archive, archive.file)
    spool = _spool(scratch, held)
    _decompress_into(spool, archive, kind)
    return read_tar(archive, spool)


def _find_kind(archive: SourceArchive) -> _Kind:
    archive.file.seek(0)
    head = archive.file.read(_HEAD_BYTES)
    archive.file.seek(0)
    named = next((kind for kind in _KINDS if archive.filename.lower().endswith(kind.suffixes)), None)
    found = next((kind for kind in _KINDS if head.startswith(kind.magics)), None)
    # Tar archives of the seventh Unix bear no mark: there tarfile looks further.
    if found is None and (head[_USTAR] == b"ustar" or (named is _TAR and head and not _is_page(head))):
        found = _TAR
    if found is not None and named in {found, None}:
        return found
    expected = f"{named.title}, as its name says" if named else "a zip or tar archive"
    problem = f"expected {expected}, found {found.title if found else _describe_stranger(head)}"
    raise archive.refusal(THE_ARCHIVE, problem, _LOOK if _is_page(head) else _DOWNLOAD_AGAIN)


def _describe_stranger(head: bytes) -> str:
    if _is_page(head):
        return "that the server sent HTML"
    return "something else" if head else "an empty file"


def _is_page(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and head[_USTAR] != b"ustar"


def _spool(scratch: Path, held: ExitStack) -> BinaryIO:
    spool = SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=str(scratch))  # noqa: SIM115 - `held` closes it
    return cast("BinaryIO", held.enter_context(spool))


def _decompress_into(spool: BinaryIO, archive: SourceArchive, kind: _Kind) -> None:
    size = 0
    try:
        for piece in _decompress(archive.file, cast("Callable[[], Any]", kind.decompressor)):
            size += len(piece)
            archive.check_size(size)
            spool.write(piece)
    except EOFError as error:
        problem = f"expected {kind.title}, found only its first part"
        raise archive.refusal(THE_ARCHIVE, problem, _DOWNLOAD_AGAIN) from error
    except (zlib.error, lzma.LZMAError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's: bz2 has no error of its own
        problem = f"expected {kind.title}, found a mistake in it ({printable(str(error))})"
        raise archive.refusal(THE_ARCHIVE, problem, _DOWNLOAD_AGAIN) from error


def _decompress(file: BinaryIO, start: Callable[[], Any]) -> Iterator[bytes]:
    """Decompress streams that stand one after another as one (RFC 1952, 2.2), zeros after each left out."""
    data = file.read(INPUT_BYTES)
    while data:
        stream = start()
        while not stream.eof:
            is_hungry = not data and getattr(stream, "needs_input", True)
            data = file.read(INPUT_BYTES) if is_hungry else data
            is_last = is_hungry and not data
            piece = stream.decompress(data, MEBIBYTE)
            data = getattr(stream, "unconsumed_tail", b"")
            if is_last and not piece and not stream.eof:
                raise EOFError
            yield piece
        data = stream.unused_data.lstrip(b"\0")
        while not data and (more := file.read(INPUT_BYTES)):
            data = more.lstrip(b"\0")


def _read_zip(archive: SourceArchive, scratch: Path, held: ExitStack) -> list[SourceEntry]:
    source = ZipSource(_without_comment(archive, scratch, held), archive.filename)
    try:
        times = {record.name: _parse_time(record) for record in read_directory(source, archive.bounds)[1]}
        members = read_members(source, archive.bounds)
    except RefusedWheelError as error:
        raise archive.refusal(error.where, error.problem, error.remedy) from error
    archive.check_size(sum(member.size for member in members))
    folders = [member for member in members if member.name.endswith("/")]
    # As pip and uv have it, a link in a zip archive becomes a file that holds its target.
    files = [member for member in members if not member.name.endswith("/") and not S_ISLNK(member.mode)]
    for finding in find_odd_kinds(files, folders):
        raise archive.refusal(finding.where, finding.problem, finding.remedy)
    return [_parse_member(archive, source, member, times[member.name.encode()]) for member in members]


def _parse_member(
    archive: SourceArchive, source: ZipSource, member: ZipMember, mtime_ns: int | None
) -> SourceEntry:
    path, where = archive.parse_path(member.name), entry(member.name)
    if member.name.endswith("/"):
        return SourceEntry(path, where)
    read = partial(_read_member, source, member)
    return SourceEntry(path, where, member.size, is_executable(member), mtime_ns, read)


def _parse_time(record: CentralRecord) -> int | None:
    """Read an entry's time as if it were UTC: it has no zone, and two machines shall agree on it."""
    time, date = _DOS_TIME.unpack_from(record.shared)
    day = (1980 + (date >> 9), date >> 5 & 15, date & 31)
    clock = (time >> 11, time >> 5 & 63, (time & 31) * 2)
    is_date = day[1] in _MONTHS and day[2]
    return timegm((*day, *clock)) * 1_000_000_000 if is_date else None


def _read_member(source: ZipSource, member: ZipMember) -> Iterator[bytes]:
    crc = 0
    chunks = source.chunks(member.offset, member.compressed_size, INPUT_BYTES)
    for piece in inflate(chunks, member.method, member.size):
        crc = zlib.crc32(piece, crc)
        yield piece
    if crc != member.crc:
        problem = f"expected data with the CRC {member.crc:08x}, found {crc:08x}"
        raise EntryError(problem)


def _without_comment(archive: SourceArchive, scratch: Path, held: ExitStack) -> BinaryIO:
    """Give the archive as the strict reader wants it: forges put the commit into a comment at its end."""
    start = max(0, archive.file.seek(0, os.SEEK_END) - _ZIP_END_BYTES - _MAX_COMMENT_BYTES)
    archive.file.seek(start)
    tail = archive.file.read()
    place = tail.rfind(_ZIP_END)
    if place < 0 or not _is_comment(tail[place + _COMMENT_OFFSET :]):
        return archive.file
    copy = _spool(scratch, held)
    archive.file.seek(0)
    copyfileobj(archive.file, copy)
    copy.seek(start + place + _COMMENT_OFFSET)
    copy.write(b"\0\0")
    copy.truncate()
    return copy


def _is_comment(data: bytes) -> bool:
    """Tell whether a text and nothing but a text follows its own length (APPNOTE.TXT 4.3.16)."""
    text = data[2:]
    is_whole = data[:2] == len(text).to_bytes(2, "little")
    return bool(text) and is_whole and text.isascii() and text.decode("ascii").isprintable()
