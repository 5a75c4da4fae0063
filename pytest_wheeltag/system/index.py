"""Speaks the simple repository API: what all configured indexes together list of a project."""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.candidates import ProjectFiles, PublishedFile
from pytest_wheeltag.errors import CatalogueError, PageError, UnsafeFileError
from pytest_wheeltag.system.fetching import IndexAccess, IndexPages, read_page
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.findlinks import FindLinks
from pytest_wheeltag.system.listing import shown
from pytest_wheeltag.system.pages import Page, PagePolicy
from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.transport import MEGABYTE, OK, Response
from pytest_wheeltag.system.urls import Url

_THREADS = 8
_PAGE_BYTES = 64 * MEGABYTE
_PROJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,198}[a-z0-9])?", re.ASCII)

Pages = tuple[tuple[Url, Page], ...]


class Strategy(StrEnum):
    """How several indexes go together: pooled as pip does, or the first that has the name."""

    MERGE = "merge"
    FIRST = "first"


@dataclass(frozen=True)
class IndexSources:
    """Where files are looked for: simple indexes in order, find-links locations, and what counts there."""

    index_urls: tuple[Url, ...]
    find_links: tuple[Url, ...] = ()
    strategy: Strategy = Strategy.MERGE
    policy: PagePolicy = field(default_factory=PagePolicy)


class PageSource(Protocol):
    """Whoever has the pages of one index; ``warnings`` are one line each."""

    index: Url
    warnings: list[str]

    def page(self, name: NormalizedName) -> Page | None:
        """Give a project's page, None where there is no such project; raises ``CatalogueError``."""
        ...


class SimpleIndex:
    """All configured indexes and find-links locations as one; safe for use from several threads.

    Each project is asked for once; what failed fails again without being asked.
    """

    def __init__(self, sources: IndexSources, access: IndexAccess) -> None:
        self._sources = sources
        self._indexes = tuple(open_index(url, access) for url in dict.fromkeys(sources.index_urls))
        self._find_links = FindLinks(tuple(dict.fromkeys(sources.find_links)), access)
        self._lock = threading.Lock()
        self._locks: dict[NormalizedName, threading.Lock] = {}
        self._answers: dict[NormalizedName, Pages | CatalogueError] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said of the sources themselves, whatever the project."""
        told = [warning for index in self._indexes for warning in index.warnings]
        return tuple(dict.fromkeys([*told, *self._find_links.warnings]))

    def files(self, name: NormalizedName) -> ProjectFiles:
        """Give every file of a project.

        Raises ``UnreachableError``, ``PageError`` or ``OfflineError`` where one of the sources cannot be had.
        """
        return self._collect(name, None)

    def release(self, name: NormalizedName, version: Version) -> ProjectFiles:
        """Give the files of one version (PEP 440 equality); raises as ``files``."""
        return self._collect(name, version)

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """Ask for many projects at once; what fails is raised when it is asked for by name."""
        wanted = [name for name in dict.fromkeys(names) if name not in self._answers]
        if not wanted:
            return
        with ThreadPoolExecutor(min(_THREADS, len(wanted)), "wheeltag-index") as pool:
            list(pool.map(self._prefetch_one, wanted))

    def _prefetch_one(self, name: NormalizedName) -> None:
        with suppress(CatalogueError):
            self._pages(name)

    def _collect(self, name: NormalizedName, version: Version | None) -> ProjectFiles:
        if not _PROJECT_NAME.fullmatch(name):
            return ProjectFiles(
                name, warnings=(f"no index can hold a project of this name: `{shown(name)}`",)
            )
        found = self._find_links.files(name, version)
        pages = self._pages(name)
        listed = [file for url, page in pages for file in _select(page, url, version)]
        admitted, refusals = _admit((*found, *listed), self._sources.policy, name)
        sources = dict.fromkeys([*(file.source for file in found), *(str(url) for url, _ in pages)])
        warnings = (*_page_warnings(name, pages), *refusals, *_conflicts(admitted, len(sources)))
        return ProjectFiles(name, admitted, warnings, tuple(sources))

    def _pages(self, name: NormalizedName) -> Pages:
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._answers:
                self._answers[name] = self._ask(name)
            answer = self._answers[name]
        if isinstance(answer, CatalogueError):
            raise answer.with_traceback(None)
        return answer

    def _ask(self, name: NormalizedName) -> Pages | CatalogueError:
        if not _PROJECT_NAME.fullmatch(name):
            return ()
        pages: list[tuple[Url, Page]] = []
        try:
            for index in self._indexes:
                page = index.page(name)
                if page is not None:
                    pages.append((index.index, page))
                    if self._sources.strategy is Strategy.FIRST:
                        break
        except CatalogueError as error:
            return error
        return tuple(pages)


class FolderPages:
    """The pages of an index that is a folder: ``NAME/index.html`` below it."""

    def __init__(self, index: Url) -> None:
        self.index = index
        self.warnings: list[str] = []
        if not index.file_path.is_dir():
            self.warnings.append(f"an index is not there, nothing is taken from it: `{index}`")

    def page(self, name: NormalizedName) -> Page | None:
        """Give a project's page, None where the folder has no such project; raises ``PageError``."""
        url = self.index.child(name)
        path = url.file_path / "index.html"
        try:
            data = read_regular(path, _PAGE_BYTES, follow=True)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnsafeFileError) as error:
            raise PageError(str(url), f"expected a page that can be read, {_reason(error)}") from error
        file = replace(url, path=f"{url.path}index.html")
        return read_page(Response(OK, file, {"content-type": "text/html"}, iter((data,))), name)


