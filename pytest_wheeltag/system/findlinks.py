"""Find-links locations: folders of files, pages that list files of any project, and single files."""

import threading
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import PublishedFile, sdist_stem, split_version
from pytest_wheeltag.errors import OfflineError, PageError, UnsafeFileError
from pytest_wheeltag.system.fetching import ACCEPT, IndexAccess, read_listing
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.listing import (
    Listed,
    Listing,
    NotAPageError,
    Place,
    UnlistedError,
)
from pytest_wheeltag.system.pagehtml import read_html_page
from pytest_wheeltag.system.pages import is_version, publish_link
from pytest_wheeltag.system.transport import MEGABYTE, OK, Request
from pytest_wheeltag.system.urls import Url

_PAGE_SUFFIXES = (".html", ".htm")
_PAGE_BYTES = 64 * MEGABYTE


class FindLinks:
    """The files of all find-links locations; each is looked at once.

    ``warnings`` tells of locations that are not there, and of links that are left out.
    """

    def __init__(self, locations: tuple[Url, ...], access: IndexAccess) -> None:
        self.warnings: list[str] = []
        self._locations = locations
        self._access = access
        self._lock = threading.Lock()

    def files(self, name: NormalizedName, version: Version | None = None) -> tuple[PublishedFile, ...]:
        """Give a project's files, of one version where one is given, in pip's order.

        Files that lie there come before those that pages list, sorted by address backwards. Raises
        ``UnreachableError``, ``PageError`` and ``OfflineError`` for a page that cannot be had.
        """
        if not self._locations:
            return ()
        with self._lock:
            groups = self._groups
        found = [entry for group in _groups_of(name) for entry in groups.get(group, ())]
        direct = [entry for entry in found if entry[2]]
        paged = [entry for entry in found if not entry[2]]
        ordered = [*sorted(direct, key=lambda entry: entry[0].url, reverse=True), *paged]
        return tuple(
            publish_link(link, source)
            for link, source, _ in ordered
            if _is_wanted(split_version(link.filename or "", name), version)
        )

    @cached_property
    def _groups(self) -> dict[str, list[tuple[Listed, str, bool]]]:
        groups: dict[str, list[tuple[Listed, str, bool]]] = {}
        for location in self._locations:
            for link, is_direct in self._links(location):
                if group := _group_of(link.filename or ""):
                    groups.setdefault(group, []).append((link, str(location), is_direct))
        return groups

    def _links(self, location: Url) -> Iterator[tuple[Listed, bool]]:
        filename = location.path.rpartition("/")[2]
        if location.scheme != "file":
            is_file = _group_of(filename) is not None
            links = iter((Listed(location.target, filename),)) if is_file else self._remote(location)
            yield from ((link, is_file) for link in links)
            return
        path = location.file_path
        if path.is_dir():
            yield from self._folder(path)
        elif path.is_file():
            yield from self._file(path)
        else:
            self.warnings.append(f"a find-links location is not there: `{location}`")

    def _folder(self, folder: Path) -> Iterator[tuple[Listed, bool]]:
        for entry in sorted(folder.iterdir()):
            if entry.is_file():
                yield from self._file(entry)

    def _file(self, path: Path) -> Iterator[tuple[Listed, bool]]:
        url = Url("file", "", path.absolute().as_uri().removeprefix("file://"))
        if not path.name.endswith(_PAGE_SUFFIXES):
            yield Listed(url.target, path.name), True
            return
        try:
            data = read_regular(path, _PAGE_BYTES, follow=True)
            links = list(self._resolved(read_html_page(iter((data,)), url.target), url))
        except (OSError, UnsafeFileError, NotAPageError) as error:
            raise PageError(str(url), f"expected a page of links, found none: {error}") from error
        yield from ((link, False) for link in links)

    def _remote(self, url: Url) -> Iterator[Listed]:
        if self._access.is_offline:
            raise OfflineError(str(url), "expected a find-links page in the cache, but such are not kept")
        with self._access.transport.get(Request(url, (("Accept", ACCEPT),))) as response:
            if response.status != OK:
                raise PageError(str(url), f"expected a page of links, found status {response.status}")
            try:
                yield from self._resolved(read_listing(response), response.url)
            except NotAPageError as error:
                raise PageError(str(url), str(error)) from error

    def _resolved(self, listing: Listing, url: Url) -> Iterator[Listed]:
        place = Place(url)
        left_out: Counter[str] = Counter()
        for link in listing.links:
            try:
                yield place.resolve(link, listing.facts.base)
            except UnlistedError as error:
                left_out[str(error)] += 1
        self.warnings += (f"{count} links left out, {reason}: `{url}`" for reason, count in left_out.items())


def _groups_of(name: NormalizedName) -> tuple[str, str]:
    return name, name.partition("-")[0] + "-"


def _group_of(filename: str) -> str | None:
    # A wheel's name ends at the first dash, an sdist's may not: that is for `split_version` to find out.
    if filename.endswith(".whl"):
        return canonicalize_name(filename.partition("-")[0])
    if sdist_stem(filename) is None:
        return None
    return canonicalize_name(filename).partition("-")[0] + "-"


def _is_wanted(text: str | None, version: Version | None) -> bool:
    return text is not None and (version is None or is_version(text, version))
