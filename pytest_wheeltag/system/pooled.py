"""Asking servers: redirects, tries and answers, over the connection pools."""

import email.utils
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NoReturn

import urllib3
from urllib3 import exceptions

from pytest_wheeltag.errors import UnreachableError, UsageError
from pytest_wheeltag.system.bodies import Body, Pace, let_go
from pytest_wheeltag.system.certificates import tls_settings
from pytest_wheeltag.system.connections import ConnectionPools, NetworkSettings
from pytest_wheeltag.system.credentials import collect_credentials
from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.pipfiles import PipPlaces
from pytest_wheeltag.system.proxies import find_proxies
from pytest_wheeltag.system.transport import GONE, NOT_FOUND, NOT_MODIFIED, OK, PARTIAL, Request, Response
from pytest_wheeltag.system.urls import Url

_ANSWERS = frozenset({OK, PARTIAL, NOT_MODIFIED, NOT_FOUND, GONE})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504, 520, 527})
_REMEDIES = {
    401: "give credentials in the URL or in netrc",
    403: "check the credentials for this index",
    407: "give credentials in the proxy's URL",
    429: "ask less often, or later",
}


def open_transport(
    configuration: PipConfiguration, urls: Iterable[Url], places: PipPlaces, *, user_agent: str
) -> "PooledTransport":
    """Open the transport with pip's proxies, certificates, trusted hosts and logins, and our own limits.

    ``urls`` are the configured addresses, which may hold logins. Raises ``UsageError`` for settings that
    cannot be used.
    """
    environ = places.environ
    settings = NetworkSettings(
        collect_credentials(urls, environ, places.home),
        find_proxies(configuration, environ, places.platform),
        tls_settings(configuration, environ),
        configuration.trusted_hosts,
        user_agent=user_agent,
    )
    return PooledTransport(settings)


class PooledTransport:
    """The transport that asks real servers; ``sleep`` waits between tries."""

    def __init__(self, settings: NetworkSettings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._limits = settings.limits
        self._sleep = sleep
        self._pools = ConnectionPools(settings)

    def close(self) -> None:
        """Close every connection."""
        self._pools.close()

    def get(self, request: Request) -> Response:
        """Ask, following redirects, as ``Transport`` says."""
        pace = Pace(request.url, self._limits)
        url = request.url
        for _ in range(self._limits.redirects + 1):
            raw = self._try(url, request, pace)
            if raw.status not in _REDIRECTS:
                return self._response(raw, request, url, pace)
            location = raw.headers.get("Location")
            let_go(raw, self._pools.watchdog)
            url = _redirect(url, location)
        problem = f"expected an answer, found too many redirects ({self._limits.redirects})"
        raise UnreachableError(str(request.url), problem)

    def _response(self, raw: urllib3.BaseHTTPResponse, request: Request, url: Url, pace: Pace) -> Response:
        headers = {name.lower(): value for name, value in raw.headers.items()}
        try:
            chunks = Body(raw, request, url).chunks(pace, self._pools.watchdog)
        except UnreachableError:
            let_go(raw, self._pools.watchdog)
            raise
        return Response(raw.status, url, headers, chunks, lambda: let_go(raw, self._pools.watchdog))

    def _try(self, url: Url, request: Request, pace: Pace) -> urllib3.BaseHTTPResponse:
        started = time.monotonic()
        for left in reversed(range(self._limits.tries)):
            pace.check_deadline()
            # What does not answer is asked again only while nothing was waited for long.
            is_last = not left or time.monotonic() - started > self._limits.stall_seconds / 2
            pause = self._limits.pause_seconds * 2 ** (self._limits.tries - left - 1)
            try:
                raw = self._pools.request(url, self._headers(url, request))
            except exceptions.HTTPError as error:
                if is_last or not _may_help_again(error):
                    raise _unreachable(url, error, self._limits.stall_seconds) from error
                self._sleep(pause)
                continue
            if raw.status in _ANSWERS or raw.status in _REDIRECTS:
                return raw
            let_go(raw, self._pools.watchdog)
            asked_to_wait = _retry_after(raw.headers.get("Retry-After"))
            wait = pause if asked_to_wait is None else asked_to_wait
            if not left or raw.status not in _TRY_AGAIN or wait > self._limits.retry_after_seconds:
                _refuse(url, raw.status, asked_to_wait)
            self._sleep(wait)
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _headers(self, url: Url, request: Request) -> dict[str, str]:
        headers = {
            "User-Agent": self._settings.user_agent,
            "Accept-Encoding": "gzip" if request.is_compressible else "identity",
            **dict(request.headers),
        }
        authorization = self._settings.credentials.authorization(url)
        if authorization is not None:
            headers["Authorization"] = authorization
        return headers


def _redirect(url: Url, location: str | None) -> Url:
    if not location:
        raise UnreachableError(str(url), "expected a redirect to say where to, found no Location")
    try:
        target = url.join(location)
    except UsageError as error:
        raise UnreachableError(str(url), "expected a redirect to http or https, found another") from error
    if target.scheme == "file":
        raise UnreachableError(str(url), "expected a redirect to http or https, found one to a file")
    if (url.scheme, target.scheme) == ("https", "http"):
        raise UnreachableError(str(url), "expected https all the way, found a redirect to http")
    # Credentials written in a redirect are the server's idea, not the user's.
    return replace(target, username=None, password=None) if target.origin != url.origin else target


def _may_help_again(error: exceptions.HTTPError) -> bool:
    cause = error.original_error if isinstance(error, exceptions.ProxyError) else error
    if isinstance(cause, exceptions.NameResolutionError) or _was_cut(error):
        return False
    return isinstance(cause, exceptions.NewConnectionError | exceptions.ProtocolError)


def _unreachable(url: Url, error: exceptions.HTTPError, seconds: float) -> UnreachableError:
    shown = str(url)
    if isinstance(error, exceptions.ProxyError):
        return UnreachableError(shown, "expected the proxy to answer, found it does not", "check the proxy")
    if isinstance(error, exceptions.NameResolutionError):
        return UnreachableError(shown, "expected the host to have an address, found none", "check its name")
    if isinstance(error, exceptions.SSLError):
        found = _certificate_problem(error)
        return UnreachableError(shown, f"expected a valid certificate, found {found}", "see pip's `cert`")
    # Before time-outs: in urllib3 it is one of them.
    if isinstance(error, exceptions.NewConnectionError):
        return UnreachableError(
            shown, "expected a connection, found it refused", "check that the server runs"
        )
    if isinstance(error, exceptions.TimeoutError) or _was_cut(error):
        return UnreachableError(shown, f"expected an answer within {seconds:g} s, found none")
    return UnreachableError(shown, f"expected an HTTP answer, found none ({type(error).__name__})")


def _was_cut(error: exceptions.HTTPError) -> bool:
    return any(isinstance(argument, TimeoutError) for argument in error.args)


def _certificate_problem(error: exceptions.SSLError) -> str:
    for argument in error.args:
        message = getattr(argument, "verify_message", None)
        if message:
            return str(message)
    return "none that can be used"


def _refuse(url: Url, status: int, asked_to_wait: float | None) -> NoReturn:
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    wait = "" if asked_to_wait is None else f", to be asked again after {asked_to_wait:.0f} s"
    remedy = _REMEDIES.get(
        status, "try again later" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "check the URL"
    )
    raise UnreachableError(str(url), f"expected a page or 404, found {phrase}{wait}", remedy, status=status)


def _retry_after(text: str | None) -> float | None:
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
