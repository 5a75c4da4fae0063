"""The bodies of answers, read piece by piece within bounds of size and speed."""

import time
import zlib
from collections.abc import Iterator
from contextlib import suppress

import urllib3

from pytest_wheeltag.errors import InterruptedAnswerError, UnreachableError
from pytest_wheeltag.system.connections import WatchedConnection
from pytest_wheeltag.system.transport import Request, TransportLimits
from pytest_wheeltag.system.urls import Url
from pytest_wheeltag.system.watchdog import Watchdog

_PIECE_BYTES = 1 << 16
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Pace:
    """How fast an answer comes, and how long a request may still take; ``clock`` gives seconds."""

    def __init__(self, url: Url, limits: TransportLimits) -> None:
        self._url = url
        self._limits = limits
        self._deadline = time.monotonic() + limits.total_seconds
        self._waited = 0.0
        self._came = 0

    def check_deadline(self) -> None:
        """Raise ``UnreachableError`` once the request has taken too long in all."""
        if time.monotonic() > self._deadline:
            seconds = f"{self._limits.total_seconds:g}"
            raise UnreachableError(
                str(self._url), f"expected a whole answer within {seconds} s, found it going on"
            )

    def note(self, waited_seconds: float, count: int) -> None:
        """Note that a piece of ``count`` bytes came; raises ``UnreachableError`` where the rate is too low."""
        self.check_deadline()
        self._waited += waited_seconds
        self._came += count
        window = self._limits.rate_window_seconds
        if self._waited < window:
            return
        if self._came < self._limits.minimum_rate * self._waited:
            found = f"{self._came} bytes in {self._waited:.1f} s"
            expected = f"expected at least {self._limits.minimum_rate} bytes per second"
            raise UnreachableError(
                str(self._url), f"{expected}, found {found}", "the server or the line is too slow"
            )
        self._waited = 0.0
        self._came = 0


class Body:
    """The body of one answer; ``chunks`` gives it once."""

    def __init__(self, raw: urllib3.BaseHTTPResponse, request: Request, url: Url) -> None:
        self._raw = raw
        self._url = url
        self._limit = request.max_bytes

    def chunks(self, pace: Pace, watchdog: Watchdog) -> Iterator[bytes]:
        """Give the body in pieces, decompressed; raises as ``Response`` says."""
        pieces = self._pieces(pace, watchdog)
        encoding = self._raw.headers.get("Content-Encoding", "identity").strip().lower() or "identity"
        if encoding in ("gzip", "x-gzip"):
            return self._inflated(pieces)
        if encoding != "identity":
            problem = f"expected the encoding gzip or none, found {encoding[:40]!r}"
            raise UnreachableError(str(self._url), problem, status=self._raw.status)
        return pieces

    def _pieces(self, pace: Pace, watchdog: Watchdog) -> Iterator[bytes]:
        came = 0
        announced = self._announced()
        while True:
            started = time.monotonic()
            piece = self._read(watchdog)
            if not piece:
                break
            came += len(piece)
            self._check_size(came)
            pace.note(time.monotonic() - started, len(piece))
            yield piece
        if announced is not None and came != announced:
            raise InterruptedAnswerError(
                str(self._url), f"expected {announced} bytes, found {came}", status=self._raw.status
            )

    def _announced(self) -> int | None:
        length = self._raw.headers.get("Content-Length", "")
        if not length.isdecimal() or self._raw.headers.get("Transfer-Encoding"):
            return None
        # A declared size over the limit is refused before anything is read.
        self._check_size(int(length))
        return int(length)

    def _read(self, watchdog: Watchdog) -> bytes:
        connection = self._raw.connection
        try:
            if not isinstance(connection, WatchedConnection):  # all of it has been read
                return self._raw.read1(_PIECE_BYTES, decode_content=False) or b""
            with watchdog.guard(connection):
                return self._raw.read1(_PIECE_BYTES, decode_content=False) or b""
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
            raise UnreachableError(
                str(self._url), "expected an answer, found none coming any more"
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            problem = f"expected a whole answer, found it broken off ({type(error).__name__})"
            raise InterruptedAnswerError(str(self._url), problem, status=self._raw.status) from error

    def _inflated(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        inflator = zlib.decompressobj(_GZIP_WINDOW)
        came = 0
        for piece in pieces:
            rest = piece
            while rest and not inflator.eof:
                plain = self._inflate(inflator, rest)
                rest = inflator.unconsumed_tail
                came += len(plain)
                self._check_size(came)
                yield plain
        if not inflator.eof:
            problem = "expected whole gzip data, found it broken off"
            raise InterruptedAnswerError(str(self._url), problem, status=self._raw.status)

    def _inflate(self, inflator: "zlib._Decompress", data: bytes) -> bytes:
        try:
            return inflator.decompress(data, _PIECE_BYTES * 4)
        except zlib.error as error:
            raise UnreachableError(
                str(self._url), "expected gzip data, found something else", status=self._raw.status
            ) from error

    def _check_size(self, count: int) -> None:
        if count > self._limit:
            problem = f"expected at most {self._limit} bytes, found more"
            raise UnreachableError(
                str(self._url), problem, "this is no answer to work with", status=self._raw.status
            )


def let_go(raw: urllib3.BaseHTTPResponse, watchdog: Watchdog) -> None:
    """Give a connection back to its pool; it stays open where little of the answer is left to read."""
    length = raw.headers.get("Content-Length", "")
    connection = raw.connection
    is_short = length.isdecimal() and int(length) <= _PIECE_BYTES
    if is_short and isinstance(connection, WatchedConnection):
        with suppress(urllib3.exceptions.HTTPError, OSError), watchdog.guard(connection):
            raw.read(decode_content=False)
    raw.close()
    # Closing alone would leave a place in the pool taken for ever.
    raw.release_conn()
