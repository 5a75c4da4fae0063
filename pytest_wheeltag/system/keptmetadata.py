"""What releases need, kept in the cache by the hash of their wheel."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES, ReleaseMetadata, release_metadata_from_json
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.files import publish_bytes, read_regular

_ROOM = "metadata-v1"
# Only whoever fetched it reads it: it may come from a private index.
_MODE = 0o600
_DIGEST_CHARACTERS = 64


class KeptMetadata:
    """The room of the cache that remembers what releases need; one that is damaged is as good as none.

    The key is the hash that an index claims of a wheel together with that index: what is kept was read beside the
    wheel or from its end, so the hash is not proven, and what one index claims must not reach another.
    """

    def __init__(self, cache_root: Path) -> None:
        self._folder = cache_root / _ROOM

    def find(self, file: PublishedFile) -> ReleaseMetadata | None:
        """Give what is kept for a wheel, None where nothing is that can be believed."""
        path = self._path(file)
        if path is None:
            return None
        try:
            data = read_regular(path, 2 * MAX_METADATA_BYTES)
            digest, content = data[:_DIGEST_CHARACTERS], data[_DIGEST_CHARACTERS:]
            if hashlib.sha256(content).hexdigest().encode() != digest:
                return None
            return release_metadata_from_json(json.loads(content))
        except (OSError, UnsafeFileError, ValueError, RecursionError):
            return None

    def keep(self, file: PublishedFile, metadata: ReleaseMetadata) -> None:
        """Keep what a wheel needs; where the cache cannot be written, it is fetched again next time."""
        path = self._path(file)
        if path is None:
            return
        content = json.dumps(metadata.to_json(), separators=(",", ":")).encode()
        with suppress(OSError):
            publish_bytes(path, hashlib.sha256(content).hexdigest().encode() + content, mode=_MODE)

    def _path(self, file: PublishedFile) -> Path | None:
        if file.sha256 is None:
            return None
        claimed = hashlib.sha256(f"{file.sha256}\0{file.source}".encode()).hexdigest()
        return self._folder / claimed[:2] / claimed[2:]
