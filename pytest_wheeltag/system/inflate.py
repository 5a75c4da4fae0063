"""Decompression that stops at the declared size and believes nothing before size and CRC agree."""

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_wheeltag.system.zipsource import EntryError

STORED = 0
DEFLATED = 8
ZSTANDARD = 93
_OUTPUT_BYTES = 1 << 20
INPUT_BYTES = 1 << 18


def _deflate() -> Any:  # noqa: ANN401 - zlib names no public type, and zstd's is another
    return zlib.decompressobj(-zlib.MAX_WBITS)


_DECOMPRESSORS: dict[int, Callable[[], Any]] = {DEFLATED: _deflate}
_ERRORS: tuple[type[Exception], ...] = (zlib.error, EOFError)

if sys.version_info >= (3, 14):
    from compression import zstd

    _DECOMPRESSORS[ZSTANDARD] = zstd.ZstdDecompressor
    _ERRORS = (*_ERRORS, zstd.ZstdError)

DECOMPRESSORS: Mapping[int, Callable[[], Any]] = _DECOMPRESSORS
METHODS = frozenset({STORED, *DECOMPRESSORS})


def inflate(chunks: Iterator[bytes], method: int, size: int) -> Iterator[bytes]:
    """Give the content of compressed ``chunks`` in pieces of at most 1 MiB.

    Stops with ``EntryError`` as soon as there is more than ``size`` bytes, less, or anything after the end.
    """
    pieces = chunks if method == STORED else _decompress(chunks, DECOMPRESSORS[method]())
    found = 0
    for piece in pieces:
        found += len(piece)
        if found > size:
            problem = f"expected {size} bytes as declared, found more"
            raise EntryError(problem)
        yield piece
    if found < size:
        problem = f"expected {size} bytes as declared, found {found}"
        raise EntryError(problem)


def _decompress(chunks: Iterator[bytes], decompressor: Any) -> Iterator[bytes]:  # noqa: ANN401 - as above
    for chunk in chunks:
        if decompressor.eof:
            problem = "expected nothing after the end of the compressed data, found more"
            raise EntryError(problem)
        try:
            yield from _drain(decompressor, chunk)
        except _ERRORS as error:
            problem = f"expected compressed data, found a mistake in them ({error})"
            raise EntryError(problem) from error
    if not decompressor.eof:
        problem = "expected the end of the compressed data, found none"
        raise EntryError(problem)
    if decompressor.unused_data:
        problem = "expected nothing after the end of the compressed data, found more"
        raise EntryError(problem)


def _drain(decompressor: Any, data: bytes) -> Iterator[bytes]:  # noqa: ANN401 - as above
    """Give all that ``data`` unpack to; zlib hands back what it did not take, the others keep it."""
    is_full = True
    while (data or is_full) and not decompressor.eof:
        piece = decompressor.decompress(data, _OUTPUT_BYTES)
        data = getattr(decompressor, "unconsumed_tail", b"")
        is_full = len(piece) == _OUTPUT_BYTES
        if piece:
            yield piece
