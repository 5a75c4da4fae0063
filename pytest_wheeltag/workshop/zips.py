"""ZIP archives field by field, so that every one of them can be honest or a lie."""

import bz2
import itertools
import lzma
import struct
import zlib
from dataclasses import dataclass, replace
from typing import Self

STORED = 0
DEFLATED = 8
BZIP2 = 12
LZMA = 14

REGULAR = 0o100644
EXECUTABLE = 0o100755
FOLDER = 0o040755
SYMLINK = 0o120777
FIFO = 0o010644
CHARACTER_DEVICE = 0o020644

ENCRYPTED_FLAG = 0x1
LZMA_END_FLAG = 0x2
DESCRIPTOR_FLAG = 0x8
UTF8_FLAG = 0x800

SENTINEL_16 = 0xFFFF
SENTINEL_32 = 0xFFFFFFFF

UNIX = 3
ZIP64_EXTRA = 0x0001
UNICODE_PATH_EXTRA = 0x7075

# 2020-02-02 00:00:00 in MS-DOS form: every sample has it, so that bytes repeat.
DOS_TIME = 0
DOS_DATE = (2020 - 1980) << 9 | 2 << 5 | 2

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_DESCRIPTOR = struct.Struct("<4s3L")


def _compress_lzma(data: bytes) -> bytes:
    alone = lzma.compress(data, format=lzma.FORMAT_ALONE)
    properties, stream = alone[:5], alone[13:]
    return struct.pack("<BBH", 9, 4, len(properties)) + properties + stream


def compress(data: bytes, method: int) -> bytes:
    """Give the payload of ``data``; an unknown method leaves it as it is.

    APPNOTE.TXT 4.4.5 numbers the methods.
    """
    if method == DEFLATED:
        compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return compressor.compress(data) + compressor.flush()
    if method == BZIP2:
        return bz2.compress(data)
    return _compress_lzma(data) if method == LZMA else data


@dataclass(frozen=True)
class Header:
    """The fields that an archive states twice: before the data and in its directory."""

    name: bytes
    crc: int
    compressed_size: int
    size: int
    method: int = DEFLATED
    flags: int = 0
    extra: bytes = b""
    version_needed: int = 20

    def pack_local(self) -> bytes:
        """Give the header that stands before the data (APPNOTE.TXT 4.3.7)."""
        fields = (self.version_needed, self.flags, self.method, DOS_TIME, DOS_DATE)
        sizes = (self.crc, self.compressed_size, self.size)
        lengths = (len(self.name), len(self.extra))
        packed = _LOCAL.pack(b"PK\3\4", *fields, *sizes, *lengths)
        return packed + self.name + self.extra

    def pack_descriptor(self) -> bytes:
        """Give a data descriptor, signature included (APPNOTE.TXT 4.3.9)."""
        sizes = (self.crc, self.compressed_size, self.size)
        return _DESCRIPTOR.pack(b"PK\7\x08", *sizes)


@dataclass(frozen=True)
class Member:
    """One file of an archive: what is said of it twice, and what is really there.

    ``local`` None leaves out the header before the data, ``central`` None hides the file
    from the directory. ``offset`` overrides where the directory says that it begins.
    """

    local: Header | None
    payload: bytes
    central: Header | None
    mode: int = REGULAR
    descriptor: bytes = b""
    offset: int | None = None

    @classmethod
    def of(cls, name: str, data: bytes, *, method: int = DEFLATED, mode: int = REGULAR) -> Self:
        """Give an honest member."""
        payload = compress(data, method)
        flags = 0 if name.isascii() else UTF8_FLAG
        flags |= LZMA_END_FLAG if method == LZMA else 0
        sizes = (zlib.crc32(data), len(payload), len(data))
        # Surrogates carry the bytes of names that are not UTF-8.
        encoded = name.encode("utf-8", "surrogateescape")
        header = Header(encoded, *sizes, method, flags)
        return cls(header, payload, header, mode)

    @property
    def name(self) -> str:
        """The name in the directory, else the one before the data."""
        header = self.central or self.local
        return header.name.decode("utf-8", "surrogateescape") if header else ""

    def renamed(self, name: bytes) -> Self:
        """Give the member under another name, in both places."""
        return self.restated(name=name)

    def restated(self, **fields: object) -> Self:
        """Give the member with fields of ``Header`` changed in both places."""
        local = self.local and replace(self.local, **fields)  # type: ignore[arg-type] # one dict for many types
        central = self.central and replace(self.central, **fields)  # type: ignore[arg-type] # one dict for many types
        return replace(self, local=local, central=central)

    def pack_local(self) -> bytes:
        """Give the local header, the payload and the descriptor."""
        header = self.local.pack_local() if self.local else b""
        return header + self.payload + self.descriptor

    def pack_central(self, offset: int) -> bytes:
        """Give the directory's record of it (APPNOTE.TXT 4.3.12), ``b""`` if hidden."""
        header = self.central
        if header is None:
            return b""
        made = (header.version_needed, UNIX, header.version_needed, 0)
        fields = (header.flags, header.method, DOS_TIME, DOS_DATE)
        sizes = (header.crc, header.compressed_size, header.size)
        lengths = (len(header.name), len(header.extra), 0)
        place = (0, 0, self.mode << 16, offset if self.offset is None else self.offset)
        packed = _CENTRAL.pack(b"PK\1\2", *made, *fields, *sizes, *lengths, *place)
        return packed + header.name + header.extra


