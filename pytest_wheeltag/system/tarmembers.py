"""What a tar archive holds, as tarfile reads it and pip does, but for what keeps tarfile busy for ever.

Before Python 3.11.10 and 3.13.6 it can be sent into a circle, or into a search that takes hours, by one header.
"""

import re
import tarfile
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Self

from pytest_wheeltag.core.finding import entry
from pytest_wheeltag.core.text import printable, quoted
from pytest_wheeltag.core.wheel import MEBIBYTE
from pytest_wheeltag.system.sourceentries import SourceArchive, SourceEntry
from pytest_wheeltag.system.zipsource import THE_ARCHIVE, EntryError

_MAX_HEADER_BYTES = 64 << 10
# Each entry gets a copy of all that a global header says.
_MAX_GLOBAL_HEADER_BYTES = 4 << 10
_EXTENSIONS = {
    tarfile.XHDTYPE: _MAX_HEADER_BYTES,
    tarfile.SOLARIS_XHDTYPE: _MAX_HEADER_BYTES,
    tarfile.GNUTYPE_LONGNAME: _MAX_HEADER_BYTES,
    tarfile.GNUTYPE_LONGLINK: _MAX_HEADER_BYTES,
    tarfile.XGLTYPE: _MAX_GLOBAL_HEADER_BYTES,
}
_MAX_DIGITS = tarfile.BLOCKSIZE
_DIGITS = re.compile(rb"[0-9]+")
# Later than 2242 or before 1970 is not for every file system.
_END_OF_TIME = 1 << 33
_KIND_NAMES = {tarfile.FIFOTYPE: "a FIFO", tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device"}
# What tarfile lets through from its own parsing of hostile headers.
_ERRORS = (tarfile.TarError, ValueError, OverflowError, IndexError, RecursionError)


class _TarHeader(tarfile.TarInfo):
    """A header, refused before tarfile believes in its size."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a block; raises ``EntryError`` for what no honest archive has."""
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or header.size > _EXTENSIONS.get(header.type, header.size):
            problem = f"expected headers of at most {_MAX_HEADER_BYTES} bytes, found one of {header.size}"
            raise EntryError(problem)
        if header.type == tarfile.GNUTYPE_SPARSE:
            raise _sparse()
        return header


class _HeaderStream:
    """A tar archive as tarfile reads it, which gets to see headers only."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def seek(self, offset: int) -> int:
        """Go to a place."""
        return self._stream.seek(offset)

    def tell(self) -> int:
        """Tell the place."""
        return self._stream.tell()

    def read(self, size: int) -> bytes:
        """Read a header; raises ``EntryError`` for what tarfile cannot bear."""
        data = self._stream.read(size)
        if size > _MAX_DIGITS and any(len(digits) > _MAX_DIGITS for digits in _DIGITS.findall(data)):
            problem = f"expected numbers of at most {_MAX_DIGITS} digits, found more"
            raise EntryError(problem)
        if b" GNU.sparse." in data:
            raise _sparse()
        return data


def _sparse() -> EntryError:
    return EntryError("expected files with all of their content, found a sparse one")


def read_tar(archive: SourceArchive, stream: BinaryIO) -> list[SourceEntry]:
    """List the entries of a tar archive in their order, to be read from ``stream`` while that is open.

    A hard link is another file of the same content. Raises ``SdistError``.
    """
    entries: dict[str, SourceEntry] = {}
    listed = []
    for member in _read_members(archive, stream):
        found = _parse_member(archive, member, entries, stream)
        entries[found.path] = found
        listed.append(found)
    return listed


def _read_members(archive: SourceArchive, stream: BinaryIO) -> Iterator[tarfile.TarInfo]:
    stream.seek(0)
    try:
        # tarfile's own type for the file asks for more than it uses.
        reader = tarfile.TarFile(
            fileobj=_HeaderStream(stream),  # type: ignore[arg-type] # says why above
            tarinfo=_TarHeader,
            encoding="utf-8",
            errors="surrogateescape",
        )
        count, position = 0, -1
        while member := reader.next():
            count += 1
            archive.check_count(count)
            position = _check_progress(member, position, reader.offset)
            yield member
            member.pax_headers = {}
        # A damaged header looks like the end to tarfile.
        stream.seek(reader.offset)
        _check_end(stream.read(tarfile.BLOCKSIZE))
    except EntryError as error:
        raise archive.refusal(THE_ARCHIVE, error.problem) from error
    except _ERRORS as error:
        problem = f"expected a tar archive, found a mistake in it ({printable(str(error))})"
        raise archive.refusal(THE_ARCHIVE, problem) from error


def _check_progress(member: tarfile.TarInfo, before: int, after: int) -> int:
    # A header's size can be said again, and be negative there.
    if after <= before or member.size < 0:
        problem = "expected each entry after the one before it, found one that leads back"
        raise EntryError(problem)
    return after


def _check_end(block: bytes) -> None:
    if len(block) < tarfile.BLOCKSIZE:
        problem = "expected a whole tar archive, found only its first part"
        raise EntryError(problem)
    if any(block):
        problem = "expected a header, found something else"
        raise EntryError(problem)


def _parse_member(
    archive: SourceArchive, member: tarfile.TarInfo, known: dict[str, SourceEntry], stream: BinaryIO
) -> SourceEntry:
    path, where = archive.parse_path(member.name), entry(member.name)
    if member.isdir():
        return SourceEntry(path, where)
    if member.issym():
        return SourceEntry(path, where, target=member.linkname)
    if member.islnk():
        return _parse_hard_link(archive, member, known, path)
    if not member.isreg():
        kind = _KIND_NAMES.get(member.type, "an unknown kind")
        raise archive.refusal(where, f"expected a file, a folder or a link, found {kind}")
    return SourceEntry(
        path,
        where,
        member.size,
        bool(member.mode & 0o111),
        _mtime_ns(member.mtime),
        partial(_read, stream, member.offset_data, member.size),
    )


def _parse_hard_link(
    archive: SourceArchive, member: tarfile.TarInfo, known: dict[str, SourceEntry], path: str
) -> SourceEntry:
    target = known.get(archive.parse_path(member.linkname))
    if target is None or target.read is None:
        problem = f"expected a hard link to a file before it, found one to {quoted(member.linkname)}"
        raise archive.refusal(entry(member.name), problem)
    return target._replace(path=path, where=entry(member.name))


def _mtime_ns(seconds: float) -> int | None:
    # Not for what is no number at all either.
    return int(seconds * 1_000_000_000) if 0 <= seconds < _END_OF_TIME else None


def _read(stream: BinaryIO, offset: int, size: int) -> Iterator[bytes]:
    stream.seek(offset)
    while size:
        piece = stream.read(min(size, MEBIBYTE))
        if not piece:
            problem = "expected all of its content, found the end of the archive"
            raise EntryError(problem)
        size -= len(piece)
        yield piece
