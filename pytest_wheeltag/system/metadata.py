"""What published wheels need, as the index tells: beside the wheel, at its end, or in all of it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from pytest_wheeltag.core.candidates import Candidate, PublishedFile
from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES, ReleaseMetadata, parse_release_metadata
from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.errors import MetadataError, UnreachableError
from pytest_wheeltag.system.downloads import Digests
from pytest_wheeltag.system.enquiries import Enquiries, Enquiry
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.keptfacts import METADATA, KeptFacts
from pytest_wheeltag.system.tail import read_wheel_metadata
from pytest_wheeltag.system.transport import GONE, NOT_FOUND, OK, Request
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.system.wheelends import WheelEnds, patiently

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
        self._ends = WheelEnds(access, "METADATA")
        self._read_whole = read_whole
        self._enquiries = Enquiries(KeptFacts(access.cache_root, METADATA))

    def metadata(self, candidate: Candidate) -> ReleaseMetadata:
        """Give what a wheel declares, as ``MetadataSource`` says."""
        return self._enquiries.answer(self._enquiry(candidate))

    def prefetch(self, candidates: Iterable[Candidate]) -> None:
        """Ask about many wheels at once; what fails is raised when it is asked for alone."""
        self._enquiries.prefetch(map(self._enquiry, candidates))

    def _enquiry(self, candidate: Candidate) -> Enquiry[ReleaseMetadata]:
        return Enquiry(candidate.file, partial(self._ask, candidate), partial(_is_of, candidate))

    def _ask(self, candidate: Candidate) -> ReleaseMetadata:
        return _parse(candidate, patiently(lambda: self._fetch(candidate.file)))

    def _fetch(self, file: PublishedFile) -> bytes:
        beside = self._from_beside(file)
        return beside if beside is not None else self._ends.read(file, read_wheel_metadata, self._read_whole)

    def _from_beside(self, file: PublishedFile) -> bytes | None:
        """Fetch the metadata file (PEP 658); None where the index has none, or none after all."""
        url = parse_url(file.url)
        if file.metadata_hashes is None or url.scheme == "file":
            return None
        self._ends.require_online(file)
        request = Request(replace(url, path=f"{url.path}.metadata"), max_bytes=MAX_METADATA_BYTES)
        with self._access.transport.get(request) as response:
            if response.status in (NOT_FOUND, GONE):
                return None
            if response.status != OK:
                raise UnreachableError(str(request.url), f"expected METADATA, found status {response.status}")
            data = response.read()
        checks = Digests(file.metadata_hashes)
        checks.update(data)
        checks.require(file.filename, "the metadata file beside it")
        return data


def _parse(candidate: Candidate, data: bytes) -> ReleaseMetadata:
    filename = candidate.file.filename
    try:
        metadata = parse_release_metadata(data)
    except DistInfoError as error:
        raise MetadataError(filename, error.where, error.problem) from error
    if not _is_of(candidate, metadata):
        found = f"{metadata.name} {metadata.version}"
        raise MetadataError(
            filename, "METADATA", f"expected name and version of the file's name, found `{found}`"
        )
    return metadata


def _is_of(candidate: Candidate, metadata: ReleaseMetadata) -> bool:
    return (metadata.name, metadata.version) == (candidate.wheel.name, candidate.wheel.version)
