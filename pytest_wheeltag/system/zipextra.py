"""Extra fields of zip entries: the two kinds that change what an entry is (APPNOTE.TXT 4.5.3, 4.6.9)."""

import struct
import zlib

from pytest_wheeltag.system.zipsource import EntryError

_HEADER = struct.Struct("<HH")
_UNICODE = struct.Struct("<BL")
_ZIP64 = 0x0001
_UNICODE_PATH = 0x7075


def parse_extra(extra: bytes, name: bytes) -> bytes | None:
    """Give the content of the zip64 field, None where there is none; raises ``EntryError``.

    A Unicode path must spell the name as it is: readers differ in which one they believe.
    """
    found: dict[int, bytes] = {}
    position = 0
    while position < len(extra):
        if position + _HEADER.size > len(extra):
            problem = "expected whole extra fields, found a part of one"
            raise EntryError(problem)
        kind, size = _HEADER.unpack_from(extra, position)
        content = extra[position + _HEADER.size : position + _HEADER.size + size]
        if len(content) < size:
            problem = f"expected an extra field of {size} bytes, found only {len(content)}"
            raise EntryError(problem)
        if kind in found and kind in {_ZIP64, _UNICODE_PATH}:
            problem = f"expected one extra field of kind {kind:#06x}, found two"
            raise EntryError(problem)
        found[kind] = content
        position += _HEADER.size + size
    _check_unicode_path(found.get(_UNICODE_PATH), name)
    return found.get(_ZIP64)


def _check_unicode_path(content: bytes | None, name: bytes) -> None:
    if content is not None and content != _UNICODE.pack(1, zlib.crc32(name)) + name:
        problem = "expected one name, found another in a Unicode path field"
        raise EntryError(problem)


def unpack_large(content: bytes | None, count: int) -> tuple[int, ...]:
    """Give the ``count`` numbers of a zip64 field, which must hold them and nothing else; raises ``EntryError``."""
    if len(content or b"") != count * 8:
        found = "none" if content is None else f"one of {len(content)} bytes"
        expected = f"a zip64 field of {count * 8} bytes" if count else "no zip64 field"
        problem = f"expected {expected}, found {found}"
        raise EntryError(problem)
    return struct.unpack(f"<{count}Q", content or b"")
