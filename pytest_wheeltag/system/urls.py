"""Addresses of indexes and files, which never show the credentials that they hold."""

import ipaddress
import re
import sys
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.errors import UsageError

Origin = tuple[str, str, int]

_DEFAULT_PORTS = {"http": 80, "https": 443, "file": 0}
_SCHEMES = frozenset(_DEFAULT_PORTS)
_EXPECTED = "a URL with the scheme `https`, `http` or `file`"
# Two letters or more: `C:` is a drive.
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True)
class Url:
    """An absolute http, https or file address; ``str()`` and ``repr()`` show neither credentials nor query.

    ``host`` is in lower case and in ASCII, ``port`` None for the scheme's own, ``path`` quoted as it came.
    """

    scheme: str
    host: str
    path: str
    port: int | None = None
    query: str = field(default="", repr=False)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"

    @property
    def netloc(self) -> str:
        """Host and port, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @cached_property
    def target(self) -> str:
        """What is asked for: all but the credentials; the query may be a secret of its own."""
        return f"{self}?{self.query}" if self.query else str(self)

    @property
    def secret(self) -> str:
        """All of it, credentials included: never to be shown or kept."""
        if self.username is None:
            return self.target
        password = "" if self.password is None else f":{quote(self.password, safe='')}"
        return self.target.replace("://", f"://{quote(self.username, safe='')}{password}@", 1)

    @property
    def origin(self) -> Origin:
        """What credentials are bound to: scheme, host and port."""
        return self.scheme, self.host, self.port or _DEFAULT_PORTS[self.scheme]

    @cached_property
    def is_loopback(self) -> bool:
        """Whether it leads to this machine over the network."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_local(self) -> bool:
        """Whether it leads to this machine at all: such answers are never cached."""
        return self.scheme == "file" or self.is_loopback

    @property
    def file_path(self) -> Path:
        """The path that a file address names."""
        text = unquote(self.path)
        if sys.platform == "win32":
            return Path(f"//{self.host}{text}" if self.host else text.lstrip("/"))
        return Path(text)

    def child(self, name: str) -> "Url":
        """Give the folder ``name`` below this address, with a slash at its end."""
        return replace(self, path=f"{self.path.rstrip('/')}/{quote(name, safe='')}/")

    def join(self, link: str) -> "Url":
        """Resolve a link found there; credentials stay only within the origin. Raises ``UsageError``."""
        joined = parse_url(urljoin(self.target, link), setting="a link")
        if joined.username is None and joined.origin == self.origin:
            return replace(joined, username=self.username, password=self.password)
        return joined


def parse_url(text: str, *, setting: str = "index URL") -> Url:
    """Parse an absolute address; raises ``UsageError``, which names ``setting`` and shows no credentials."""
    stripped = text.strip()
    try:
        return _parse(stripped)
    except ValueError as error:
        raise UsageError(setting, shown_address(stripped), _EXPECTED) from error


def parse_location(text: str, *, home: Path, folder: Path, setting: str) -> Url:
    """Parse what may be an address or a path, the latter relative to ``folder``, ``~`` being ``home``."""
    stripped = text.strip()
    if _HAS_SCHEME.match(stripped):
        return parse_url(stripped, setting=setting)
    if stripped == "~" or stripped.startswith(("~/", "~\\")):
        stripped = f"{home}{stripped[1:]}"
    return parse_url((folder / stripped).absolute().as_uri(), setting=setting)


def _parse(text: str) -> Url:
    if _CONTROL.search(text.replace(" ", "")):
        raise ValueError(text)
    parts = urlsplit(text)
    if parts.scheme not in _SCHEMES or (parts.scheme != "file" and not parts.hostname):
        raise ValueError(text)
    host = "" if parts.scheme == "file" and parts.hostname == "localhost" else parts.hostname or ""
    if parts.scheme == "file" and not parts.path.startswith("/"):
        raise ValueError(text)
    return Url(
        parts.scheme,
        host if host.isascii() else host.encode("idna").decode(),
        quote(parts.path, safe="/%:=&+$,;@!*'()~") or "/",
        parts.port,
        quote(parts.query, safe="/%:=&+$,;@!*'()~?[]"),
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
    )
