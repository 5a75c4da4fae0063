"""What published wheels need, as the index tells: beside the wheel, at its end, or in all of it."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import BinaryIO, cast

from pytest_wheeltag.core.candidates import Candidate, PublishedFile
from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES, ReleaseMetadata, parse_release_metadata
from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.errors import (
    CatalogueError,
    InterruptedAnswerError,
    MetadataError,
    OfflineError,
    UnreachableError,
    WheelError,
)
from pytest_wheeltag.system.downloads import Digests, Downloads
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.keptmetadata import KeptMetadata
from pytest_wheeltag.system.ranges import TAIL_BYTES, fetch_tail
from pytest_wheeltag.system.tail import read_wheel_metadata
from pytest_wheeltag.system.transport import GONE, NOT_FOUND, OK, Request
from pytest_wheeltag.system.urls import Url, parse_url

# Each thread may open a connection, and those are dear.
_THREADS = 6
_TRIES = 3

Answer = ReleaseMetadata | WheelError | CatalogueError
ReadWhole = Callable[[PublishedFile], bytes]
"""Gives the content of METADATA by way of the whole wheel, as ``StoredWheels.read_metadata`` does."""


class IndexMetadata:
    """What wheels on indexes and in folders need; safe for use from several threads.

    Each wheel is asked about once; what failed fails again without being asked. Whole wheels of servers, small
    ones or where no parts of a file can be had, come through ``read_whole``, so that whoever keeps wheels has
    them already.
    """

    def __init__(self, access: IndexAccess, read_whole: ReadWhole | None = None) -> None:
        self._access = access
        self._downloads = Downloads(access.transport)
        self._read_whole = read_whole or self._from_wheel
        self._kept = KeptMetadata(access.cache_root) if access.cache_root else None
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._answers: dict[str, Answer] = {}

    def metadata(self, candidate: Candidate) -> ReleaseMetadata:
        """Give what a wheel declares, as ``MetadataSource`` says."""
        answer = self._answers.get(candidate.file.url) or self._settle(candidate)
        if isinstance(answer, ReleaseMetadata):
            return answer
        raise answer.with_traceback(None)

    def prefetch(self, candidates: Iterable[Candidate]) -> None:
        """Ask about many wheels at once; what fails is raised when it is asked for alone."""
        wanted = {each.file.url: each for each in candidates if each.file.url not in self._answers}
        missing = [candidate for candidate in wanted.values() if not self._recall(candidate)]
        if missing:
            with ThreadPoolExecutor(min(_THREADS, len(missing)), "wheeltag-metadata") as pool:
                list(pool.map(self._settle, missing))

    def _recall(self, candidate: Candidate) -> bool:
        kept = self._kept.find(candidate.file) if self._kept and not _url(candidate.file).is_local else None
        if kept is None or not _is_of(kept, candidate):
            return False
        self._answers[candidate.file.url] = kept
        return True

    def _settle(self, candidate: Candidate) -> Answer:
        url = candidate.file.url
        with self._lock:
            lock = self._locks.setdefault(url, threading.Lock())
        with lock:
            if url not in self._answers and not self._recall(candidate):
                self._answers[url] = self._ask(candidate)
            return self._answers[url]

    def _ask(self, candidate: Candidate) -> Answer:
        try:
            metadata = _parse(candidate, self._fetch_patiently(candidate.file))
        except (WheelError, CatalogueError) as error:
            return error
        if self._kept and not _url(candidate.file).is_local:
            self._kept.keep(candidate.file, metadata)
        return metadata

    def _fetch_patiently(self, file: PublishedFile) -> bytes:
        for left in reversed(range(_TRIES)):
            try:
                return self._fetch(file)
            except InterruptedAnswerError:
                if not left:
                    raise
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _fetch(self, file: PublishedFile) -> bytes:
        url = _url(file)
        if url.scheme == "file":
            return self._from_wheel(file)
        if self._access.is_offline:
            problem = "expected METADATA of this wheel in the cache, found none"
            raise OfflineError(str(url), problem, "run once without offline")
        beside = self._from_beside(file, url) if file.metadata_hashes is not None else None
        if beside is not None:
            return beside
        is_small = file.size is not None and file.size <= TAIL_BYTES
        tail = None if is_small else fetch_tail(self._access.transport, url)
        return (
            self._read_whole(file)
            if tail is None
            else read_wheel_metadata(cast("BinaryIO", tail), file.filename)
        )

    def _from_wheel(self, file: PublishedFile) -> bytes:
        try:
            with self._downloads.open(file) as stream:
                return read_wheel_metadata(stream, file.filename)
        except OSError as error:
            raise UnreachableError(
                str(_url(file)), f"expected a wheel that can be read, {error.strerror}"
            ) from error

    def _from_beside(self, file: PublishedFile, url: Url) -> bytes | None:
        """Fetch the metadata file (PEP 658); None where the index has none after all."""
        request = Request(replace(url, path=f"{url.path}.metadata"), max_bytes=MAX_METADATA_BYTES)
        with self._access.transport.get(request) as response:
            if response.status in (NOT_FOUND, GONE):
                return None
            if response.status != OK:
                raise UnreachableError(str(request.url), f"expected METADATA, found status {response.status}")
            data = response.read()
        checks = Digests(file.metadata_hashes or ())
        checks.update(data)
        checks.require(file.filename, "the metadata file beside it")
        return data


def _url(file: PublishedFile) -> Url:
    return parse_url(file.url)


def _parse(candidate: Candidate, data: bytes) -> ReleaseMetadata:
    filename = candidate.file.filename
    try:
        metadata = parse_release_metadata(data)
    except DistInfoError as error:
        raise MetadataError(filename, error.where, error.problem) from error
    if not _is_of(metadata, candidate):
        found = f"{metadata.name} {metadata.version}"
        raise MetadataError(
            filename, "METADATA", f"expected name and version of the file's name, found `{found}`"
        )
    return metadata


def _is_of(metadata: ReleaseMetadata, candidate: Candidate) -> bool:
    return (metadata.name, metadata.version) == (candidate.wheel.name, candidate.wheel.version)
