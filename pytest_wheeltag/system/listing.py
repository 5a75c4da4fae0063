"""What a page lists, link by link, before anything of it is believed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from packaging.utils import NormalizedName

from pytest_wheeltag.core.hashes import Hashes, is_digest
from pytest_wheeltag.system.urls import Url

_UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")
_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/", re.ASCII)
_HTTP_SCHEMES = frozenset({"http", "https"})
_SHOWN_CHARACTERS = 120


class Listed(NamedTuple):
    """A link with what a page says of its file; ``url`` may be relative.

    ``filename`` is None where only the address tells it (HTML); ``yanked`` is None, or the reason;
    ``metadata`` is None where there is no metadata file, empty where its hash is not told.
    """

    url: str
    filename: str | None = None
    hashes: Hashes = ()
    requires_python: str | None = None
    yanked: str | None = None
    size: int | None = None
    upload_time: str | None = None
    metadata: Hashes | None = None


@dataclass(frozen=True)
class Listing:
    """All that a page says: its links, and what holds for the project.

    ``status`` is the project's (PEP 792) with its reason; ``name`` the project's name where the page tells.
    """

    links: Iterator[Listed]
    facts: "PageFacts"


@dataclass
class PageFacts:
    """What a page says beside its links: filled in while the links are read."""

    base: str
    name: str | None = None
    status: str = "active"
    status_reason: str = ""


class UnlistedError(ValueError):
    """A link is left out; ``reason`` is the same for all links of its kind."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)


class NotAPageError(ValueError):
    """What arrived is no page: what was expected, and what was found where."""

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Place:
    """Where links are read: the page, and the project that it is about; None: of any project (find-links)."""

    url: Url
    name: NormalizedName | None = None
    is_encrypted: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_encrypted", self.url.scheme == "https")

    def resolve(self, link: Listed, base: str) -> Listed:
        """Give the link with absolute address, file name and clean hashes; raises ``UnlistedError``.

        The name is empty where the link leads to no file at all, as to the folder above.
        """
        if not link.url:
            raise UnlistedError(reason="its entry has no name or no address")
        url = self._absolute(link.url, base)
        filename = link.filename
        if filename is None or not url.endswith("/" + filename) or "?" in url:
            filename = _agreed_filename(filename, url)
        if _UNSAFE_NAME.search(filename) or filename in (".", ".."):
            raise UnlistedError(reason="its name is no plain file name")
        hashes = clean_hashes(link.hashes)
        if self.is_encrypted and url.startswith("http:") and "sha256" not in dict(hashes):
            raise UnlistedError(reason="an https page leads to http, and tells no hash")
        return link._replace(url=url, filename=filename, hashes=hashes)

    def _absolute(self, url: str, base: str) -> str:
        # Joining takes longer than all the rest, and most addresses need none.
        if not _PLAIN_ADDRESS.match(url):
            url = _joined(base, url)
        authority = url.split("/", 3)[2]
        if "@" in authority:
            # The credentials of a page are nobody's that the user named.
            url = url.replace(authority, authority.rpartition("@")[2], 1)
        if url.startswith("file:") and self.url.scheme != "file":
            raise UnlistedError(reason="a page of a server leads to a file of this machine")
        return url.partition("#")[0]


def clean_hashes(hashes: Hashes) -> Hashes:
    """Give the hashes in lower case; raises ``UnlistedError`` where one is no digest of its algorithm."""
    if not hashes:
        return hashes
    clean = {algorithm.lower(): digest.lower() for algorithm, digest in hashes}
    for algorithm, digest in clean.items():
        if not is_digest(algorithm, digest):
            raise UnlistedError(reason=f"its {shown(algorithm)} is no digest in hexadecimal")
    return tuple(clean.items())


def shown(text: str) -> str:
    """Give foreign text as it may be printed: escaped, and not at any length."""
    escaped = text.encode("unicode_escape").decode()
    return escaped if len(escaped) <= _SHOWN_CHARACTERS else escaped[:_SHOWN_CHARACTERS] + "…"


def _joined(base: str, url: str) -> str:
    try:
        joined = urljoin(base, url.strip())
        parts = urlsplit(joined)
    except ValueError:
        raise UnlistedError(reason="its address cannot be read") from None
    if parts.scheme == "file":
        return f"file://{parts.path}"
    if parts.scheme not in _HTTP_SCHEMES or not parts.hostname:
        raise UnlistedError(reason="its address is none of http, https or file")
    return joined


def _agreed_filename(filename: str | None, url: str) -> str:
    basename = unquote(urlsplit(url).path.rpartition("/")[2])
    if filename is None or filename == basename:
        return basename
    if _UNSAFE_NAME.search(filename):
        raise UnlistedError(reason="its name is no plain file name")
    raise UnlistedError(reason="its name and the end of its address differ, and tools disagree which counts")
