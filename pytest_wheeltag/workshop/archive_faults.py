"""Wheels whose archive is wrong: paths, kinds of entries, and the ZIP format itself (rows 01 to 38)."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

from pytest_wheeltag.workshop.fault import (
    Expectation,
    Fault,
    adding,
    on_first_member,
    with_members,
)
from pytest_wheeltag.workshop.zips import (
    BZIP2,
    CHARACTER_DEVICE,
    DESCRIPTOR_FLAG,
    ENCRYPTED_FLAG,
    FIFO,
    FOLDER,
    LZMA,
    SENTINEL_32,
    STORED,
    SYMLINK,
    Archive,
    Header,
    Member,
    Zip64,
    pack_unicode_path,
    pack_zip64_extra,
)

# What must never appear anywhere: later tests look for the word.
ESCAPED = b"wheeltag escaped\n"
BOMB_BYTES = 65 * 2**20
_CHUNK = bytes(2**20)
_SETUID = 0o104755
_UNKNOWN_METHOD = 99


def _path(name: str, row: str, *paths: str, expectation: Expectation = Expectation.REFUSED) -> Fault:
    return Fault(name, row, expectation, files=adding(dict.fromkeys(paths, ESCAPED)))


def _entries(name: str, row: str, *members: Member, expectation: Expectation = Expectation.REFUSED) -> Fault:
    return Fault(name, row, expectation, archive=with_members(*members))


def _first(name: str, row: str, edit: Callable[[Member], Member]) -> Fault:
    return Fault(name, row, archive=on_first_member(edit))


def _central(member: Member, **fields: object) -> Member:
    central = member.restated(**fields).central
    return replace(member, central=central)


def _header(member: Member) -> Header:
    if member.local is None:
        expected = "a member with a local header"
        raise ValueError(expected)
    return member.local


def _compressed(method: int) -> Callable[[Archive], Archive]:
    return with_members(Member.of("wheeltag_method.py", b"METHOD = None\n" * 8, method=method))


def _local_name(member: Member) -> Member:
    return replace(member, local=replace(_header(member), name=_header(member).name[::-1]))


def _corrupt(member: Member) -> Member:
    return member.restated(crc=_header(member).crc ^ SENTINEL_32)


def _disagreeing_crc(member: Member) -> Member:
    return _central(member, crc=_header(member).crc ^ SENTINEL_32)


def _encrypted(member: Member) -> Member:
    return member.restated(flags=_header(member).flags | ENCRYPTED_FLAG)


def _understated(member: Member) -> Member:
    return member.restated(size=1)


def _bomb(archive: Archive) -> Archive:
    return archive.with_members(zeros("wheeltag_bomb.bin", BOMB_BYTES))


def zeros(name: str, size: int) -> Member:
    """Give a file of ``size`` zero bytes (rounded up to whole MiB) that packs about a thousand times smaller."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    count, crc = -(-size // len(_CHUNK)), 0
    parts: list[bytes] = []
    for _ in range(count):
        parts.append(compressor.compress(_CHUNK))
        crc = zlib.crc32(_CHUNK, crc)
    payload = b"".join((*parts, compressor.flush()))
    header = Header(name.encode(), crc, len(payload), count * len(_CHUNK))
    return Member(header, payload, header)


def _overlap(archive: Archive) -> Archive:
    inner = Member.of("wheeltag_inner.py", b"INNER = True\n")
    outer = Member.of("wheeltag_outer.bin", inner.pack_local(), method=STORED)
    start = sum(len(member.pack_local()) for member in archive.members)
    offset = start + len(_header(outer).pack_local())
    return archive.with_members(outer, replace(inner, local=None, payload=b"", offset=offset))


def _in_comment(archive: Archive) -> Archive:
    inner = Archive((Member.of("wheeltag_comment.py", ESCAPED),)).pack()
    return replace(archive, comment=inner)


def _zip64(zip64: Zip64) -> Callable[[Archive], Archive]:
    return lambda archive: replace(archive, zip64=zip64)


def _short_extra(member: Member) -> Member:
    # Both sizes are promised in the extra field, which holds only one.
    extra = pack_zip64_extra(_header(member).size)
    return member.restated(size=SENTINEL_32, compressed_size=SENTINEL_32, extra=extra, version_needed=45)


