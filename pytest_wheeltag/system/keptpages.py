"""Pages of indexes on disk, with how long they are good for."""

import email.utils
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import NormalizedName

from pytest_wheeltag.system.pages import DamagedPageError, Page, parse_kept_page
from pytest_wheeltag.system.urls import Url

# What the public index says of its own pages; others often say nothing at all.
DEFAULT_MAX_AGE_SECONDS = 600
# Rows are shorter than what was downloaded, but escapes may be longer.
MAX_KEPT_BYTES = 200_000_000
_MAGIC = b"wheeltag page 1 "


@dataclass(frozen=True)
class Stamp:
    """When a page was downloaded or found unchanged, and for how long it is good without asking (RFC 9111).

    ``fetched`` in seconds since 1970; ``is_storable`` is false where the server forbids to keep it.
    """

    fetched: float
    max_age_seconds: int = DEFAULT_MAX_AGE_SECONDS
    etag: str | None = None
    last_modified: str | None = None
    is_storable: bool = True

    def is_fresh(self, now: float) -> bool:
        """Whether the page is good without asking; never where the clock was set back."""
        return 0 <= now - self.fetched < self.max_age_seconds

    @property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """The headers that ask for a page only if it has changed."""
        pairs = ("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified)
        return tuple((name, value) for name, value in pairs if value is not None)


@dataclass(frozen=True)
class KeptPage:
    """A page as downloaded once; ``page`` is None where the index has no such project."""

    stamp: Stamp
    page: Page | None


def read_stamp(headers: Mapping[str, str], now: float) -> Stamp:
    """Read from an answer's headers how long it is good for; without any, for ten minutes."""
    directives = dict(_directives(headers.get("cache-control", "")))
    max_age = _max_age(directives, headers)
    return Stamp(
        now,
        max(0, max_age - _seconds(headers.get("age"))),
        headers.get("etag"),
        headers.get("last-modified"),
        "no-store" not in directives,
    )


def renewed(stamp: Stamp, headers: Mapping[str, str], now: float) -> Stamp:
    """Give the stamp of a page that was found unchanged (304)."""
    fresh = read_stamp(headers, now)
    etag, modified = fresh.etag or stamp.etag, fresh.last_modified or stamp.last_modified
    return replace(fresh, etag=etag, last_modified=modified)


def page_key(index: Url, name: NormalizedName) -> str:
    """Give the file name under which a project's page of an index is kept: by address and user name."""
    identity = "\0".join((index.target, index.username or "", name))
    return f"{name[:60]}-{hashlib.sha256(identity.encode()).hexdigest()[:32]}"


def kept_path(cache_root: Path, key: str) -> Path:
    """Give the place of a page in the cache."""
    return cache_root / "index-v1" / key[-2:] / key


def dump_kept(kept: KeptPage) -> tuple[bytes | bytearray, ...]:
    """Give the parts of the file that keeps a page."""
    stamp = kept.stamp
    facts = [stamp.fetched, stamp.max_age_seconds, stamp.etag, stamp.last_modified, stamp.is_storable]
    head, rows = (b"null", b"") if kept.page is None else kept.page.dumped()
    second = json.dumps(facts).encode() + b"\n"
    third = head + b"\n"
    check = zlib.crc32(rows, zlib.crc32(third, zlib.crc32(second)))
    return b"%b%08x\n" % (_MAGIC, check), second, third, rows


def load_kept(data: bytes) -> KeptPage:
    """Read what ``dump_kept`` gave; raises ``DamagedPageError``."""
    try:
        first, second, head, rows = data.split(b"\n", 3)
        check = int(first.removeprefix(_MAGIC), 16)
        facts = json.loads(second)
        fetched, max_age, etag, modified, is_storable = facts
        stamp = Stamp(float(fetched), int(max_age), etag, modified, bool(is_storable))
    except (ValueError, TypeError, RecursionError) as error:
        raise DamagedPageError(reason="it is no page as it was written") from error
    if check != zlib.crc32(memoryview(data)[len(first) + 1 :]):
        raise DamagedPageError(reason="its bytes have changed")
    return KeptPage(stamp, None if head == b"null" else parse_kept_page(head, rows))


def _directives(text: str) -> list[tuple[str, str]]:
    parts = (part.strip().partition("=") for part in text.lower().split(","))
    return [(name.strip(), value.strip(' "')) for name, _, value in parts]


def _max_age(directives: Mapping[str, str], headers: Mapping[str, str]) -> int:
    if "no-cache" in directives or "no-store" in directives:
        return 0
    if "max-age" in directives:
        return _seconds(directives["max-age"])
    if "expires" in headers:
        return _until(headers["expires"], headers.get("date"))
    return DEFAULT_MAX_AGE_SECONDS


def _seconds(text: str | None) -> int:
    return int(text) if text is not None and re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII) else 0


def _until(expires: str, date: str | None) -> int:
    # `0` and `-1` are common, and mean that it has expired (RFC 9111, 5.3).
    try:
        end = email.utils.parsedate_to_datetime(expires)
        start = email.utils.parsedate_to_datetime(date or "")
        return max(0, int((end - start).total_seconds()))
    except (ValueError, TypeError):
        return 0
