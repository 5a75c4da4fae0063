"""Whole published files, wheels and source archives, believed only once their size and hashes were checked."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.hashes import KNOWN_ALGORITHMS
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.errors import RefusedWheelError, UnreachableError
from pytest_wheeltag.system.transport import OK, Request, Transport
from pytest_wheeltag.system.urls import Url, parse_url

# More than any index takes; a declared size is the bound where there is one.
_MAX_FILE_BYTES = 8_000_000_000
_IN_MEMORY_BYTES = 1_000_000
_HEAD_BYTES = 64
_SHOWN_HASHES = 3


class FileSource(Protocol):
    """Whoever can give a whole published file, as ``Downloads`` does."""

    def open(self, file: PublishedFile) -> AbstractContextManager[BinaryIO]:
        """Give the file for reading, as long as the context lasts.

        Raises ``RefusedWheelError`` where its size or a hash is not what the index says, ``CatalogueError`` where
        it cannot be had.
        """
        ...


class Downloads:
    """Fetches a file each time it is opened, and keeps none."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @contextmanager
    def open(self, file: PublishedFile) -> Iterator[BinaryIO]:
        """Give the file for reading, as ``FileSource`` says; one on this machine is read where it lies."""
        url = parse_url(file.url)
        if url.scheme == "file":
            with _open_local(url) as local:
                require_claimed(local, file)
                yield local
            return
        is_small = file.size is not None and file.size <= _IN_MEMORY_BYTES
        with io.BytesIO() if is_small else TemporaryFile() as stream:
            self._fetch(file, stream)
            stream.seek(0)
            yield stream

    def _fetch(self, file: PublishedFile, stream: BinaryIO) -> None:
        limit = _MAX_FILE_BYTES if file.size is None else file.size
        request = Request(parse_url(file.url), max_bytes=limit, is_compressible=False)
        checks = Digests(file.hashes)
        with self._transport.get(request) as response:
            if response.status != OK:
                problem = f"expected a file, found status {response.status}"
                raise UnreachableError(str(request.url), problem, status=response.status)
            for chunk in response.chunks:
                stream.write(chunk)
                checks.update(chunk)
        if _is_page(stream):
            problem = "expected a file, found that the server sent HTML"
            raise RefusedWheelError(file.filename, "", problem, "check what the index links to")
        if file.size is not None and stream.tell() != file.size:
            raise RefusedWheelError(file.filename, "", f"expected {file.size} bytes, found {stream.tell()}")
        checks.require(file.filename)


def _open_local(url: Url) -> BinaryIO:
    try:
        return url.file_path.open("rb")
    except OSError as error:
        raise UnreachableError(str(url), f"expected a file that can be read, {error.strerror}") from error


def _is_page(stream: BinaryIO) -> bool:
    """Tell whether what was written so far is a page of a server; the place in the stream stays."""
    end = stream.tell()
    stream.seek(0)
    head = stream.read(_HEAD_BYTES).lstrip()
    stream.seek(end)
    return head.startswith(b"<")


class Digests:
    """Computes every digest that is claimed of some bytes, as far as ``hashlib`` knows its algorithm."""

    def __init__(self, claimed: Iterable[tuple[str, str]]) -> None:
        self._claimed: Mapping[str, str] = {
            name: digest for name, digest in claimed if name in KNOWN_ALGORITHMS
        }
        self._running = {name: hashlib.new(name, usedforsecurity=False) for name in self._claimed}

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        for digest in self._running.values():
            digest.update(data)

    def require(self, filename: str, where: str = "") -> None:
        """Raise ``RefusedWheelError`` where a digest is not the claimed one; ``where`` says of what part."""
        for name, claimed in self._claimed.items():
            found = self._running[name].hexdigest()
            if found != claimed:
                raise RefusedWheelError(
                    filename, where, f"expected {name} {quoted(claimed)}, found `{found}`"
                )


def require_claimed(stream: BinaryIO, file: PublishedFile) -> None:
    """Raise ``RefusedWheelError`` unless what a stream holds has every digest that is claimed beside SHA-256.

    That one is proven by whoever keeps the file.
    """
    others = [claim for claim in file.hashes if claim[0] != "sha256"]
    if not others:
        return
    checks = Digests(others)
    stream.seek(0)
    while piece := stream.read(_IN_MEMORY_BYTES):
        checks.update(piece)
    stream.seek(0)
    checks.require(file.filename)


def require_any(stream: BinaryIO, hashes: Iterable[tuple[str, str]], filename: str) -> None:
    """Raise ``RefusedWheelError`` unless what a stream holds has one of some hashes, pairs of algorithm and digest."""
    allowed = frozenset(hashes)
    for algorithm in sorted({name for name, _ in allowed} & KNOWN_ALGORITHMS):
        stream.seek(0)
        digest = hashlib.new(algorithm, usedforsecurity=False)
        while piece := stream.read(_IN_MEMORY_BYTES):
            digest.update(piece)
        if (algorithm, digest.hexdigest()) in allowed:
            return
    shown = " or ".join(f"{name} `{digest}`" for name, digest in sorted(allowed)[:_SHOWN_HASHES])
    raise RefusedWheelError(
        filename, "", f"expected {shown}, found another", "check what its publisher changed"
    )