def _long_extra(member: Member) -> Member:
    header = _header(member)
    extra = pack_zip64_extra(header.size, header.compressed_size, 0, 0)
    return member.restated(size=SENTINEL_32, compressed_size=SENTINEL_32, extra=extra, version_needed=45)


def _lying_sentinel(member: Member) -> Member:
    header = _header(member)
    extra = pack_zip64_extra(header.size + 1, header.compressed_size)
    return member.restated(size=SENTINEL_32, compressed_size=SENTINEL_32, extra=extra, version_needed=45)


def _described(member: Member) -> Member:
    header = _header(member)
    local = replace(header, crc=0, compressed_size=0, size=0, flags=header.flags | DESCRIPTOR_FLAG)
    described = _central(member, flags=local.flags)
    return replace(described, local=local, descriptor=header.pack_descriptor())


def _disagreeing_descriptor(member: Member) -> Member:
    header = _header(member)
    descriptor = replace(header, crc=header.crc ^ 1, size=header.size + 1).pack_descriptor()
    return replace(_described(member), descriptor=descriptor)


def _two_unicode_paths(member: Member) -> Member:
    name = _header(member).name
    extra = pack_unicode_path(name, "wheeltag_one.py") + pack_unicode_path(name, "wheeltag_two.py")
    return member.restated(extra=extra)


def _truncated_extra(member: Member) -> Member:
    return member.restated(extra=struct.pack("<HH", 1, 64))


def _prefixed(content: bytes) -> bytes:
    return b"#!/usr/bin/env python\n" + content


def _concatenated(content: bytes) -> bytes:
    return content + Archive((Member.of("wheeltag_second.py", ESCAPED),)).pack()


def _hide(archive: Archive) -> Archive:
    hidden = Member.of("wheeltag_hidden.py", ESCAPED)
    return archive.with_members(replace(hidden, central=None))


def _setuid(member: Member) -> Member:
    return replace(member, mode=_SETUID)


def _constant(content: bytes) -> Callable[[bytes], bytes]:
    return lambda _: content


_LINK = Member.of("wheeltag_link", b"../../..", mode=SYMLINK, method=STORED)
_BELOW_LINK = Member.of("wheeltag_link/x", ESCAPED)
_TWIN = Member.of("wheeltag_twin.py", b"TWIN = 1\n")
_OTHER_TWIN = Member.of("wheeltag_twin.py", b"TWIN = 2\n")
_NFC, _NFD = "wheeltag_\u00e9.py", "wheeltag_e\u0301.py"
_REFUSED, _WARNED, _STRICT = Expectation.REFUSED, Expectation.WARNED, Expectation.STRICT
_WINDOWS, _FOLDED = Expectation.WINDOWS, Expectation.FOLDED
_ACCEPTED, _BOUNDED = Expectation.ACCEPTED, Expectation.BOUNDED

