"""Which credentials go to which server: each stays with its origin."""

import base64
import netrc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_wheeltag.system.urls import Origin, Url

Login = tuple[str, str]
Keyring = Callable[[Url], Login | None]


@dataclass(frozen=True)
class Credentials:
    """The logins of the configured addresses, of netrc, and of a keyring where one is given.

    ``logins`` pair an origin and a path below which a login counts with that login; the keyring is asked
    last, and only for addresses below a configured one.
    """

    logins: tuple[tuple[Origin, str, Login], ...] = field(default=(), repr=False)
    hosts: Mapping[str, Login] = field(default_factory=dict, repr=False)
    keyring: Keyring | None = None

    def authorization(self, url: Url) -> str | None:
        """Give the value of the ``Authorization`` header for an address, None for none (RFC 7617)."""
        login = self._login(url)
        return None if login is None else basic_authorization(login)

    def _login(self, url: Url) -> Login | None:
        if url.username is not None:
            return url.username, url.password or ""
        known = [entry for entry in self.logins if entry[0] == url.origin]
        if known:
            # Of two indexes on one server the one whose path is nearest.
            return max(known, key=lambda entry: _common_length(entry[1], url.path))[2]
        if url.host in self.hosts:
            return self.hosts[url.host]
        return self.keyring(url) if self.keyring is not None else None


def collect_credentials(
    urls: Iterable[Url], environ: Mapping[str, str], home: Path, *, keyring: Keyring | None = None
) -> Credentials:
    """Collect the logins that the configured addresses and netrc hold.

    ``NETRC`` names another file than ``~/.netrc``; one that cannot be read or parsed counts as none.
    """
    logins = tuple(
        (url.origin, url.path, (url.username, url.password or "")) for url in urls if url.username is not None
    )
    return Credentials(logins, _read_netrc(environ, home), keyring)


def basic_authorization(login: Login) -> str:
    """Give the value of a header for user name and password (RFC 7617)."""
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()


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
            host: (login or account, password)
            for host, (login, account, password) in entries.items()
            if host != "default"
        }
    return {}


def _common_length(one: str, other: str) -> int:
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    length = 0
    for left, right in pairs:
        if left != right:
            break
        length += 1
    return length
