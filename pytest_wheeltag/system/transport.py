"""The port to the network: requests, streamed responses, their limits, and a fake for tests."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from pytest_wheeltag.errors import OfflineError, UnreachableError
from pytest_wheeltag.system.urls import Url

MEGABYTE = 1_000_000
OK = 200
PARTIAL = 206
NOT_MODIFIED = 304
NOT_FOUND = 404
GONE = 410


@dataclass(frozen=True)
class TransportLimits:
    """The bounds of a request; times in seconds.

    ``stall_seconds`` is the longest time without progress, and how long connecting and the header may take,
    ``total_seconds`` the longest time in all. Over every ``rate_window_seconds`` spent waiting for a body,
    ``minimum_rate`` bytes per second must come. ``retry_after_seconds`` is the longest ``Retry-After``
    that is honoured.
    """

    stall_seconds: float = 30.0
    total_seconds: float = 900.0
    minimum_rate: int = 1000
    rate_window_seconds: float = 10.0
    tries: int = 3
    pause_seconds: float = 0.25
    redirects: int = 10
    retry_after_seconds: float = 60.0
    connections: int = 8


@dataclass(frozen=True)
class Request:
    """What is asked of a server: an address, further headers, and how many bytes the answer may have.

    ``max_bytes`` bounds the body both as it is sent and decompressed; ``is_compressible`` offers gzip.
    """

    url: Url
    headers: tuple[tuple[str, str], ...] = ()
    max_bytes: int = 64 * MEGABYTE
    is_compressible: bool = True

    def with_header(self, name: str, value: str) -> "Request":
        """Give the same request with one header more."""
        return replace(self, headers=(*self.headers, (name, value)))

    def of_last_bytes(self, count: int) -> "Request":
        """Give the request for the last ``count`` bytes only (RFC 9110, range requests)."""
        return replace(self.with_header("Range", f"bytes=-{count}"), is_compressible=False)


@dataclass(frozen=True)
class Response:
    """An answer: 200, 206, 304, 404 or 410. ``url`` is where redirects ended, header names are in lower case.

    ``chunks`` gives the body once, decompressed; it raises ``InterruptedAnswerError`` where the body breaks
    off and ``UnreachableError`` where it exceeds the limits. A context manager, since it holds a connection.
    """

    status: int
    url: Url
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    close: Callable[[], None] = field(default=lambda: None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> bytes:
        """Give the whole body."""
        return b"".join(self.chunks)


class Transport(Protocol):
    """Whoever can ask servers."""

    def get(self, request: Request) -> Response:
        """Ask, following redirects and trying again where that may help.

        Raises ``UnreachableError`` for every answer that is no answer: 401, 403, 429, 5xx, no connection, bad
        certificates, time-outs.
        """
        ...


class LateTransport:
    """A transport that is opened at the first request: whoever finds all answers in the cache loads none.

    ``open_transport`` is called once, whatever the threads.
    """

    def __init__(self, open_transport: Callable[[], Transport]) -> None:
        self._open = open_transport
        self._lock = threading.Lock()
        self._opened: Transport | None = None

    def get(self, request: Request) -> Response:
        """Ask, as ``Transport`` says."""
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
        return self._opened.get(request)


class OfflineTransport:
    """A transport that asks nobody but servers on this machine."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, request: Request) -> Response:
        """Ask, as ``Transport`` says; raises ``OfflineError`` for every other server."""
        if request.url.is_local:
            return self._transport.get(request)
        problem = "expected this in the cache, found nothing there"
        raise OfflineError(str(request.url), problem, "run once without offline")


class FakeTransport:
    """A transport that answers from memory, for tests; it remembers what it was asked."""

    def __init__(self, answers: Mapping[str, tuple[int, Mapping[str, str], bytes]]) -> None:
        self.answers = dict(answers)
        self.requests: list[Request] = []

    def get(self, request: Request) -> Response:
        """Answer what was prepared for the address, 404 for any other; other errors are raised as asked."""
        self.requests.append(request)
        status, headers, body = self.answers.get(str(request.url), (NOT_FOUND, {}, b""))
        if status not in (OK, PARTIAL, NOT_MODIFIED, NOT_FOUND, GONE):
            raise UnreachableError(str(request.url), f"expected an answer, found status {status}")
        parts: Sequence[bytes] = [body] if body else []
        lower = {name.lower(): value for name, value in headers.items()}
        return Response(status, request.url, lower, iter(parts))
