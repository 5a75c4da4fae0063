"""Pages of an index as rows, grouped by version: kept on disk so, and read only where needed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.candidates import PublishedFile, sdist_stem, split_version
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.system.listing import (
    Listed,
    Listing,
    NotAPageError,
    Place,
    UnlistedError,
    shown,
)

MAX_FILES = 500_000
_ROW_END = b",\n"
_NOTHING: list[None] = [None] * 8
_STRONG = ("sha256", "sha384", "sha512")
_encode = json.JSONEncoder(separators=(",", ":")).encode


class DamagedPageError(ValueError):
    """What is kept on disk is no page as it was written."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)


@dataclass(frozen=True)
class PagePolicy:
    """Which files without a good hash count: those with only MD5 or SHA-1 where allowed, none if strict."""

    allow_md5: bool = False
    is_strict: bool = False

    def refusal(self, hashes: Hashes) -> str | None:
        """Say why a file with these hashes is left out, None where it is not."""
        if any(algorithm in _STRONG for algorithm, _ in hashes):
            return None
        if hashes and not self.allow_md5:
            weak = ", ".join(sorted(algorithm for algorithm, _ in hashes))
            return f"its only hash is {weak}, which proves nothing (`wheeltag_allow_md5` admits it)"
        if not hashes and self.is_strict:
            return "it has no hash, and `wheeltag_strict_wheels` is set"
        return None


@dataclass(frozen=True)
class Page:
    """What one index lists of one project.

    ``versions`` pair a version, as file names spell it, with places in ``rows``: start and end, by turns, in
    bytes. ``rows`` holds a JSON array per file, in the order of listing. ``notes`` are warnings.
    """

    name: NormalizedName
    versions: tuple[tuple[str, tuple[int, ...]], ...]
    rows: bytes | bytearray = field(repr=False)
    notes: tuple[str, ...] = ()

    def files(self, source: str) -> tuple[PublishedFile, ...]:
        """Give every file, in the order of listing."""
        return _parse_rows(bytes(memoryview(self.rows)[: -len(_ROW_END)]), source)

    def of_version(self, version: Version, source: str) -> tuple[PublishedFile, ...]:
        """Give the files of one version (PEP 440 equality), in the order of listing."""
        places = [
            place
            for spelling, ends in self.versions
            if is_version(spelling, version)
            for place in zip(ends[::2], ends[1::2], strict=True)
        ]
        return _parse_rows(b",".join(self.rows[start:end] for start, end in sorted(places)), source)

    def dumped(self) -> tuple[bytes, bytes | bytearray]:
        """Give the page as two parts to keep on disk."""
        head = {"name": self.name, "versions": self.versions, "notes": self.notes}
        return _encode(head).encode(), self.rows


def publish_link(link: Listed, source: str) -> PublishedFile:
    """Give the file that a resolved link leads to, without rows in between."""
    return PublishedFile(
        link.filename or "",
        link.url,
        link.hashes,
        link.requires_python,
        link.yanked,
        link.size,
        None if link.upload_time is None else _moment(link.upload_time),
        link.metadata,
        source,
    )


def is_version(text: str, version: Version) -> bool:
    """Tell whether a file name's version is the same (PEP 440 equality)."""
    try:
        return text == str(version) or Version(text) == version
    except InvalidVersion:
        return False


def _parse_rows(rows: bytes, source: str) -> tuple[PublishedFile, ...]:
    return tuple(_published(row, source) for row in json.loads(b"[%b]" % rows))


