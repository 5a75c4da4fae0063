"""Asking servers: redirects, tries and answers, over the connection pools."""

import email.utils
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import urllib3
from urllib3 import exceptions

from pytest_wheeltag.errors import UnreachableError, UsageError
from pytest_wheeltag.system.bodies import Body, Pace, let_go
from pytest_wheeltag.system.certificates import tls_settings
from pytest_wheeltag.system.connections import ConnectionPools, NetworkSettings
from pytest_wheeltag.system.credentials import Login, LoginBook, collect_credentials
from pytest_wheeltag.system.keyrings import open_keyring
from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.pipfiles import PipPlaces
from pytest_wheeltag.system.proxies import find_proxies
from pytest_wheeltag.system.refusals import connection_failure, may_help_again, status_failure
from pytest_wheeltag.system.transport import (
    GONE,
    NOT_FOUND,
    NOT_MODIFIED,
    OK,
    PARTIAL,
    Request,
    Response,
    TransportLimits,
)
from pytest_wheeltag.system.urls import Url

_ANSWERS = frozenset({OK, PARTIAL, NOT_MODIFIED, NOT_FOUND, GONE})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504, 520, 527})
_UNAUTHORIZED = 401
# A setting of pip's may make us more patient, but not for ever, and hasty, but not hopeless.
_SHORTEST_STALL_SECONDS = 0.1
_MOST_RETRIES = 10
_LONGEST_PAUSE_SECONDS = 10.0


@dataclass(frozen=True)
class TransportOptions:
    """What of the user's settings is not pip's: our name, and whether uv's reading of the environment counts."""

    user_agent: str
    reads_uv: bool = False


def open_transport(
    configuration: PipConfiguration, urls: Iterable[Url], places: PipPlaces, options: TransportOptions
) -> "PooledTransport":
    """Open the transport with pip's proxies, certificates, trusted hosts, logins, keyring and patience.

    ``urls`` are the configured addresses, which may hold logins. Raises ``UsageError`` for settings that
    cannot be used.
    """
    environ = places.environ
    # pip asks a keyring that was not chosen only where it might ask a person too.
    provider = configuration.keyring_provider
    keyring = None if configuration.no_input and provider == "auto" else open_keyring(provider, environ)
    settings = NetworkSettings(
        collect_credentials(urls, environ, places.home, keyring=keyring),
        find_proxies(configuration, environ, places.platform),
        tls_settings(configuration, environ, reads_uv=options.reads_uv),
        configuration.trusted_hosts,
        limits_of(configuration),
        user_agent=options.user_agent,
    )
    return PooledTransport(settings)


def limits_of(configuration: PipConfiguration) -> TransportLimits:
    """Give our own limits, with the user's ``timeout`` and ``retries`` where those are set.

    0 as ``timeout`` stands for none with pip: then only the limit on the whole answer counts.
    """
    limits = TransportLimits()
    configured = dict(configuration.origins)
    if "timeout" in configured or "default-timeout" in configured:
        asked = configuration.timeout_seconds or limits.total_seconds
        stall = min(max(asked, _SHORTEST_STALL_SECONDS), limits.total_seconds)
        # Whoever allows a long silence would not be told off for a short one.
        limits = replace(
            limits, stall_seconds=stall, rate_window_seconds=max(limits.rate_window_seconds, stall)
        )
    if "retries" in configured:
        limits = replace(limits, tries=min(configuration.retries, _MOST_RETRIES) + 1)
    return limits


class PooledTransport:
    """The transport that asks real servers; ``sleep`` waits between tries."""

    def __init__(self, settings: NetworkSettings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._limits = settings.limits
        self._sleep = sleep
        self._pools = ConnectionPools(settings)
        self._book = LoginBook(settings.credentials)

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
            pause = min(pause, _LONGEST_PAUSE_SECONDS)
            try:
                raw, tried = self._ask(url, request)
            except exceptions.HTTPError as error:
                if is_last or not may_help_again(error):
                    raise connection_failure(url, error, self._limits.stall_seconds) from error
                self._sleep(pause)
                continue
            if raw.status in _ANSWERS or raw.status in _REDIRECTS:
                return raw
            let_go(raw, self._pools.watchdog)
            asked_to_wait = _retry_after(raw.headers.get("Retry-After"))
            wait = pause if asked_to_wait is None else asked_to_wait
            if not left or raw.status not in _TRY_AGAIN or wait > self._limits.retry_after_seconds:
                remedy = self._book.remedy(url, tried) if raw.status == _UNAUTHORIZED else None
                raise status_failure(url, raw.status, asked_to_wait, remedy)
            self._sleep(wait)
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _ask(self, url: Url, request: Request) -> tuple[urllib3.BaseHTTPResponse, Sequence[Login | None]]:
        """Ask once with each login that may help, and give the answer with what was tried."""
        logins = self._book.logins(url)
        tried = [next(logins)]
        raw = self._pools.request(url, self._headers(request, tried[-1]))
        # Only a refusal has the next one looked up: that may be the keyring's.
        while raw.status == _UNAUTHORIZED and (login := next(logins, None)) is not None:
            let_go(raw, self._pools.watchdog)
            tried.append(login)
            raw = self._pools.request(url, self._headers(request, login))
        return raw, tried

    def _headers(self, request: Request, login: Login | None) -> dict[str, str]:
        headers = {
            "User-Agent": self._settings.user_agent,
            "Accept-Encoding": "gzip" if request.is_compressible else "identity",
            **dict(request.headers),
        }
        if login is not None:
            headers["Authorization"] = login.authorization
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
