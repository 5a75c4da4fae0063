"""A project's page of one index: from the run's snapshot, the cache or the server, in this order."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import NormalizedName

from pytest_wheeltag.errors import (
    InterruptedAnswerError,
    OfflineError,
    PageError,
    UnreachableError,
    UnsafeFileError,
)
from pytest_wheeltag.system.files import clear_away, lock, publish_parts, read_regular
from pytest_wheeltag.system.keptpages import (
    MAX_KEPT_BYTES,
    KeptPage,
    Stamp,
    dump_kept,
    kept_path,
    load_kept,
    page_key,
    read_stamp,
    renewed,
)
from pytest_wheeltag.system.listing import Listing, NotAPageError, Place, shown
from pytest_wheeltag.system.pagehtml import read_html_page
from pytest_wheeltag.system.pagejson import read_json_page
from pytest_wheeltag.system.pages import DamagedPageError, Page, build_page
from pytest_wheeltag.system.run import RunSnapshot
from pytest_wheeltag.system.transport import GONE, NOT_FOUND, NOT_MODIFIED, OK, Request, Response, Transport
from pytest_wheeltag.system.urls import Url

# Exactly as pip asks, so that servers answer us as they answer pip.
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("text/html", "application/vnd.pypi.simple.v1+html")
_TRIES = 3
_LOCK_SECONDS = 60.0
# An index that made us wait so long in vain is not asked for the next project as well.
_PATIENCE_SECONDS = 20.0
_MODE = 0o600


@dataclass(frozen=True)
class IndexAccess:
    """How indexes are asked: over which transport, with which cache and snapshot, whether at all.

    ``clock`` gives seconds since 1970. Without ``cache_root`` nothing is kept.
    """

    transport: Transport
    cache_root: Path | None = None
    snapshot: RunSnapshot | None = None
    is_offline: bool = False
    clock: Callable[[], float] = field(default=time.time, repr=False)


class IndexPages:
    """The pages of one index that is a server; ``warnings`` tells of damage in the cache."""

    def __init__(self, index: Url, access: IndexAccess) -> None:
        self.index = index
        self.warnings: list[str] = []
        self._access = access
        self._failure: UnreachableError | None = None

    def page(self, name: NormalizedName) -> Page | None:
        """Give a project's page, None where this index has no such project.

        Raises ``UnreachableError``, ``PageError`` and ``OfflineError``.
        """
        if self.index.is_local:
            return self._ask(name, None).page
        key = page_key(self.index, name)
        seen = self._seen(key)
        if seen is not None:
            return seen.page
        kept = self._kept(key)
        if kept is None or not self._is_good(kept):
            kept = self._refresh(key, name)
        return self._note(key, kept).page

    def _is_good(self, kept: KeptPage) -> bool:
        # That a project is absent is asked each time: it may just have been uploaded.
        if self._access.is_offline:
            return True
        return kept.page is not None and kept.stamp.is_fresh(self._access.clock())

    def _refresh(self, key: str, name: NormalizedName) -> KeptPage:
        with self._lock(key):
            # Whoever held the lock before has it by now.
            seen = self._seen(key)
            kept = seen or self._kept(key)
            if kept is not None and (kept is seen or self._is_good(kept)):
                return kept
            fresh = self._ask(name, kept)
            self._keep(key, fresh)
            return fresh

    def _lock(self, key: str) -> AbstractContextManager[bool]:
        if self._access.snapshot is not None:
            return self._access.snapshot.lock(key, _LOCK_SECONDS)
        root = self._access.cache_root
        return lock(kept_path(root, f"{key}.lock"), timeout_seconds=_LOCK_SECONDS) if root else _Unlocked()

    def _seen(self, key: str) -> KeptPage | None:
        snapshot = self._access.snapshot
        data = snapshot.read(key, MAX_KEPT_BYTES) if snapshot else None
        if snapshot is None or data is None:
            return None
        try:
            return load_kept(data)
        except DamagedPageError as error:
            self._warn(snapshot.folder / key, error)
            snapshot.forget(key)
            return None

    def _kept(self, key: str) -> KeptPage | None:
        if self._access.cache_root is None:
            return None
        path = kept_path(self._access.cache_root, key)
        try:
            return load_kept(read_regular(path, MAX_KEPT_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, UnsafeFileError, DamagedPageError) as error:
            self._warn(path, error)
            if isinstance(error, UnsafeFileError):
                clear_away(path)
            return None

    def _keep(self, key: str, kept: KeptPage) -> None:
        if self._access.cache_root is None or not kept.stamp.is_storable:
            return
        path = kept_path(self._access.cache_root, key)
        try:
            publish_parts(path, dump_kept(kept), mode=_MODE)
        except OSError as error:
            self._warn(path, error)

    def _note(self, key: str, kept: KeptPage) -> KeptPage:
        snapshot = self._access.snapshot
        if snapshot is None:
            return kept
        try:
            if snapshot.publish(key, dump_kept(kept)):
                return kept
        except OSError as error:
            self._warn(snapshot.folder / key, error)
            return kept
        return self._seen(key) or kept

    def _warn(self, path: Path, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        warning = f"the cache cannot be used here, {reason}: `{path}`"
        if warning not in self.warnings:
            self.warnings.append(warning)

    def _ask(self, name: NormalizedName, kept: KeptPage | None) -> KeptPage:
        url = self.index.child(name)
        if self._access.is_offline:
            raise OfflineError(
                str(url), "expected a page in the cache, found none", "run once without offline"
            )
        if self._failure is not None:
            failure = self._failure
            raise UnreachableError(
                str(url), failure.problem, failure.remedy, status=failure.status
            ) from failure
        started = time.monotonic()
        try:
            return self._ask_patiently(url, name, kept)
        except UnreachableError as error:
            if error.status is None or time.monotonic() - started > _PATIENCE_SECONDS:
                self._failure = error
            raise

    def _ask_patiently(self, url: Url, name: NormalizedName, kept: KeptPage | None) -> KeptPage:
        for left in reversed(range(_TRIES)):
            try:
                return self._ask_once(url, name, kept)
            except InterruptedAnswerError:
                if not left:
                    raise
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _ask_once(self, url: Url, name: NormalizedName, kept: KeptPage | None) -> KeptPage:
        request = Request(url, (("Accept", ACCEPT), *_conditions(kept)))
        now = self._access.clock()
        with self._access.transport.get(request) as response:
            if response.status == NOT_MODIFIED and kept is not None and kept.page is not None:
                return KeptPage(renewed(kept.stamp, response.headers, now), kept.page)
            stamp = read_stamp(response.headers, now)
            if response.status in (NOT_FOUND, GONE):
                return KeptPage(_absent(stamp), None)
            return KeptPage(stamp, read_page(response, name))


def read_page(response: Response, name: NormalizedName) -> Page:
    """Read a project's page from an answer; raises ``PageError`` for anything else."""
    if response.status != OK:
        raise PageError(
            str(response.url), f"expected a page, found status {response.status} without being asked"
        )
    head = next(response.chunks, b"")
    try:
        listing = _listing(response, itertools.chain((head,), response.chunks))
        return build_page(listing, Place(response.url, name), name)
    except NotAPageError as error:
        raise _page_error(response, str(error), head) from error