PATH_FAULTS = (
    _path("path-climbs", "01", "../../../../wheeltag-escape"),
    _path("path-climbs-late", "02", "bad/../../../wheeltag-escape"),
    _path("path-absolute", "03", "/wheeltag-escape"),
    _path("path-drive", "04", "C:\\wheeltag-escape"),
    _path("path-drive-relative", "04", "C:wheeltag-escape"),
    _path("path-backslashes", "05", "..\\..\\wheeltag-escape"),
    _path("path-sibling-prefix", "06", "../site-packages-evil/x"),
    _path("path-nul", "07", "a.py\0b"),
    _path("path-newline", "08", "a\nb.py"),
    _path("path-device-name", "09", "CON", "NUL.txt", "aux", expectation=_WINDOWS),
    _path("path-trailing-dot", "10", "wheeltag./x", expectation=_WINDOWS),
    _path("path-trailing-space", "10", "wheeltag /x", expectation=_WINDOWS),
    _path("path-case-collision", "15", "wheeltag_a.py", "wheeltag_A.py", expectation=_FOLDED),
    _path("path-unicode-collision", "16", _NFC, _NFD, expectation=_FOLDED),
    _path("path-file-and-folder", "17", "wheeltag_x", "wheeltag_x/y"),
    _path("path-too-long", "18", "x" * 300),
    _path("path-empty-component", "02", "wheeltag//x"),
    _path("path-dot-component", "02", "wheeltag/./x"),
    _path("path-deep", "99", "/".join(["d"] * 5000), expectation=_BOUNDED),
)
ENTRY_FAULTS = (
    _entries("entry-symlink", "11", _LINK),
    _entries("entry-below-symlink", "12", _LINK, _BELOW_LINK),
    _entries("entry-duplicated", "13", _TWIN, _TWIN),
    _entries("entry-duplicated-differing", "14", _TWIN, _OTHER_TWIN),
    Fault("entry-setuid", "19", _ACCEPTED, archive=on_first_member(_setuid)),
    _entries("entry-fifo", "20", Member.of("wheeltag_fifo", b"", mode=FIFO)),
    _entries("entry-device", "20", Member.of("wheeltag_device", b"", mode=CHARACTER_DEVICE)),
    _first("entry-local-name", "24", _local_name),
    Fault("entry-hidden", "25", archive=_hide),
    _first("entry-bad-crc", "26", _corrupt),
    _first("entry-disagreeing-crc", "27", _disagreeing_crc),
    _first("entry-encrypted", "31", _encrypted),
    Fault("entry-bzip2", "32", archive=_compressed(BZIP2)),
    Fault("entry-lzma", "33", archive=_compressed(LZMA)),
    Fault("entry-unknown-method", "34", archive=_compressed(_UNKNOWN_METHOD)),
    Fault("entry-bomb", "35", archive=_bomb),
    _first("entry-understated-size", "36", _understated),
    Fault("entry-overlapping", "37", archive=_overlap),
    _first("entry-zip64-short-extra", "38b", _short_extra),
    _first("entry-zip64-long-extra", "38c", _long_extra),
    _first("entry-zip64-lying-size", "38d", _lying_sentinel),
    _first("entry-truncated-extra", "38d", _truncated_extra),
    _first("entry-disagreeing-descriptor", "38g", _disagreeing_descriptor),
    _first("entry-two-unicode-paths", "38h", _two_unicode_paths),
    _entries("entry-not-utf8", "07", Member.of("wheeltag_x.py", ESCAPED).renamed(b"wheeltag_\xff.py")),
)
CONTAINER_FAULTS = (
    Fault("archive-trailing-garbage", "21", content=lambda content: content + b"garbage"),
    Fault("archive-prefixed", "22", content=_prefixed),
    Fault("archive-concatenated", "23", content=_concatenated),
    Fault("archive-truncated", "28", content=lambda content: content[: len(content) // 2]),
    Fault("archive-empty", "29", content=_constant(b"")),
    Fault("archive-html", "30", content=_constant(b"<!DOCTYPE html><title>Log in</title>\n")),
    Fault("archive-in-comment", "38", archive=_in_comment),
    Fault("archive-zip64-without-locator", "38b", archive=_zip64(Zip64(has_locator=False))),
    Fault("archive-zip64-without-record", "38b", archive=_zip64(Zip64(has_record=False))),
    Fault("archive-zip64-locator-elsewhere", "38c", archive=_zip64(Zip64(shift=1))),
    Fault("archive-zip64-extensible-data", "38d", archive=_zip64(Zip64(extensible=b"wheeltag"))),
)
# Unusual and right: a reader that is only strict would refuse these.
ODDITIES = (
    Fault("odd-descriptor", "", _ACCEPTED, archive=on_first_member(_described)),
    Fault("odd-zip64", "", _ACCEPTED, archive=_zip64(Zip64())),
    _entries("odd-folder", "", Member.of("foo/", b"", method=STORED, mode=FOLDER), expectation=_ACCEPTED),
    _path("odd-spaces", "", 'wheeltag a b/\u00e9, "q".txt', expectation=_ACCEPTED),
)
ARCHIVE_FAULTS = PATH_FAULTS + ENTRY_FAULTS + CONTAINER_FAULTS + ODDITIES

__all__ = ["ARCHIVE_FAULTS", "BOMB_BYTES", "ESCAPED", "zeros"]
