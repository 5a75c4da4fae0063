import http.client
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import trustme

from pytest_wheeltag.workshop.answers import Answer, Drip, Request
from pytest_wheeltag.workshop.server import LoopbackServer


def echo(request: Request) -> Answer:
    return Answer.of_text(f"{request.method} {request.path} {request.headers.get('x-sample', '')}")


@contextmanager
def connected(server: LoopbackServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(server.origin).netloc, timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def ask(server: LoopbackServer, path: str = "/", method: str = "GET") -> tuple[int, bytes]:
    with connected(server) as connection:
        connection.request(method, path, headers={"X-Sample": "1"})
        response = connection.getresponse()
        return response.status, response.read()


def test_it_answers_and_remembers() -> None:
    with LoopbackServer(echo) as server:
        assert ask(server, "/a?b=c") == (200, b"GET /a?b=c 1")
        assert ask(server, "/a", "HEAD") == (200, b"")
        first, second = server.requests
        assert (first.method, first.path, first.status, first.headers["x-sample"]) == (
            "GET",
            "/a?b=c",
            200,
            "1",
        )
        assert second.method == "HEAD"
        server.forget_requests()
        assert server.requests == ()


def test_a_connection_serves_many_requests() -> None:
    with LoopbackServer(echo) as server, connected(server) as connection:
        for path in ("/a", "/b"):
            connection.request("GET", path)
            assert connection.getresponse().read() == f"GET {path} ".encode()
        assert len(server.requests) == 2


def test_many_clients_at_once() -> None:
    with LoopbackServer(echo) as server, ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda number: ask(server, f"/{number}"), range(200)))
        assert {status for status, _ in answers} == {200}
        assert len(server.requests) == 200


def test_it_stops_with_open_connections() -> None:
    with LoopbackServer(echo) as server, connected(server) as connection:
        connection.request("GET", "/")
        connection.getresponse().read()
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 1
        server.close()


def test_closing_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with LoopbackServer(echo) as server, connected(server) as connection:
        connection.request("GET", "/")
        connection.getresponse().read()
        own = set(threading.enumerate()) - before
        server.close()
        for thread in own:
            thread.join(5)
    assert len(own) == 2
    assert not any(thread.is_alive() for thread in own)


def test_it_has_no_address_before_its_start() -> None:
    with pytest.raises(RuntimeError, match="started"):
        _ = LoopbackServer(echo).origin


def test_failures_are_raised_at_the_end() -> None:
    def fail(_: Request) -> Answer:
        raise ZeroDivisionError

    server = LoopbackServer(fail).start()
    with pytest.raises(http.client.RemoteDisconnected):
        ask(server)
    with pytest.raises(ZeroDivisionError):
        server.close()


def test_a_truncated_body_ends_early() -> None:
    with LoopbackServer(lambda _: Answer(body=b"abc").truncated(2)) as server:
        with pytest.raises(http.client.IncompleteRead) as caught:
            ask(server)
        assert caught.value.partial == b"abc"


def test_a_cut_connection_has_no_answer() -> None:
    with LoopbackServer(lambda _: Answer(is_cut=True)) as server:
        with pytest.raises(http.client.RemoteDisconnected):
            ask(server)
        assert server.requests[0].status == 0


def test_a_chunked_body_is_sent_as_it_is() -> None:
    chunked = Answer(headers={"Transfer-Encoding": "chunked"}, body=b"3\r\nabc\r\n0\r\n\r\n")
    endless = Answer(headers={"Transfer-Encoding": "chunked"}, body=b"3\r\nabc\r\n")
    answers = iter([chunked, endless])
    with LoopbackServer(lambda _: next(answers)) as server:
        assert ask(server) == (200, b"abc")
        with pytest.raises(http.client.IncompleteRead):
            ask(server)


def test_a_body_drips() -> None:
    with LoopbackServer(lambda _: Answer(body=b"abcdef", drip=Drip(2, 0.01))) as server:
        began = time.monotonic()
        assert ask(server) == (200, b"abcdef")
        assert time.monotonic() - began >= 0.02


def test_a_drip_ends_at_its_limit() -> None:
    drip = Drip(1, pause_seconds=0.02, limit_seconds=0.1)
    with LoopbackServer(lambda _: Answer(body=b"x" * 10_000, drip=drip)) as server:
        with pytest.raises(http.client.IncompleteRead) as caught:
            ask(server)
        assert 0 < len(caught.value.partial) < 50


@pytest.mark.parametrize(
    "answer",
    [Answer(body=b"x" * 1000, drip=Drip(pause_seconds=30)), Answer(delay_seconds=30)],
    ids=["drip", "delay"],
)
def test_closing_ends_what_is_slow(answer: Answer) -> None:
    with LoopbackServer(lambda _: answer) as server, connected(server) as connection:
        connection.request("GET", "/")
        while not server.requests:
            time.sleep(0.001)
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 15


def test_a_client_that_goes_away_is_no_failure() -> None:
    with LoopbackServer(lambda _: Answer(body=b"x" * 10_000_000, drip=Drip(1_000_000, 0.001))) as server:
        with connected(server) as connection:
            connection.request("GET", "/")
            connection.getresponse().read(1)
        assert len(server.requests) == 1


def test_other_methods_are_not_spoken() -> None:
    with LoopbackServer(echo) as server:
        assert ask(server, method="DELETE")[0] == 501


def test_it_answers_over_tls_and_a_client_that_does_not_believe_it_is_no_failure() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    believing, doubting = ssl.create_default_context(), ssl.create_default_context()
    authority.configure_trust(believing)
    with LoopbackServer(echo).encrypted(context) as server:
        assert server.origin == f"https://127.0.0.1:{server.port}"
        for client in (believing, doubting, believing):
            connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=client)
            try:
                connection.request("GET", "/a")
                assert connection.getresponse().read() == b"GET /a "
            except ssl.SSLCertVerificationError:
                assert client is doubting
            connection.close()
        assert len(server.requests) == 2
