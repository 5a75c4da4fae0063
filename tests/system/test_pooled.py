"""Asking real servers on loopback, plain and encrypted."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

from pytest_wheeltag.errors import InterruptedAnswerError, UnreachableError, UsageError
from pytest_wheeltag.system.certificates import TlsSettings, tls_settings
from pytest_wheeltag.system.connections import NetworkSettings
from pytest_wheeltag.system.credentials import collect_credentials
from pytest_wheeltag.system.keyrings import FakeKeyring
from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.pipfiles import PipPlaces
from pytest_wheeltag.system.pooled import PooledTransport, TransportOptions, limits_of, open_transport
from pytest_wheeltag.system.proxies import Proxies, find_proxies
from pytest_wheeltag.system.transport import FakeTransport, LateTransport, Request, TransportLimits
from pytest_wheeltag.system.urls import Url, parse_url
from pytest_wheeltag.workshop.answers import Answer, Drip
from pytest_wheeltag.workshop.index import IndexOptions, LocalIndex

LIMITS = TransportLimits(stall_seconds=0.6, total_seconds=3.0, rate_window_seconds=0.4, pause_seconds=0.01)
# Signed by itself, for localhost, good until 2126; it protects nothing.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUDQgcSJ+HyQTEfutkM3Wz52HZlcMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzA2NDA0NloYDzIxMjYxMDMw
MDY0MDQ2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASI6uk/7SKk/8E9EzI1HmXLd0uuROBV4e0ZrquOWWPjzsS1K6F1F7P/
8NG4coUbI6dYzoa0Cf0QT+hYQOf6u02Zo28wbTAdBgNVHQ4EFgQULvjOmOsf5mi9
UZ4WZ0/660Wfx5gwHwYDVR0jBBgwFoAULvjOmOsf5mi9UZ4WZ0/660Wfx5gwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgQx0hKaA1POUSfjTsPZiqN6WDKVZO2MRMGKyvToNfnLACIQDk
q0ii49UmvlmrAvshlaJMMS/F9/ZsNJaGWIB1aR4r8w==
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+acRjZwQVU6tMlEe
5yyQSTkw7q0djlS9Rugj9mQTy2ChRANCAASI6uk/7SKk/8E9EzI1HmXLd0uuROBV
4e0ZrquOWWPjzsS1K6F1F7P/8NG4coUbI6dYzoa0Cf0QT+hYQOf6u02Z
-----END PRIVATE KEY-----
"""


@pytest.fixture
def server() -> Iterator[LocalIndex]:
    with LocalIndex() as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def transport(waits: list[float]) -> Iterator[PooledTransport]:
    opened = PooledTransport(NetworkSettings(limits=LIMITS), sleep=waits.append)
    yield opened
    opened.close()


def at(server: LocalIndex, path: str = "/x") -> Request:
    return Request(parse_url(server.origin + path))


def body(text: str) -> Answer:
    return Answer.of_text(text)


def test_a_body_comes_in_pieces_from_one_connection(server: LocalIndex, transport: PooledTransport) -> None:
    server.answer("/x", body("a" * 300_000))
    for _ in range(3):
        with transport.get(at(server)) as response:
            pieces = list(response.chunks)
        assert len(pieces) > 1
        assert b"".join(pieces) == b"a" * 300_000


def test_answers_that_are_not_read_take_no_place_in_the_pool(
    server: LocalIndex, transport: PooledTransport
) -> None:
    server.answer("/x", body("a" * 300_000))
    for _ in range(3 * LIMITS.connections):
        with transport.get(at(server)) as response:
            assert response.status == 200
        with transport.get(at(server, "/absent")) as response:
            assert response.status == 404


