"""Source archives, kept in the cache by their SHA-256: one is needed for its metadata, and again for its wheel."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.errors import OfflineError, RefusedWheelError
from pytest_wheeltag.system.downloads import FileSource, require_any, require_claimed
from pytest_wheeltag.system.files import publish_parts
from pytest_wheeltag.system.urls import parse_url

ROOM = "sources-v1"
_CHUNK_BYTES = 1 << 20
# Only whoever fetched it reads it: it may come from a private index.
_MODE = 0o400


class KeptSources:
    """Gives source archives whose bytes are verified, each fetched once as long as it is kept.

    What is kept is hashed at each use: one that is damaged is fetched again.
    """

    def __init__(self, cache: Path, downloads: FileSource, *, is_offline: bool = False) -> None:
        self._room = cache / ROOM
        self._downloads = downloads
        self._is_offline = is_offline

    @contextmanager
    def open(self, file: PublishedFile, hashes: Hashes = ()) -> Iterator[tuple[BinaryIO, str]]:
        """Give an archive for reading, and its SHA-256 in hexadecimal.

        Raises ``RefusedWheelError`` where its bytes are not those that its index claims, or have none of the
        ``hashes`` where there are any, ``CatalogueError`` where it cannot be had, ``OfflineError`` where it would
        have to be fetched.
        """
        with self._open(file) as (stream, digest):
            require_claimed(stream, file)
            if hashes:
                require_any(stream, hashes, file.filename)
            stream.seek(0)
            yield stream, digest

    @contextmanager
    def _open(self, file: PublishedFile) -> Iterator[tuple[BinaryIO, str]]:
        kept = self._kept(file.sha256) if file.sha256 else None
        if kept is not None and file.sha256 is not None:
            with kept:
                yield kept, file.sha256
            return
        with self._fetch(file) as (stream, digest):
            yield stream, digest

    @contextmanager
    def _fetch(self, file: PublishedFile) -> Iterator[tuple[BinaryIO, str]]:
        url = parse_url(file.url)
        if self._is_offline and not url.is_local:
            problem = "expected this source archive in the cache, found none"
            raise OfflineError(str(url), problem, "run once without offline")
        with self._downloads.open(file) as stream:
            digest = _hash(stream)
            if file.sha256 not in {None, digest}:
                problem = f"expected the SHA-256 `{file.sha256}`, found `{digest}`"
                raise RefusedWheelError(file.filename, "the archive", problem)
            if url.scheme != "file":
                self._keep(digest, stream)
            stream.seek(0)
            yield stream, digest

    def _path(self, digest: str) -> Path:
        return self._room / digest[:2] / digest[2:]

    def _kept(self, digest: str) -> BinaryIO | None:
        try:
            stream: BinaryIO = self._path(digest).open("rb")
        except OSError:
            return None
        if _hash(stream) == digest:
            stream.seek(0)
            return stream
        stream.close()
        with suppress(OSError):
            self._path(digest).unlink()
        return None

    def _keep(self, digest: str, stream: BinaryIO) -> None:
        stream.seek(0)
        # A cache that cannot be written costs another download.
        with suppress(OSError):
            publish_parts(self._path(digest), iter(lambda: stream.read(_CHUNK_BYTES), b""), mode=_MODE)


def _hash(stream: BinaryIO) -> str:
    stream.seek(0)
    digest = hashlib.sha256()
    while piece := stream.read(_CHUNK_BYTES):
        digest.update(piece)
    return digest.hexdigest()
