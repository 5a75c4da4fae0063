"""The transport over urllib3: few connections, kept open, none of them waited for without end."""

import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pytest_wheeltag.system.certificates import TlsSettings, trusting_context, verifying_context
from pytest_wheeltag.system.credentials import Credentials, Login
from pytest_wheeltag.system.proxies import Proxies
from pytest_wheeltag.system.transport import TransportLimits
from pytest_wheeltag.system.urls import Url
from pytest_wheeltag.system.watchdog import Watchdog


@dataclass(frozen=True)
class NetworkSettings:
    """How servers are reached: logins, proxies, certificates, hosts trusted without proof, limits, our name."""

    credentials: Credentials = field(default_factory=Credentials)
    proxies: Proxies = field(default_factory=Proxies)
    tls: TlsSettings = field(default_factory=TlsSettings)
    trusted_hosts: tuple[str, ...] = ()
    limits: TransportLimits = field(default_factory=TransportLimits)
    user_agent: str = "pytest-wheeltag"

    def is_trusted(self, url: Url) -> bool:
        """Whether the host is one of pip's ``trusted-host``, with its port where one is given."""
        names = {url.host, f"{url.host}:{url.origin[2]}", url.netloc}
        return any(host.lower() in names for host in self.trusted_hosts)


class WatchedConnection(HTTPConnection):
    """A connection on which neither connecting nor the header of an answer may take for ever."""

    dog: Watchdog
    _kept: socket.socket | None = None

    @property
    def wire(self) -> socket.socket | None:
        """The socket; the connection itself forgets it where the server will close it after the answer."""
        return self.sock or self._kept

    def connect(self) -> None:
        """Connect; raises ``TimeoutError`` where that takes too long."""
        with self.dog.guard(self):
            super().connect()
        # Otherwise urllib3 warns of hosts that the user said are to be trusted.
        self.is_verified = True
        self._kept = self.sock

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as in urllib3 itself
        """Read the header of the answer; raises ``TimeoutError`` where that takes too long."""
        with self.dog.guard(self):
            return super().getresponse()


class ConnectionPools:
    """The open connections, by proxy and by trust."""

    def __init__(self, settings: NetworkSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._pools: dict[tuple[Url | None, bool], urllib3.PoolManager] = {}
        self.watchdog = Watchdog(settings.limits.stall_seconds)

    def request(self, url: Url, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Send a GET request and give what comes back, header only; raises urllib3's errors."""
        stall_seconds = self._settings.limits.stall_seconds
        return self._pool(url).request(
            "GET",
            url.target,
            headers=dict(headers),
            preload_content=False,
            decode_content=False,
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(connect=stall_seconds, read=stall_seconds),
        )

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()
            self._pools.clear()

    def _pool(self, url: Url) -> urllib3.PoolManager:
        key = self._settings.proxies.proxy_of(url), self._settings.is_trusted(url)
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._open(*key)
            return self._pools[key]

    def _open(self, proxy: Url | None, is_trusted: bool) -> urllib3.PoolManager:  # noqa: FBT001 - a key's two parts
        tls = self._settings.tls
        context = trusting_context(tls) if is_trusted else verifying_context(tls)
        manager = self._manager(proxy, context)
        manager.pool_classes_by_scheme = _watched_pools(self.watchdog)
        return manager

    def _manager(self, proxy: Url | None, context: ssl.SSLContext) -> urllib3.PoolManager:
        count = self._settings.limits.connections
        if proxy is None:
            return urllib3.PoolManager(maxsize=count, block=True, ssl_context=context)
        headers = {}
        if proxy.username is not None:
            headers["Proxy-Authorization"] = Login(proxy.username, proxy.password or "").authorization
        return urllib3.ProxyManager(
            proxy.target,
            proxy_headers=headers,
            proxy_ssl_context=verifying_context(self._settings.tls),
            maxsize=count,
            block=True,
            ssl_context=context,
        )


def _watched_pools(watchdog: Watchdog) -> dict[str, type[HTTPConnectionPool]]:
    class PlainConnection(WatchedConnection):
        dog = watchdog

    class EncryptedConnection(WatchedConnection, HTTPSConnection):
        dog = watchdog

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = EncryptedConnection

    return {"http": PlainPool, "https": EncryptedPool}
