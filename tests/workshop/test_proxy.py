import http.client
from base64 import b64encode

import pytest

from pytest_wheeltag.workshop.answers import Answer, Request
from pytest_wheeltag.workshop.proxy import ForwardingProxy
from pytest_wheeltag.workshop.server import LoopbackServer


def echo(request: Request) -> Answer:
    told = request.headers.get("proxy-authorization", "no secrets")
    return Answer.of_text(f"{request.method} {request.path}, {told}").with_headers(X_Sample="1")


def ask(proxy: ForwardingProxy, url: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    try:
        connection.request("GET", url, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_it_forwards_to_the_port_where_a_host_answers() -> None:
    with LoopbackServer(echo) as server, ForwardingProxy({"index.example": server.port}) as proxy:
        assert ask(proxy, "http://index.example/a?b=c") == (200, b"GET /a?b=c, no secrets")
        assert ask(proxy, "http://index.example:8080") == (200, b"GET /, no secrets")
        assert ask(proxy, "http://other.example/")[0] == 502
        assert [request.status for request in proxy.requests] == [200, 200, 502]


def test_a_host_that_is_gone_is_a_bad_gateway() -> None:
    with LoopbackServer(echo) as server:
        port = server.port
    with ForwardingProxy({"index.example": port}) as proxy:
        assert ask(proxy, "http://index.example/")[0] == 502


def test_it_asks_for_a_login_of_its_own_and_keeps_it() -> None:
    token = b64encode(b"user:s3cr3t").decode()
    with (
        LoopbackServer(echo) as server,
        ForwardingProxy({"index.example": server.port}, ("user", "s3cr3t")) as proxy,
    ):
        assert ask(proxy, "http://index.example/")[0] == 407
        known = {"Proxy-Authorization": f"Basic {token}"}
        assert ask(proxy, "http://index.example/", **known) == (200, b"GET /, no secrets")


def test_a_tunnel_carries_one_conversation() -> None:
    with LoopbackServer(echo) as server, ForwardingProxy({"index.example": server.port}) as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        connection.set_tunnel("index.example", 443)
        for path in ("/a", "/b"):
            connection.request("GET", path)
            assert connection.getresponse().read() == f"GET {path}, no secrets".encode()
        connection.close()
        assert [request.method for request in proxy.requests] == ["CONNECT"]
        assert [request.path for request in server.requests] == ["/a", "/b"]


def test_no_tunnel_leads_to_a_host_that_is_not_known() -> None:
    with ForwardingProxy({}) as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        connection.set_tunnel("index.example", 443)
        with pytest.raises(OSError, match="502"):
            connection.request("GET", "/")
        connection.close()
