"""What went wrong with asking a server, as errors: no connection, no certificate, a status that is no answer."""

import re
from http import HTTPStatus

from urllib3 import exceptions

from pytest_wheeltag.errors import UnreachableError
from pytest_wheeltag.system.urls import Url

_REMEDIES = {
    403: "check the credentials for this index",
    407: "give credentials in the proxy's URL",
    429: "ask less often, or later",
}
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (?P<status>\d{3})", re.ASCII)


def may_help_again(error: exceptions.HTTPError) -> bool:
    """Tell whether what failed so may succeed when it is tried again at once."""
    cause = error.original_error if isinstance(error, exceptions.ProxyError) else error
    if isinstance(cause, exceptions.NameResolutionError) or _was_cut(error):
        return False
    return isinstance(cause, exceptions.NewConnectionError | exceptions.ProtocolError)


def connection_failure(url: Url, error: exceptions.HTTPError, seconds: float) -> UnreachableError:
    """Give the error for a request without an answer; ``seconds`` is how long one was waited for."""
    shown = str(url)
    if isinstance(error, exceptions.ProxyError):
        return _proxy_failure(shown, error)
    if isinstance(error, exceptions.SSLError):
        return _certificate_failure(shown, error)
    if isinstance(error, exceptions.NameResolutionError):
        return UnreachableError(shown, "expected the host to have an address, found none", "check its name")
    # Before time-outs: in urllib3 it is one of them.
    if isinstance(error, exceptions.NewConnectionError):
        return UnreachableError(
            shown, "expected a connection, found it refused", "check that the server runs"
        )
    if isinstance(error, exceptions.TimeoutError) or _was_cut(error):
        return UnreachableError(shown, f"expected an answer within {seconds:g} s, found none")
    return UnreachableError(shown, f"expected an HTTP answer, found none ({type(error).__name__})")


def status_failure(
    url: Url, status: int, asked_to_wait: float | None, remedy: str | None
) -> UnreachableError:
    """Give the error for a status that is no answer; ``remedy`` None for what usually helps."""
    wait = "" if asked_to_wait is None else f", to be asked again after {asked_to_wait:.0f} s"
    usual = "try again later" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "check the URL"
    problem = f"expected a page or 404, found {_phrase(status)}{wait}"
    return UnreachableError(str(url), problem, remedy or _REMEDIES.get(status, usual), status=status)


def _proxy_failure(shown: str, error: exceptions.ProxyError) -> UnreachableError:
    refused = _TUNNEL_REFUSED.match(str(error.original_error))
    if refused is None:
        return UnreachableError(shown, "expected the proxy to answer, found it does not", "check the proxy")
    status = int(refused["status"])
    problem = f"expected the proxy to let us through, found {_phrase(status)}"
    return UnreachableError(shown, problem, _REMEDIES.get(status, "check the proxy"), status=status)


def _certificate_failure(shown: str, error: exceptions.SSLError) -> UnreachableError:
    for message in filter(None, (getattr(cause, "verify_message", None) for cause in error.args)):
        return UnreachableError(shown, f"expected a valid certificate, found {message}", "see pip's `cert`")
    reason = next(filter(None, (getattr(cause, "reason", None) for cause in error.args)), "no reason told")
    if "CERTIFICATE_REQUIRED" in reason:
        problem = "expected a server that asks for no certificate of ours, found it does"
        return UnreachableError(shown, problem, "see pip's `client-cert`")
    problem = f"expected an encrypted connection, found it fail ({reason})"
    return UnreachableError(shown, problem, "see pip's `cert` and `client-cert`")


def _was_cut(error: exceptions.HTTPError) -> bool:
    return any(isinstance(argument, TimeoutError) for argument in error.args)


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
