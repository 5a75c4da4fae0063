"""A threaded HTTP server on loopback that stops by itself, remembers what it was asked, and can misbehave."""

import atexit
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Any, Self

from pytest_wheeltag.errors import WheeltagError
from pytest_wheeltag.workshop.answers import Answer, AnsweredRequest, Drip, Request

Respond = Callable[[Request], Answer]

_LONGEST_WAIT_SECONDS = 60.0
_IDLE_SECONDS = 60.0
_POLL_SECONDS = 0.02
_CLOSING_SECONDS = 5.0
_GOODBYE_SECONDS = 1.0
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Tunnel(Answer):
    """An answer after which bytes pass both ways between the client and a port of this machine (RFC 9110 9.3.6)."""

    port: int = 0


@dataclass(frozen=True)
class Stream(Answer):
    """An answer whose body comes piece by piece, ``size`` bytes in all, None where nobody knows.

    Where ``pieces`` raises ``OSError`` or ``WheeltagError`` the connection is cut, so that the client sees that
    something is missing. ``release`` is called in the end.
    """

    pieces: Iterable[bytes] = ()
    size: int | None = None
    release: Callable[[], None] = field(default=lambda: None, repr=False)


class LoopbackServer:
    """Answers on 127.0.0.1 from threads of its own, between ``start`` and ``close`` or inside ``with``.

    ``respond`` is called from many threads. What it raised is raised again by ``close``.
    """

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._server: _Sockets | None = None
        self._thread: threading.Thread | None = None
        self._tls: ssl.SSLContext | None = None
        self._answered: list[AnsweredRequest] = []
        self._lock = threading.Lock()

    @property
    def is_started(self) -> bool:
        """Whether it answers."""
        return self._server is not None

    @property
    def origin(self) -> str:
        """The scheme, host and port, like ``http://127.0.0.1:4711``; ``RuntimeError`` before the start."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        """The port; ``RuntimeError`` before the start."""
        if self._server is None:
            expected = "expected a server that is started; use it in a `with` block"
            raise RuntimeError(expected)
        return int(self._server.server_address[1])

    @property
    def requests(self) -> tuple[AnsweredRequest, ...]:
        """What was asked so far, in the order of the answers; noted before an answer is sent."""
        with self._lock:
            return tuple(self._answered)

    def forget_requests(self) -> None:
        """Empty the list of requests."""
        with self._lock:
            self._answered.clear()

    def encrypted(self, context: ssl.SSLContext) -> Self:
        """Answer over TLS from the next start on; ``context`` holds the server's certificate."""
        self._tls = context
        return self

    def start(self) -> Self:
        """Begin to answer, on a free port."""
        self._server = _Sockets(self._respond, self._note, self._tls)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="wheeltag-loopback", daemon=True
        )
        self._thread.start()
        atexit.register(self.close)
        return self

    def close(self) -> None:
        """Cut all connections and wait for the threads; raises the first failure of ``respond``."""
        server, self._server = self._server, None
        atexit.unregister(self.close)
        if server is None or self._thread is None:
            return
        server.closing.set()
        server.shutdown()
        self._thread.join()
        server.cut_connections()
        server.server_close()
        for failure in server.failures:
            raise failure

    def _note(self, request: AnsweredRequest) -> None:
        with self._lock:
            self._answered.append(request)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


class _Sockets(ThreadingTCPServer):
    """The listening socket and its connections; not ``HTTPServer``, which asks the name service at its start."""

    allow_reuse_address = False
    daemon_threads = True
    # Sixteen workers knock at once; the standard library's five would refuse some.
    request_queue_size = 128

    def __init__(
        self, respond: Respond, note: Callable[[AnsweredRequest], None], tls: ssl.SSLContext | None
    ) -> None:
        self.respond = respond
        self.note = note
        self._tls = tls
        self.closing = threading.Event()
        self.failures: list[BaseException] = []
        self._connections: set[Any] = set()
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", 0), _Conversation)

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self._tls is None:
            return connection, address
        # The handshake waits for the conversation's own thread: a client may be slow.
        wrapped = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return wrapped, address

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 # the base class says so
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 # the base class says so
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 # the base class says so
        error = sys.exception()
        # A client that goes away, or is cut by ``close``, is no failure of ours.
        if error is not None and not isinstance(error, ConnectionError | TimeoutError | ssl.SSLError):
            self.failures.append(error)

    def cut_connections(self) -> None:
        """End every conversation, and wait until their threads have let go."""
        with self._changed:
            for connection in self._connections:
                with suppress(OSError):
                    # Not the method of an SSLSocket: its thread would go on in clear text.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, _CLOSING_SECONDS)