def parse_kept_page(head: bytes, rows: bytes) -> Page:
    """Read what ``Page.dumped`` gave; raises ``DamagedPageError``."""
    try:
        found = json.loads(head)
        versions = tuple((text, tuple(ends)) for text, ends in found["versions"])
        return Page(canonicalize_name(found["name"]), versions, rows, tuple(found["notes"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedPageError(reason="its head cannot be read") from error


def build_page(listing: Listing, place: Place, name: NormalizedName) -> Page:
    """Turn what a page says into rows, leaving out what is no file of the project's.

    Raises ``NotAPageError`` for a page of another project, with too many files, or with one file of two
    hashes.
    """
    builder = _PageBuilder(place, name)
    for link in listing.links:
        builder.add(link, listing.facts.base)
    told = listing.facts.name
    if told is not None and canonicalize_name(told) != name:
        raise NotAPageError(expected=f"the page of {name}", found=f"that of {shown(told)}")
    return builder.page(tuple(_status_notes(listing)))


class _PageBuilder:
    def __init__(self, place: Place, name: NormalizedName) -> None:
        self._place = place
        self._name = name
        self._rows = bytearray()
        self._versions: dict[str, list[int]] = {}
        self._last: list[int] | None = None
        self._digests: dict[int, int] = {}
        self._left_out: dict[str, list[str]] = {}
        self._count = 0
        self._unhashed = 0

    def add(self, link: Listed, base: str) -> None:
        self._count += 1
        if self._count > MAX_FILES:
            raise NotAPageError(expected=f"at most {MAX_FILES} files", found="more")
        try:
            found = self._place.resolve(link, base)
            version = self._version(found.filename) if found.filename else None
        except UnlistedError as error:
            self._left_out.setdefault(str(error), []).append(link.filename or link.url)
            return
        if version is not None:
            self._add(found, version)

    def page(self, notes: tuple[str, ...]) -> Page:
        left_out = tuple(_left_out(self._name, reason, names) for reason, names in self._left_out.items())
        unhashed = f"{self._name}: {self._unhashed} files without a hash" if self._unhashed else None
        versions = tuple((text, tuple(ends)) for text, ends in self._versions.items())
        return Page(self._name, versions, self._rows, (*notes, *left_out, *filter(None, [unhashed])))

    def _version(self, filename: str) -> str | None:
        version = split_version(filename, self._name)
        # Installers and eggs of old are nobody's business here; another project's wheel is.
        if version is None and (filename.endswith(".whl") or sdist_stem(filename) is not None):
            raise UnlistedError(reason="its name is not that of a file of this project")
        return version

    def _add(self, link: Listed, version: str) -> None:
        self._check_twice(link)
        self._unhashed += not link.hashes and self._place.url.scheme != "file"
        start = len(self._rows)
        self._rows += _row(link)
        end = len(self._rows)
        self._rows += _ROW_END
        ends = self._versions.setdefault(version, [])
        if ends is self._last:
            ends[-1] = end
        else:
            ends += start, end
        self._last = ends

    def _check_twice(self, link: Listed) -> None:
        digest = dict(link.hashes).get("sha256")
        if digest is None:
            return
        # Two numbers instead of two texts: there may be 500,000 files.
        known = self._digests.setdefault(hash(link.filename), hash(digest))
        if known != hash(digest):
            files = self.page(()).files("")
            other = next((file.sha256 for file in files if file.filename == link.filename), None)
            raise NotAPageError(expected=f"one hash of {link.filename}", found=f"{other} and {digest}")


def _status_notes(listing: Listing) -> Iterator[str]:
    facts = listing.facts
    if facts.status not in ("", "active"):
        reason = f": {shown(facts.status_reason)}" if facts.status_reason else ""
        yield f"{facts.name or 'the project'} is {shown(facts.status)}{reason}"


def _left_out(name: str, reason: str, filenames: list[str]) -> str:
    first = shown(filenames[0]) or "without a name"
    if len(filenames) == 1:
        return f"{name}: a file is left out, {reason}: `{first}`"
    return f"{name}: {len(filenames)} files are left out, {reason}; the first: `{first}`"


def _row(link: Listed) -> bytes:
    # Most addresses end in the file's name.
    filename = link.filename or ""
    url = link.url[: -len(filename)] if link.url.endswith("/" + filename) else link.url
    row: list[object] = [
        filename,
        url,
        _compact(link.hashes),
        link.requires_python,
        link.yanked,
        link.size,
        link.upload_time,
        None if link.metadata is None else _compact(link.metadata) or True,
    ]
    while row[-1] is None:
        row.pop()
    return _encode(row).encode()


def _compact(hashes: Hashes) -> object:
    if len(hashes) == 1 and hashes[0][0] == "sha256":
        return hashes[0][1]
    return dict(hashes) or None


def _published(row: list[Any], source: str) -> PublishedFile:
    filename, url, hashes, requires_python, yanked, size, upload_time, metadata = row + _NOTHING[len(row) :]
    return PublishedFile(
        filename,
        url + filename if url[-1] == "/" else url,
        _pairs(hashes),
        requires_python,
        yanked,
        size,
        None if upload_time is None else _moment(upload_time),
        None if metadata is None else _pairs(metadata),
        source,
    )


def _pairs(hashes: object) -> Hashes:
    if isinstance(hashes, str):
        return (("sha256", hashes),)
    return tuple(hashes.items()) if isinstance(hashes, dict) else ()


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Most say `Z`; to turn those into themselves would take longer than all the rest.
    if moment.tzinfo is UTC:
        return moment
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
