"""Which requests go through which proxy."""

import ipaddress
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.urls import Url, parse_url


@dataclass(frozen=True)
class Proxies:
    """The proxies by scheme, and the hosts that are asked without one; this machine always is."""

    by_scheme: tuple[tuple[str, Url], ...] = ()
    exceptions: tuple[str, ...] = ()

    def proxy_of(self, url: Url) -> Url | None:
        """Give the proxy for an address, None for none."""
        if url.is_local or any(_is_excepted(url, exception) for exception in self.exceptions):
            return None
        by_scheme = dict(self.by_scheme)
        return by_scheme.get(url.scheme) or by_scheme.get("all")


def find_proxies(configuration: PipConfiguration, environ: Mapping[str, str], platform: str) -> Proxies:
    """Find the proxies as pip does: its ``proxy``, else the environment, else what the system is set to.

    Raises ``UsageError`` for one whose address is no http or https URL.
    """
    if configuration.proxy is not None:
        return Proxies((("all", configuration.proxy),))
    if configuration.no_proxy_env:
        return Proxies()
    found = {scheme: _variable(environ, f"{scheme}_proxy") for scheme in ("http", "https", "all")}
    if "REQUEST_METHOD" in environ:
        # Under CGI a request's own header `Proxy:` arrives as HTTP_PROXY.
        found["http"] = environ.get("http_proxy")
    if platform in ("win32", "darwin") and not any(found.values()):
        found = {**found, **urllib.request.getproxies()}
    listed = (_variable(environ, "no_proxy") or "").replace(" ", "")
    parsed = ((scheme, _parse(scheme, text)) for scheme, text in found.items() if text)
    return Proxies(tuple(parsed), tuple(filter(None, listed.split(","))))


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name) or environ.get(name.upper())


def _parse(scheme: str, text: str) -> Url:
    return parse_url(text if "://" in text else f"http://{text}", setting=f"{scheme}_proxy")


def _is_excepted(url: Url, exception: str) -> bool:
    if exception == "*":
        return True
    host, _, port = exception.rpartition(":") if exception.count(":") == 1 else (exception, "", "")
    if port and port != str(url.origin[2]):
        return False
    name = (host or exception).lower().strip("[]").lstrip(".")
    return url.host == name or url.host.endswith(f".{name}") or _is_in_network(url.host, name)


def _is_in_network(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