@dataclass(frozen=True)
class Zip64:
    """How the end of a large archive is told, and where that may go wrong."""

    has_record: bool = True
    has_locator: bool = True
    shift: int = 0
    extensible: bytes = b""

    def pack(self, count: int, start: int, size: int) -> bytes:
        """Give record and locator for a directory at ``start`` (APPNOTE.TXT 4.3.14-15).

        ``count`` is of entries, ``start`` and ``size`` are in bytes.
        """
        length = _END_64.size - 12 + len(self.extensible)
        counts = (45, 45, 0, 0, count, count, size, start)
        record = _END_64.pack(b"PK\6\6", length, *counts) + self.extensible
        locator = _LOCATOR_64.pack(b"PK\6\7", 0, start + size + self.shift, 1)
        parts = (record if self.has_record else b"", locator if self.has_locator else b"")
        return b"".join(parts)


@dataclass(frozen=True)
class Archive:
    """A ZIP archive as its members and the way it ends."""

    members: tuple[Member, ...]
    comment: bytes = b""
    zip64: Zip64 | None = None

    def member(self, name: str) -> Member:
        """Give the first member of that name; ``KeyError`` where there is none."""
        for member in self.members:
            if member.name == name:
                return member
        raise KeyError(name)

    def offsets(self) -> tuple[int, ...]:
        """Give the byte at which each member begins."""
        sizes = [len(member.pack_local()) for member in self.members]
        return tuple(itertools.accumulate(sizes, initial=0))[:-1]

    def with_members(self, *members: Member) -> Self:
        """Give the archive with members added at its end."""
        return replace(self, members=(*self.members, *members))

    def with_member(self, name: str, member: Member) -> Self:
        """Give the archive with ``member`` in place of the one of that name."""
        replaced = tuple(member if old.name == name else old for old in self.members)
        return replace(self, members=replaced)

    def without(self, name: str) -> Self:
        """Give the archive without the members of that name."""
        kept = tuple(member for member in self.members if member.name != name)
        return replace(self, members=kept)

    def pack(self) -> bytes:
        """Give the bytes; more than 65,534 members end as zip64 by themselves."""
        body = b"".join(member.pack_local() for member in self.members)
        places = zip(self.members, self.offsets(), strict=True)
        directory = [member.pack_central(offset) for member, offset in places]
        count = sum(map(bool, directory))
        return body + self._pack_end(count, len(body), b"".join(directory))

    def _pack_end(self, count: int, start: int, directory: bytes) -> bytes:
        size = len(directory)
        zip64 = self.zip64 or (Zip64() if count >= SENTINEL_16 else None)
        large = zip64.pack(count, start, size) if zip64 else b""
        stated = (SENTINEL_16, SENTINEL_16) if zip64 else (count, count)
        span = (SENTINEL_32, SENTINEL_32) if zip64 else (size, start)
        end = _END.pack(b"PK\5\6", 0, 0, *stated, *span, len(self.comment))
        return directory + large + end + self.comment


def pack_extra(kind: int, content: bytes) -> bytes:
    """Give one extra field (APPNOTE.TXT 4.5)."""
    return struct.pack("<HH", kind, len(content)) + content


def pack_zip64_extra(*values: int) -> bytes:
    """Give the extra field with sizes that do not fit into 32 bits."""
    return pack_extra(ZIP64_EXTRA, struct.pack(f"<{len(values)}Q", *values))


def pack_unicode_path(name: bytes, path: str) -> bytes:
    """Give the extra field with another spelling of ``name`` (APPNOTE.TXT 4.6.9)."""
    content = struct.pack("<BL", 1, zlib.crc32(name)) + path.encode()
    return pack_extra(UNICODE_PATH_EXTRA, content)
