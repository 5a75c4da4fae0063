"""Which credentials go to which server: each stays with its origin."""

import base64
import netrc
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pytest_wheeltag.system.urls import Url

_URL = "the URL"
_NETRC = "netrc"
_KEYRING = "keyring"


@dataclass(frozen=True)
class Login:
    """A user name with its password, neither of which ``repr()`` shows, and where they come from."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    source: str = _URL

    @property
    def authorization(self) -> str:
        """The value of a header for user name and password (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class KeyringAnswer:
    """What a keyring said: a login, nothing, or in one clause why it could not be asked."""

    login: Login | None = None
    problem: str = ""


class Keyring(Protocol):
    """Wherever passwords are kept that nobody writes into a setting."""

    def ask(self, service: str, username: str | None) -> KeyringAnswer:
        """Ask for the login of a service, which is an address or a host with its port; never interactive."""
        ...


@dataclass(frozen=True)
class Credentials:
    """What may hold a login: the configured addresses, netrc by host, and a keyring where there is one."""

    addresses: tuple[Url, ...] = ()
    hosts: Mapping[str, Login] = field(default_factory=dict, repr=False)
    keyring: Keyring | None = None

    def near(self, url: Url) -> tuple[Url, ...]:
        """Give the configured addresses of the origin whose path is nearest, several where they are equally near."""
        return _nearest((each for each in self.addresses if each.origin == url.origin), url)

    def written(self, url: Url) -> tuple[Login, ...]:
        """Give the logins for an address that are written down, those to be tried first in front.

        As with pip, user name and password of an index go before netrc, and netrc before a user name alone.
        """
        named = [each for each in self.addresses if each.origin == url.origin and each.username is not None]
        near = (url,) if url.username is not None else _nearest(named, url)
        logins = tuple(Login(each.username or "", each.password or "") for each in near)
        if any(each.password is not None for each in near):
            return logins
        return (self.hosts[url.host],) if url.host in self.hosts else logins


def collect_credentials(
    urls: Iterable[Url], environ: Mapping[str, str], home: Path, *, keyring: Keyring | None = None
) -> Credentials:
    """Collect the configured addresses and what netrc holds.

    ``NETRC`` names another file than ``~/.netrc``; one that cannot be read or parsed counts as none.
    """
    return Credentials(tuple(dict.fromkeys(urls)), _read_netrc(environ, home), keyring)


class LoginBook:
    """The logins to try for each request; it remembers what the keyring told, for use from several threads."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._answers: dict[Url, Login | None] = {}
        self._problem = ""

    def logins(self, url: Url) -> Iterator[Login | None]:
        """Give what to try, one after the other: the next only once the one before was refused (401).

        None, no login at all, comes first or not at all. The keyring is asked when its turn comes, once for
        each configured address that has no password of its own, and never for another origin.
        """
        near = self._credentials.near(url)
        tried: list[Login | None] = []
        for login in self._remembered(near) or self._credentials.written(url) or (None,):
            if login not in tried:
                tried.append(login)
                yield login
        for address in near if url.password is None else ():
            login = self._ask(address)
            if login is not None and login not in tried:
                tried.append(login)
                yield login

    def remedy(self, url: Url, tried: Sequence[Login | None]) -> str:
        """Say what to do where all that was tried is refused."""
        last = tried[-1] if tried else None
        if last is None and self._credentials.addresses and not self._credentials.near(url):
            advice = (
                "no credentials for this host: those of an index stay with its origin, netrc can hold others"
            )
        elif last is None:
            advice = "give credentials in the URL, in netrc or in keyring"
        elif not last.password:
            advice = "the user name alone is refused, give its password in the URL, in netrc or in keyring"
        else:
            advice = f"user name and password from {last.source} are refused, correct them there"
        return f"{advice} (keyring was asked in vain: {self._problem})" if self._problem else advice

    def _remembered(self, near: Iterable[Url]) -> tuple[Login, ...]:
        with self._lock:
            return tuple(filter(None, (self._answers.get(address) for address in near)))

    def _ask(self, address: Url) -> Login | None:
        # An address with a password is a decision: the keyring does not overrule it.
        if address.password is not None:
            return None
        with self._lock:
            if address not in self._answers:
                self._answers[address] = self._ask_keyring(address)
            return self._answers[address]

    def _ask_keyring(self, address: Url) -> Login | None:
        whole = f"{str(address).rstrip('/')}/"
        for service in (whole, address.netloc):
            # What failed or hung once is not asked again.
            if self._credentials.keyring is None or self._problem:
                return None
            answer = self._credentials.keyring.ask(service, address.username)
            self._problem = answer.problem
            if answer.login is not None:
                return Login(answer.login.username, answer.login.password, _KEYRING)
        return None


def _read_netrc(environ: Mapping[str, str], home: Path) -> dict[str, Login]:
    named = environ.get("NETRC")
    for path in (Path(named),) if named else (home / ".netrc", home / "_netrc"):
        if not path.is_file():
            continue
        try:
            entries = netrc.netrc(str(path)).hosts
        except (OSError, UnicodeDecodeError, netrc.NetrcParseError):
            return {}
        # `default` would send a password to every server there is: pip and curl do, we do not.
        return {
            host: Login(login or account, password, _NETRC)
            for host, (login, account, password) in entries.items()
            if host != "default"
        }
    return {}


def _nearest(addresses: Iterable[Url], url: Url) -> tuple[Url, ...]:
    # Of two indexes on one server the one whose path is nearest.
    lengths = {address: _common_length(address.path, url.path) for address in addresses}
    longest = max(lengths.values(), default=0)
    return tuple(address for address, length in lengths.items() if length == longest)


def _common_length(one: str, other: str) -> int:
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    length = 0
    for left, right in pairs:
        if left != right:
            break
        length += 1
    return length