def read_listing(response: Response) -> Listing:
    """Read the links of any page; they raise ``NotAPageError``."""
    return _listing(response, response.chunks)


def _page_error(response: Response, problem: str, head: bytes) -> PageError:
    content_type = shown(response.headers.get("content-type", "")) or "none"
    found = f"Content-Type {content_type}, first bytes {head[:40]!r}"
    return PageError(
        str(response.url), f"{problem} ({found})", "check that this is the URL of a simple index"
    )


def _listing(response: Response, chunks: Iterator[bytes]) -> Listing:
    kind, _, parameters = response.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind == _JSON:
        return read_json_page(chunks, response.url.target)
    if kind in _HTML:
        return read_html_page(chunks, response.url.target, _charset(parameters))
    raise NotAPageError(expected="the Content-Type of a simple index page", found="another")


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip(" \"'")
    return "utf-8"


def _conditions(kept: KeptPage | None) -> Iterable[tuple[str, str]]:
    return kept.stamp.conditions if kept is not None and kept.page is not None else ()


def _absent(stamp: Stamp) -> Stamp:
    return Stamp(stamp.fetched, 0, is_storable=stamp.is_storable)


class _Unlocked:
    def __enter__(self) -> bool:
        return False

    def __exit__(self, *_: object) -> None:
        return None