def test_a_range_is_asked_for_and_given(
    server: LocalIndex, transport: PooledTransport, tmp_path: Path
) -> None:
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    path.write_bytes(bytes(range(250)) * 40)
    server.add(path)
    request = Request(parse_url(server.file_url(path.name))).of_last_bytes(100)
    with transport.get(request) as response:
        assert (response.status, response.read()) == (206, path.read_bytes()[-100:])
    assert server.requests[-1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_three_times(
    server: LocalIndex, transport: PooledTransport, waits: list[float], status: int
) -> None:
    busy = Answer.of_status(status)
    server.answer("/x", busy, busy, body("at last"))
    assert transport.get(at(server)).read() == b"at last"
    assert waits == [0.01, 0.02]
    server.answer("/x", busy)
    with pytest.raises(UnreachableError, match=str(status)):
        transport.get(at(server))
    assert server.count("/x") == 6


@pytest.mark.parametrize("status", [400, 401, 403, 407, 451])
def test_what_will_not_pass_is_tried_once(
    server: LocalIndex, transport: PooledTransport, status: int
) -> None:
    server.answer("/x", Answer.of_status(status))
    with pytest.raises(UnreachableError, match=str(status)):
        transport.get(at(server))
    assert server.count("/x") == 1


@pytest.mark.parametrize(
    "retry_after",
    ["7", formatdate(time.time() + 3000, usegmt=True), "soon", "-3"],
    ids=["seconds", "date", "word", "negative"],
)
def test_servers_are_waited_for_as_they_ask_but_no_longer_than_a_minute(
    server: LocalIndex, transport: PooledTransport, waits: list[float], retry_after: str
) -> None:
    server.answer("/x", Answer.of_status(503, retry_after=retry_after), body("at last"))
    if "GMT" in retry_after:
        with pytest.raises(
            UnreachableError, match=r"503 Service Unavailable, to be asked again after \d{4} s"
        ):
            transport.get(at(server))
    else:
        assert transport.get(at(server)).read() == b"at last"
        assert waits == [7.0 if retry_after == "7" else 0.01]


def test_a_moment_to_come_back_at_is_waited_for(
    server: LocalIndex, transport: PooledTransport, waits: list[float]
) -> None:
    moment = formatdate(time.time() + 30, usegmt=True)
    server.answer("/x", Answer.of_status(429, retry_after=moment), body("at last"))
    transport.get(at(server)).close()
    assert 20 < waits[0] <= 30


def test_a_connection_that_is_cut_is_tried_again(server: LocalIndex, transport: PooledTransport) -> None:
    server.answer("/x", Answer(is_cut=True), Answer(is_cut=True), body("at last"))
    assert transport.get(at(server)).read() == b"at last"


def test_an_answer_that_breaks_off_says_so(server: LocalIndex, transport: PooledTransport) -> None:
    server.answer("/x", body("begun").truncated(5))
    with pytest.raises(InterruptedAnswerError):
        transport.get(at(server)).read()


@pytest.mark.parametrize("drip", [Drip(1, 0.05), Drip(100, 0.2)])
def test_a_body_that_drips_is_left(server: LocalIndex, transport: PooledTransport, drip: Drip) -> None:
    server.answer("/x", replace(body("a" * 10_000), drip=drip))
    with pytest.raises(UnreachableError, match="at least 1000 bytes per second"):
        transport.get(at(server)).read()


def test_a_body_that_never_ends_is_left_in_the_end(server: LocalIndex) -> None:
    server.answer("/x", replace(body("a" * 1_000_000), drip=Drip(1000, 0.01)))
    transport = PooledTransport(NetworkSettings(limits=replace(LIMITS, total_seconds=0.5)))
    with pytest.raises(UnreachableError, match=r"within 0\.5 s"):
        transport.get(at(server)).read()


@contextmanager
def raw_server(answer: bytes, pause_seconds: float) -> Iterator[str]:
    """Send an answer byte by byte to whoever connects, whatever is asked."""
    done = threading.Event()

    def talk(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            for place in range(len(answer)):
                if done.wait(pause_seconds):
                    return
                try:
                    connection.sendall(answer[place : place + 1])
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        done.set()
        thread.join()


def test_a_header_that_drips_is_left(transport: PooledTransport) -> None:
    started = time.monotonic()
    with (
        raw_server(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000, 0.05) as url,
        pytest.raises(UnreachableError, match=r"within 0\.6 s"),
    ):
        transport.get(Request(parse_url(url)))
    assert time.monotonic() - started < 2


def test_chunks_without_an_end_are_left(transport: PooledTransport) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 1000
    with raw_server(answer, 0.002) as url, pytest.raises(UnreachableError):
        transport.get(Request(parse_url(url))).read()


@pytest.mark.parametrize("answer", [b"220 smtp ready\r\n", b"HTTP/1.1 banana\r\n\r\n", b""])
def test_what_speaks_no_http_is_told(transport: PooledTransport, answer: bytes) -> None:
    with raw_server(answer, 0) as url, pytest.raises(UnreachableError, match="expected a"):
        transport.get(Request(parse_url(url)))


def test_credentials_go_to_their_origin_only(tmp_path: Path) -> None:
    options = IndexOptions(credentials=("user", "s3cr3t"))
    with LocalIndex(options) as own, LocalIndex() as other:
        own.answer("/x", Answer.of_redirect(f"{other.origin}/y"))
        own.answer("/z", Answer.of_redirect("/zz"))
        other.answer("/y", body("y"))
        own.answer("/zz", body("zz"))
        url = parse_url(own.authenticated_url)
        credentials = collect_credentials((url,), {"NETRC": str(tmp_path / "none")}, tmp_path)
        transport = PooledTransport(NetworkSettings(credentials=credentials, limits=LIMITS))
        assert transport.get(at(own)).read() == b"y"
        assert transport.get(at(own, "/z")).read() == b"zz"
        assert "authorization" not in other.requests[0].headers
        assert "s3cr3t" not in repr(credentials)
        transport.close()


def test_a_keyring_is_asked_once_and_only_after_a_refusal(tmp_path: Path) -> None:
    options = IndexOptions(credentials=("user", "s3cr3t"))
    with LocalIndex(options) as index, LocalIndex() as opened:
        index.answer("/x", body("x"))
        opened.answer("/y", body("y"))
        keyring = FakeKeyring({(index.url, "user"): "s3cr3t"})
        urls = parse_url(index.url), parse_url(opened.url)
        credentials = collect_credentials(urls, {}, tmp_path, keyring=keyring)
        transport = PooledTransport(NetworkSettings(credentials=credentials, limits=LIMITS))
        assert transport.get(at(opened, "/y")).read() == b"y"
        assert keyring.questions == []
        assert [transport.get(at(index)).read() for _ in range(3)] == [b"x"] * 3
        transport.close()
        assert keyring.questions == [(index.url, None)]
        assert [request.status for request in index.requests] == [401, 200, 200, 200]


def test_a_keyrings_login_that_is_refused_is_tried_once(tmp_path: Path) -> None:
    with LocalIndex(IndexOptions(credentials=("user", "s3cr3t"))) as index:
        keyring = FakeKeyring({(index.url, "user"): "0ld"})
        credentials = collect_credentials((parse_url(index.url),), {}, tmp_path, keyring=keyring)
        transport = PooledTransport(NetworkSettings(credentials=credentials, limits=LIMITS))
        for count in (2, 3):
            with pytest.raises(UnreachableError, match="password from keyring are refused") as caught:
                transport.get(at(index))
            assert "0ld" not in repr(caught.value) + str(caught.value)
            assert index.count("/x") == count
        transport.close()


def test_a_login_in_a_redirect_is_not_used(server: LocalIndex, transport: PooledTransport) -> None:
    with LocalIndex() as other:
        other.answer("/y", body("y"))
        server.answer("/x", Answer.of_redirect(other.origin.replace("://", "://user:s3cr3t@") + "/y"))
        assert transport.get(at(server)).read() == b"y"
        assert "authorization" not in other.requests[0].headers


def proxied(configuration: PipConfiguration, url: str, **environ: str) -> Url | None:
    return find_proxies(configuration, environ, "linux").proxy_of(parse_url(url))


@pytest.mark.parametrize(
    ("environ", "url", "is_proxied"),
    [
        ({"http_proxy": "p.example:3128"}, "http://index.example/", True),
        ({"HTTP_PROXY": "http://p.example:3128"}, "http://index.example/", True),
        ({"HTTP_PROXY": "http://p.example:3128"}, "https://index.example/", False),
        ({"HTTP_PROXY": "http://p.example:3128", "REQUEST_METHOD": "GET"}, "http://index.example/", False),
        ({"ALL_PROXY": "http://p.example:3128"}, "https://index.example/", True),
        ({"ALL_PROXY": "http://p.example:3128"}, "https://127.0.0.1/", False),
        ({"ALL_PROXY": "http://p.example:3128", "NO_PROXY": "*"}, "https://index.example/", False),
        ({"ALL_PROXY": "http://p.example:3128", "NO_PROXY": "a, .example"}, "https://index.example/", False),
        ({"ALL_PROXY": "http://p.example:3128", "NO_PROXY": "ndex.example"}, "https://index.example/", True),
        (
            {"ALL_PROXY": "http://p.example:3128", "NO_PROXY": "index.example:444"},
            "https://index.example/",
            True,
        ),
        (
            {"ALL_PROXY": "http://p.example:3128", "NO_PROXY": "index.example:443"},
            "https://index.example/",
            False,
        ),
        ({"ALL_PROXY": "http://p.example:3128", "NO_PROXY": "10.0.0.0/8"}, "https://10.1.2.3/", False),
    ],
)
def test_proxies_are_those_of_the_environment(environ: dict[str, str], url: str, is_proxied: bool) -> None:
    assert (proxied(PipConfiguration(), url, **environ) is not None) is is_proxied


def test_without_the_environments_proxies_there_are_none() -> None:
    configuration = PipConfiguration(no_proxy_env=True)
    assert proxied(configuration, "https://index.example/", ALL_PROXY="http://p.example") is None
    assert tls_settings(configuration, {"REQUESTS_CA_BUNDLE": "r"}).bundle is None


def test_pips_proxy_counts_alone() -> None:
    configuration = PipConfiguration(proxy=parse_url("http://pip.example:1/"))
    assert (
        proxied(configuration, "https://index.example/", ALL_PROXY="http://p.example") == configuration.proxy
    )
    with pytest.raises(UsageError, match="all_proxy"):
        proxied(PipConfiguration(), "https://index.example/", ALL_PROXY="socks5://p.example")


def test_a_proxy_is_asked_with_its_own_login() -> None:
    with LocalIndex() as proxy:
        proxy.answer("/x", body("through"))
        url = parse_url(proxy.origin.replace("://", "://user:pass@"))
        transport = PooledTransport(NetworkSettings(proxies=Proxies((("http", url),)), limits=LIMITS))
        assert transport.get(Request(parse_url("http://index.example/x"))).read() == b"through"
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
        assert "authorization" not in proxy.requests[0].headers
        transport.close()


def test_a_proxy_that_is_not_there_is_told() -> None:
    with LocalIndex() as gone:
        url = parse_url(gone.origin)
    transport = PooledTransport(NetworkSettings(proxies=Proxies((("all", url),)), limits=LIMITS))
    for scheme in ("http", "https"):
        with pytest.raises(UnreachableError, match="the proxy"):
            transport.get(Request(parse_url(f"{scheme}://index.example/x")))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificates") / "both.pem"
    path.write_text(CERTIFICATE)
    return path


@contextmanager
def encrypted(answer: bytes, bundle: Path) -> Iterator[str]:
    """Answer every request over TLS with the same bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle)

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as wire:
                    wire.recv(65536)
                    wire.sendall(answer)
            except OSError:
                continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/x"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


def ask_encrypted(url: str, **settings: object) -> bytes:
    transport = PooledTransport(replace(NetworkSettings(limits=LIMITS), **settings))  # type: ignore[arg-type]  # any field
    try:
        return transport.get(Request(parse_url(url))).read()
    finally:
        transport.close()


def test_certificates_are_checked_unless_the_host_is_trusted(bundle: Path) -> None:
    with encrypted(HELLO, bundle) as url:
        with pytest.raises(UnreachableError, match="certificate"):
            ask_encrypted(url)
        assert ask_encrypted(url, tls=TlsSettings(bundle=str(bundle))) == b"hello"
        assert ask_encrypted(url, trusted_hosts=("127.0.0.1",)) == b"hello"
        with pytest.raises(UnreachableError, match="certificate"):
            ask_encrypted(url, trusted_hosts=("127.0.0.1:1",))


@pytest.mark.parametrize("location", [b"http://127.0.0.1/y", b"file:///etc/passwd"])
def test_https_never_falls_to_less(bundle: Path, location: bytes) -> None:
    answer = (
        b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    )
    with (
        encrypted(answer, bundle) as url,
        pytest.raises(UnreachableError, match=r"to http|to a file"),
    ):
        ask_encrypted(url, tls=TlsSettings(bundle=str(bundle)))


@pytest.mark.parametrize("field", ["bundle", "client_certificate", "system_file"])
def test_certificates_that_cannot_be_read_are_named(tmp_path: Path, field: str) -> None:
    (tmp_path / "junk.pem").write_text("junk")
    for name in ("none.pem", "junk.pem"):
        tls = TlsSettings(**{field: str(tmp_path / name)})  # type: ignore[arg-type]  # any field of text
        with pytest.raises(UsageError, match=name):
            ask_encrypted("https://127.0.0.1:1/", tls=tls)


@pytest.mark.parametrize(
    ("settings", "stall_seconds", "tries"),
    [
        ({}, 30.0, 3),
        ({"timeout": 3.5}, 3.5, 3),
        ({"timeout": 120.0, "retries": 0}, 120.0, 1),
        ({"timeout": 0.0, "retries": 2}, 900.0, 3),
        ({"timeout": 0.001, "retries": 1000}, 0.1, 11),
        ({"timeout": 1e9}, 900.0, 3),
    ],
    ids=str,
)
def test_patience_is_ours_unless_pips_is_configured(
    settings: dict[str, float], stall_seconds: float, tries: int
) -> None:
    configuration = PipConfiguration(
        timeout_seconds=settings.get("timeout", 15.0),
        retries=int(settings.get("retries", 5)),
        origins=tuple((name, "pip.conf [global]") for name in settings),
    )
    limits = limits_of(configuration)
    assert (limits.stall_seconds, limits.tries) == (stall_seconds, tries)
    assert limits.rate_window_seconds >= 10.0


def test_retries_that_are_configured_are_made(server: LocalIndex, tmp_path: Path) -> None:
    configuration = PipConfiguration(retries=1, origins=(("retries", "PIP_RETRIES"),))
    places = PipPlaces({}, tmp_path, tmp_path)
    transport = open_transport(configuration, (), places, TransportOptions("test"))
    server.answer("/x", Answer.of_status(503, retry_after="0"))
    with pytest.raises(UnreachableError, match="503"):
        transport.get(at(server))
    assert server.count("/x") == 2
    transport.close()


def test_uv_trusts_what_is_named_alone(bundle: Path, tmp_path: Path) -> None:
    def settings(**environ: str) -> TlsSettings:
        return tls_settings(PipConfiguration(), environ, reads_uv=True)

    assert settings() == TlsSettings()
    assert settings(SSL_CERT_DIR="d") == TlsSettings(None, None, None, "d", is_system_replaced=True)
    with encrypted(HELLO, bundle) as url:
        assert ask_encrypted(url, tls=settings(SSL_CERT_FILE=str(bundle))) == b"hello"
        with pytest.raises(UnreachableError, match="certificate"):
            ask_encrypted(url, tls=settings(SSL_CERT_DIR=str(tmp_path)))


def test_certificates_are_found_as_pip_does() -> None:
    environ = {"REQUESTS_CA_BUNDLE": "r", "CURL_CA_BUNDLE": "c", "SSL_CERT_FILE": "s", "SSL_CERT_DIR": "d"}
    assert tls_settings(PipConfiguration(), environ) == TlsSettings("r", None, "s", "d")
    assert tls_settings(PipConfiguration(), {"CURL_CA_BUNDLE": "c"}).bundle == "c"
    assert tls_settings(PipConfiguration(cert="p", client_cert="k"), environ) == TlsSettings(
        "p", "k", "s", "d"
    )
    assert tls_settings(PipConfiguration(proxy=parse_url("http://p.example")), environ).bundle is None


def test_a_transport_is_opened_at_the_first_request_only() -> None:
    url = parse_url("https://index.example/x")
    opened: list[FakeTransport] = []

    def open_fake() -> FakeTransport:
        opened.append(FakeTransport({str(url): (200, {}, b"b")}))
        return opened[-1]

    late = LateTransport(open_fake)
    assert opened == []
    assert [late.get(Request(url)).read() for _ in range(3)] == [b"b"] * 3
    assert len(opened) == 1


def test_a_transport_has_what_pip_is_configured_with(server: LocalIndex, tmp_path: Path) -> None:
    server.answer("/x", body("x"))
    login = parse_url(server.origin.replace("://", "://user:pass@"))
    transport = open_transport(
        PipConfiguration(),
        (login,),
        PipPlaces({}, tmp_path, tmp_path),
        TransportOptions("pytest-wheeltag/1"),
    )
    assert transport.get(at(server)).read() == b"x"
    headers = server.requests[0].headers
    assert (headers["user-agent"], headers["authorization"]) == ("pytest-wheeltag/1", "Basic dXNlcjpwYXNz")
    transport.close()


def test_the_fake_answers_as_servers_do() -> None:
    url = parse_url("https://index.example/x")
    fake = FakeTransport(
        {str(url): (200, {"Content-Type": "a"}, b"b"), "https://index.example/y": (500, {}, b"")}
    )
    with fake.get(Request(url)) as response:
        assert (response.status, response.headers, response.read()) == (200, {"content-type": "a"}, b"b")
    assert fake.get(Request(parse_url("https://index.example/z"))).status == 404
    with pytest.raises(UnreachableError, match="500"):
        fake.get(Request(parse_url("https://index.example/y")))
    assert len(fake.requests) == 3
