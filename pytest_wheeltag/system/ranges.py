"""A file on a server, fetched in parts where the server gives parts."""

import io
import re

from pytest_wheeltag.errors import InterruptedAnswerError, UnreachableError
from pytest_wheeltag.system.transport import OK, PARTIAL, Request, Response, Transport
from pytest_wheeltag.system.urls import Url

# From wheels of any size METADATA was among these bytes every time (`performance.md`).
TAIL_BYTES = 512 * 1024
_BLOCK_BYTES = 64 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)
# What servers answer that know of ranges, but not of those from the end.
_REFUSALS = frozenset({400, 405, 416, 501})


class RangedFile(io.RawIOBase):
    """A file on a server, of which the last bytes are here; reading others raises ``UnreachableError``."""

    def __init__(self, transport: Transport, url: Url, tail: bytes, size: int) -> None:
        super().__init__()
        self._transport = transport
        self._url = url
        self._start = size - len(tail)
        self._held = tail
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read at any place."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, counted from the start, from here or from the end."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Give ``size`` bytes, fewer where the file ends before, all that are left where it is negative."""
        left = max(0, self._size - self._at)
        count = left if size < 0 else min(size, left)
        if count and not self._holds(self._at, count):
            self._fetch(self._at, max(count, _BLOCK_BYTES))
        place = self._at - self._start
        self._at += count
        return self._held[place : place + count]

    def _holds(self, start: int, count: int) -> bool:
        return self._start <= start and start + count <= self._start + len(self._held)

    def _fetch(self, start: int, count: int) -> None:
        stop = min(start + count, self._size)
        request = Request(self._url, max_bytes=stop - start, is_compressible=False)
        with self._transport.get(request.with_header("Range", f"bytes={start}-{stop - 1}")) as response:
            if _place(response) != (start, self._size):
                raise UnreachableError(
                    str(self._url), "expected the part that was asked for, found another answer"
                )
            held = response.read()
        if len(held) != stop - start:
            raise InterruptedAnswerError(str(self._url), f"expected {stop - start} bytes, found {len(held)}")
        self._start, self._held = start, held


def fetch_tail(transport: Transport, url: Url) -> RangedFile | None:
    """Fetch the last bytes of a file; None where the server does not give parts of it.

    Raises ``UnreachableError``.
    """
    request = Request(url, max_bytes=TAIL_BYTES).of_last_bytes(TAIL_BYTES)
    try:
        response = transport.get(request)
    except UnreachableError as error:
        if error.status in _REFUSALS:
            return None
        raise
    with response:
        if response.status == OK:
            return None
        place = _place(response)
        if place is None:
            raise UnreachableError(str(url), f"expected a part of a file, found status {response.status}")
        tail = response.read()
    if place[0] + len(tail) != place[1]:
        raise InterruptedAnswerError(str(url), f"expected {place[1] - place[0]} bytes, found {len(tail)}")
    return RangedFile(transport, url, tail, place[1])


def _place(response: Response) -> tuple[int, int] | None:
    """Give where a part starts and how large the file is (RFC 9110, Content-Range); None for any other answer."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    if response.status != PARTIAL or match is None:
        return None
    return int(match[1]), int(match[3])