def index_sources(configuration: PipConfiguration, default: Callable[[], Url]) -> IndexSources:
    """Give the sources that pip is configured with; ``default`` gives the index where none is."""
    if configuration.no_index:
        return IndexSources((), configuration.find_links)
    first = configuration.index_url or default()
    return IndexSources((first, *configuration.extra_index_urls), configuration.find_links)


def open_index(url: Url, access: IndexAccess) -> PageSource:
    """Give the pages of one index, a server or a folder."""
    return FolderPages(url) if url.scheme == "file" else IndexPages(url, access)


def _select(page: Page, url: Url, version: Version | None) -> tuple[PublishedFile, ...]:
    return page.files(str(url)) if version is None else page.of_version(version, str(url))


def _admit(
    files: Iterable[PublishedFile], policy: PagePolicy, name: str
) -> tuple[tuple[PublishedFile, ...], tuple[str, ...]]:
    admitted: list[PublishedFile] = []
    refusals: list[str] = []
    for file in files:
        refusal = None if file.sha256 is not None else policy.refusal(file.hashes)
        # A file on this machine needs no hash: nobody stands in between.
        if refusal is None or (not file.hashes and file.url.startswith("file:")):
            admitted.append(file)
        else:
            refusals.append(f"{name}: a file is left out, {refusal}: `{shown(file.filename)}`")
    return tuple(admitted), tuple(refusals)


def _page_warnings(name: str, pages: Pages) -> Iterator[str]:
    if len(pages) > 1:
        yield f"{name}: on several indexes: {', '.join(f'`{url}`' for url, _ in pages)}"
    for _, page in pages:
        yield from page.notes


def _conflicts(files: tuple[PublishedFile, ...], sources: int) -> Iterator[str]:
    if sources < 2:  # noqa: PLR2004 - one page alone is checked when it is read
        return
    known: dict[str, PublishedFile] = {}
    for file in files:
        other = known.setdefault(file.filename, file)
        if other.sha256 and file.sha256 and other.sha256 != file.sha256:
            yield (
                f"one file name, two hashes: {other.sha256} at `{other.source}`, "
                f"{file.sha256} at `{file.source}`: `{shown(file.filename)}`"
            )


def _reason(error: OSError | UnsafeFileError) -> str:
    return str(error) if isinstance(error, UnsafeFileError) else f"found: {error.strerror}"
