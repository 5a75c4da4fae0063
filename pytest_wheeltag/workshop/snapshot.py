"""The indexes of a run on loopback: their pages as the run has seen them, their files passed on from where they lie."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.candidates import PublishedFile, split_version
from pytest_wheeltag.errors import WheeltagError
from pytest_wheeltag.system import transport
from pytest_wheeltag.system.index import PageSource, open_index
from pytest_wheeltag.system.sources import OpenedSources
from pytest_wheeltag.system.urls import Url, parse_url
from pytest_wheeltag.workshop.answers import Answer, Request
from pytest_wheeltag.workshop.negotiation import JSON_V1, choose_format
from pytest_wheeltag.workshop.pages import (
    ServedFile,
    ServedProject,
    project_page,
    quote_name,
    render_project,
)
from pytest_wheeltag.workshop.server import LoopbackServer, Stream

_METADATA = ".metadata"
_KEPT_PAGES = 1024
_PIECE_BYTES = 1 << 18
_MAX_FILE_BYTES = 8_000_000_000
# What a client's cache goes by (RFC 9111), and what it asks ranges by.
_PASSED_ON = ("content-type", "content-range", "accept-ranges", "etag", "last-modified", "cache-control")
# As the public index has it: within a run its pages do not change.
_PAGE_CACHING = "max-age=600, public"


@dataclass(frozen=True)
class _Asked:
    """What a path of ours means: a project of one index, or one of its files, perhaps its metadata."""

    number: int
    name: NormalizedName
    position: int | None = None
    is_metadata: bool = False


class SnapshotIndex(LoopbackServer):
    """Serves the indexes of some opened sources on 127.0.0.1, each below a path of its own.

    Whoever asks needs no credentials, no certificates and no proxy: they are ours, and stay here. Files have
    addresses here too and are passed on, in parts where parts are asked for, from where their page says they lie.
    """

    def __init__(self, opened: OpenedSources) -> None:
        super().__init__(self._choose_answer)
        self._transport = opened.access.transport
        self._true = opened.locations.index_urls
        self._sources: dict[int, PageSource] = {
            number: open_index(url, opened.access)
            for number, url in enumerate(self._true)
            if not url.is_loopback
        }
        self._files = lru_cache(_KEPT_PAGES)(self._read_files)

    @property
    def urls(self) -> tuple[Url, ...]:
        """Where the indexes are now, in their order; one on loopback is asked itself, an absent folder left out."""
        return tuple(
            self._url(number) if number in self._sources else url
            for number, url in enumerate(self._true)
            if url.scheme != "file" or url.file_path.is_dir()
        )

    def _url(self, number: int) -> Url:
        return parse_url(f"{self.origin}/{number}/simple/")

    def _read_files(self, number: int, name: NormalizedName) -> tuple[PublishedFile, ...] | None:
        page = self._sources[number].page(name)
        return None if page is None else page.files(str(self._true[number]))

    def _choose_answer(self, request: Request) -> Answer:
        asked = _parse(urlsplit(request.path).path)
        if asked is None or asked.number not in self._sources:
            return Answer.of_status(HTTPStatus.NOT_FOUND)
        try:
            files = self._files(asked.number, asked.name)
            if files is None:
                return Answer.of_status(HTTPStatus.NOT_FOUND)
            if asked.position is None:
                return _page_answer(request, asked.name, files)
            if asked.position >= len(files):
                return Answer.of_status(HTTPStatus.NOT_FOUND)
            return self._file_answer(request, files[asked.position], is_metadata=asked.is_metadata)
        except (WheeltagError, OSError) as error:
            return Answer(HTTPStatus.BAD_GATEWAY, {"Content-Type": "text/plain"}, f"{error}\n".encode())

    def _file_answer(self, request: Request, file: PublishedFile, *, is_metadata: bool) -> Answer:
        url = parse_url(f"{file.url}{_METADATA}" if is_metadata else file.url)
        if url.scheme == "file":
            return _local_answer(request, url.file_path)
        ranges = request.headers.get("range", "")
        if request.method == "HEAD":
            # Asked for its first byte a server tells the size as well, and whether it knows ranges.
            ranges = "bytes=0-0"
        headers = (("Range", ranges),) if ranges else ()
        wanted = transport.Request(url, headers, max_bytes=_MAX_FILE_BYTES, is_compressible=False)
        response = self._transport.get(wanted)
        if request.method == "HEAD":
            response.close()
            return _head_answer(response, file)
        passed = {name.title(): response.headers[name] for name in _PASSED_ON if name in response.headers}
        size = _number(response.headers.get("content-length", ""))
        return Stream(response.status, passed, pieces=response.chunks, size=size, release=response.close)


def _parse(path: str) -> _Asked | None:
    """Read ``/0/simple/NAME/`` or ``/0/files/NAME/POSITION/FILENAME``."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    number = _number(parts[0])
    match parts[1:]:
        case ["simple", name] if number is not None:
            return _Asked(number, canonicalize_name(name))
        case ["files", name, position, filename] if number is not None and position.isdecimal():
            return _Asked(number, canonicalize_name(name), int(position), filename.endswith(_METADATA))
        case _:
            return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None


