import bz2
import random
import zlib
from collections.abc import Iterator

import pytest

from pytest_wheeltag.system import inflate as module
from pytest_wheeltag.system.inflate import DEFLATED, METHODS, STORED, ZSTANDARD, inflate
from pytest_wheeltag.system.zipsource import EntryError

# Large and of every kind: what packs a thousandfold, what does not pack at all.
CONTENT = bytes(3 << 20) + random.Random(0).randbytes(1 << 19) + b"end"  # noqa: S311 - bytes that do not pack
BZIP2 = 12


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


PACKED = {STORED: CONTENT, DEFLATED: deflated(CONTENT), BZIP2: bz2.compress(CONTENT)}


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> dict[int, bytes]:
    """Give the content by method; bzip2's decompressor has the interface of zstd's and stands in for it."""
    monkeypatch.setitem(module.DECOMPRESSORS, BZIP2, bz2.BZ2Decompressor)
    monkeypatch.setattr(module, "_ERRORS", (zlib.error, EOFError, OSError))
    return PACKED


@pytest.mark.parametrize("method", [STORED, DEFLATED, BZIP2])
@pytest.mark.parametrize("size", [1 << 10, 1 << 18, 1 << 24])
def test_gives_back_what_was_packed(packed: dict[int, bytes], method: int, size: int) -> None:
    pieces = list(inflate(in_pieces(packed[method], size), method, len(CONTENT)))
    assert b"".join(pieces) == CONTENT
    assert method == STORED or max(map(len, pieces)) <= 1 << 20


@pytest.mark.parametrize("method", [STORED, DEFLATED, BZIP2])
@pytest.mark.parametrize("difference", [-1, 1])
def test_another_size_is_an_error(packed: dict[int, bytes], method: int, difference: int) -> None:
    with pytest.raises(EntryError, match="as declared"):
        list(inflate(in_pieces(packed[method], 1 << 16), method, len(CONTENT) + difference))


@pytest.mark.parametrize("method", [DEFLATED, BZIP2])
@pytest.mark.parametrize("size", [1 << 16, 1 << 24])
def test_more_after_the_end_is_an_error(packed: dict[int, bytes], method: int, size: int) -> None:
    with pytest.raises(EntryError, match="nothing after the end"):
        list(inflate(in_pieces(packed[method] + bytes(1 << 17), size), method, len(CONTENT)))


def test_what_follows_the_end_is_not_read() -> None:
    chunks = iter([PACKED[DEFLATED], b"more", b"even more"])
    with pytest.raises(EntryError, match="nothing after the end"):
        list(inflate(chunks, DEFLATED, len(CONTENT)))
    assert list(chunks) == [b"even more"]


@pytest.mark.parametrize("method", [DEFLATED, BZIP2])
def test_less_than_all_is_an_error(packed: dict[int, bytes], method: int) -> None:
    with pytest.raises(EntryError, match=r"found (none|\d+)"):
        list(inflate(in_pieces(packed[method][:-9], 1 << 16), method, len(CONTENT)))


@pytest.mark.parametrize("method", [DEFLATED, BZIP2])
def test_a_mistake_is_an_error(packed: dict[int, bytes], method: int) -> None:
    with pytest.raises(EntryError, match="a mistake in them"):
        list(inflate(iter([b"\xff" + packed[method][1:]]), method, len(CONTENT)))


def test_only_what_the_standard_library_has() -> None:
    assert METHODS - {ZSTANDARD} == {STORED, DEFLATED}