class _Conversation(BaseHTTPRequestHandler):
    """One connection, with any number of requests."""

    server: _Sockets
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    # Head and body are two writes: without this the second waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a request for a page or a file."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers)
        answer = self.server.respond(request)
        status = 0 if answer.is_cut else int(answer.status)
        self.server.note(AnsweredRequest(request.method, request.path, headers, status))
        self.server.closing.wait(min(answer.delay_seconds, _LONGEST_WAIT_SECONDS))
        if answer.is_cut:
            self.close_connection = True
            return
        self._send_head(answer)
        if isinstance(answer, Tunnel):
            self._dig(answer.port)
        else:
            self._send_body(answer)

    do_HEAD = do_GET  # noqa: N815 # the base class looks for this name
    do_CONNECT = do_GET  # noqa: N815 # as above

    def setup(self) -> None:
        """Take over the connection; raises ``ssl.SSLError`` where the client does not believe in us."""
        super().setup()
        if isinstance(self.request, ssl.SSLSocket):
            try:
                self.request.do_handshake()
            except ssl.SSLError:
                self._say_goodbye(self.request)
                raise

    def _say_goodbye(self, connection: ssl.SSLSocket) -> None:
        # Closed with bytes unread, the connection would be reset, and the client never learn why.
        with suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_WR)
            connection.settimeout(_GOODBYE_SECONDS)
            while socket.socket.recv(connection, _PIECE_BYTES):
                pass

    def _send_head(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        is_raw = isinstance(answer, Tunnel) or any(
            name.lower() == "transfer-encoding" for name in answer.headers
        )
        length = _length_of(answer)
        if not is_raw and answer.status not in _BODILESS and length is not None:
            self.send_header("Content-Length", str(length))
        is_last = is_raw or answer.length is not None or length is None
        if not isinstance(answer, Tunnel) and is_last:
            self.send_header("Connection", "close")
        self.end_headers()

    def _send_body(self, answer: Answer) -> None:
        if isinstance(answer, Stream):
            self._pass_on(answer)
            return
        if self.command == "HEAD" or answer.status in _BODILESS:
            return
        if answer.drip is None:
            self.wfile.write(answer.body)
            return
        for piece in _pieces(answer.body, answer.drip):
            self.wfile.write(piece)
            if self.server.closing.wait(answer.drip.pause_seconds):
                break
        # The limit may have come before the end of the body.
        self.close_connection = True

    def _pass_on(self, answer: Stream) -> None:
        try:
            if self.command != "HEAD":
                for piece in answer.pieces:
                    self.wfile.write(piece)
        except (OSError, WheeltagError):
            self.close_connection = True
        finally:
            answer.release()
        self.close_connection = self.close_connection or answer.size is None

    def _dig(self, port: int) -> None:
        """Pass bytes on, both ways, until one side ends or nothing comes any more."""
        self.close_connection = True
        with socket.create_connection(("127.0.0.1", port), _IDLE_SECONDS) as far:
            other = {self.connection: far, far: self.connection}
            while ready := select.select(list(other), [], [], _IDLE_SECONDS)[0]:
                for near in ready:
                    piece = near.recv(_PIECE_BYTES)
                    if not piece:
                        return
                    other[near].sendall(piece)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class says so
        """Say nothing: the requests are kept."""


def _length_of(answer: Answer) -> int | None:
    if isinstance(answer, Stream):
        return answer.size
    return len(answer.body) if answer.length is None else answer.length


def _pieces(body: bytes, drip: Drip) -> Iterator[bytes]:
    deadline = time.monotonic() + min(drip.limit_seconds, _LONGEST_WAIT_SECONDS)
    for start in range(0, len(body), drip.size):
        if time.monotonic() >= deadline:
            return
        yield body[start : start + drip.size]