def _page_answer(request: Request, name: NormalizedName, files: Sequence[PublishedFile]) -> Answer:
    content_type = choose_format(request.headers.get("accept", ""))
    if content_type is None:
        return Answer.of_status(HTTPStatus.NOT_ACCEPTABLE)
    served = tuple(_serve(name, position, file) for position, file in enumerate(files))
    project = ServedProject(name, served)
    if content_type == JSON_V1:
        body = json.dumps(project_page(project, _link))
    else:
        body = render_project(project, _link)
    answer = Answer.of_text(body, content_type).with_headers(Vary="Accept", Cache_Control=_PAGE_CACHING)
    return answer.conditional(request)


def _serve(name: NormalizedName, position: int, file: PublishedFile) -> ServedFile:
    moment = file.upload_time
    return ServedFile(
        name,
        file.filename,
        version=split_version(file.filename, name) or "",
        content=b"",
        hashes=file.hashes,
        requires_python=file.requires_python,
        yanked=file.yanked,
        upload_time="" if moment is None else moment.isoformat().replace("+00:00", "Z"),
        metadata=None if file.metadata_hashes is None else b"",
        metadata_hashes=file.metadata_hashes or (),
        size=file.size,
        url=f"../../files/{name}/{position}/{quote_name(file.filename)}",
    )


def _link(served: ServedFile) -> str:
    return served.url


def _head_answer(response: transport.Response, file: PublishedFile) -> Answer:
    """Answer what a file is like, by the answer to a question for its first byte."""
    has_ranges = response.status == transport.PARTIAL
    total = response.headers.get("content-range", "").rpartition("/")[2]
    size = _number(total if has_ranges else response.headers.get("content-length", ""))
    kept = [name for name in _PASSED_ON if name in response.headers and name != "content-range"]
    passed = {name.title(): response.headers[name] for name in kept}
    passed |= {"Accept-Ranges": "bytes"} if has_ranges else {}
    status = transport.OK if has_ranges else response.status
    return Stream(status, passed, size=file.size if size is None else size)


def _local_answer(request: Request, path: Path) -> Answer:
    """Answer with a file of this machine, or with the part that is asked for."""
    size = path.stat().st_size
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
    span = request.span(size)
    if span is None:
        return Stream(HTTPStatus.OK, headers, pieces=_read(path, 0, size), size=size)
    first, last = span
    if first > last:
        headers["Content-Range"] = f"bytes */{size}"
        return Answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers)
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    length = last - first + 1
    return Stream(HTTPStatus.PARTIAL_CONTENT, headers, pieces=_read(path, first, length), size=length)


def _read(path: Path, start: int, missing: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        stream.seek(start)
        while missing and (piece := stream.read(min(missing, _PIECE_BYTES))):
            missing -= len(piece)
            yield piece
