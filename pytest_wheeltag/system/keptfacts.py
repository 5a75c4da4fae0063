"""What was read of published wheels, kept in the cache by the hash of their wheel."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES, ReleaseMetadata, release_metadata_from_json
from pytest_wheeltag.core.publishedrecord import PublishedRecord, published_record_from_json
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.files import publish_bytes, read_regular
from pytest_wheeltag.system.urls import parse_url

# Only whoever fetched it reads it: it may come from a private index.
_MODE = 0o600
_DIGEST_CHARACTERS = 64
_MAX_RECORD_BYTES = 64 << 20


class Fact(Protocol):
    """What can be kept."""

    def to_json(self) -> Any:  # noqa: ANN401 - whatever json.dumps takes
        """Give it in the types of JSON."""
        ...


FactT = TypeVar("FactT", bound=Fact)


@dataclass(frozen=True)
class Room(Generic[FactT]):
    """A folder of the cache, how a fact is read back from JSON there (``ValueError``), and how large one may be."""

    name: str
    parse: Callable[[Any], FactT]
    max_bytes: int


METADATA: Room[ReleaseMetadata] = Room("metadata-v1", release_metadata_from_json, 2 * MAX_METADATA_BYTES)
RECORDS: Room[PublishedRecord] = Room("records-v1", published_record_from_json, _MAX_RECORD_BYTES)


class KeptFacts(Generic[FactT]):
    """A room of the cache that remembers facts of wheels; one that is damaged is as good as none.

    The key is the hash that an index claims of a wheel together with that index: what is kept was read beside the
    wheel or from its end, so the hash is not proven, and what one index claims must not reach another. Nothing is
    kept without ``cache_root``, nor of wheels that lie on this machine.
    """

    def __init__(self, cache_root: Path | None, room: Room[FactT]) -> None:
        self._folder = cache_root / room.name if cache_root else None
        self._room = room

    def find(self, file: PublishedFile) -> FactT | None:
        """Give what is kept of a wheel, None where nothing is that can be believed."""
        path = self._path(file)
        if path is None:
            return None
        try:
            data = read_regular(path, self._room.max_bytes)
            digest, content = data[:_DIGEST_CHARACTERS], data[_DIGEST_CHARACTERS:]
            if hashlib.sha256(content).hexdigest().encode() != digest:
                return None
            return self._room.parse(json.loads(content))
        except (OSError, UnsafeFileError, ValueError, RecursionError):
            return None

    def keep(self, file: PublishedFile, fact: FactT) -> None:
        """Keep what was read of a wheel; where the cache cannot be written, it is fetched again next time."""
        path = self._path(file)
        if path is None:
            return
        content = json.dumps(fact.to_json(), separators=(",", ":")).encode()
        with suppress(OSError):
            publish_bytes(path, hashlib.sha256(content).hexdigest().encode() + content, mode=_MODE)

    def _path(self, file: PublishedFile) -> Path | None:
        if self._folder is None or file.sha256 is None or parse_url(file.url).is_local:
            return None
        claimed = hashlib.sha256(f"{file.sha256}\0{file.source}".encode()).hexdigest()
        return self._folder / claimed[:2] / claimed[2:]
