"""A forwarding proxy on loopback: it alone knows where hosts are that no name service has heard of."""

import http.client
from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from pytest_wheeltag.workshop.answers import Answer, Request
from pytest_wheeltag.workshop.server import LoopbackServer, Tunnel

_SECONDS = 60.0
# For the connection, not for the answer (RFC 9110 7.6.1); the length is told anew.
_HOP_HEADERS = frozenset(
    {"connection", "content-length", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}
)


class ForwardingProxy(LoopbackServer):
    """An HTTP proxy on 127.0.0.1, for use in a ``with`` block: it forwards requests, and tunnels for CONNECT.

    ``hosts`` says on which port of this machine a host answers, whatever port the client means; every other host
    is 502. ``credentials`` are the user and password that it asks for.
    """

    def __init__(self, hosts: Mapping[str, int], credentials: tuple[str, str] | None = None) -> None:
        super().__init__(self._choose_answer)
        self._hosts = dict(hosts)
        self._credentials = credentials

    def _choose_answer(self, request: Request) -> Answer:
        if not self._is_authorized(request):
            challenge = Answer.of_status(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)
            return challenge.with_headers(Proxy_Authenticate='Basic realm="pytest-wheeltag proxy"')
        is_tunnel = request.method == "CONNECT"
        address = urlsplit(f"//{request.path}" if is_tunnel else request.path)
        port = self._hosts.get(address.hostname or "")
        if port is None:
            return Answer.of_status(HTTPStatus.BAD_GATEWAY)
        return Tunnel(port=port) if is_tunnel else _forward(request, port)

    def _is_authorized(self, request: Request) -> bool:
        if self._credentials is None:
            return True
        token = b64encode(":".join(self._credentials).encode()).decode()
        return request.headers.get("proxy-authorization") == f"Basic {token}"


def _forward(request: Request, port: int) -> Answer:
    target = urlsplit(request.path)
    path = target._replace(scheme="", netloc="").geturl() or "/"
    sent = {name: value for name, value in request.headers.items() if not name.startswith("proxy-")}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request(request.method, path, headers={**sent, "connection": "close"})
        response = connection.getresponse()
        headers = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_HEADERS}
        return Answer(response.status, headers, response.read())
    except (OSError, http.client.HTTPException):
        return Answer.of_status(HTTPStatus.BAD_GATEWAY)
    finally:
        connection.close()
