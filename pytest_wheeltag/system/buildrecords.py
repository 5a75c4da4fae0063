"""What came of builds: under the key of everything that a build depends on, which wheel, and what it declares."""

import hashlib
import json
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_wheeltag.core.dependencies import ReleaseMetadata, release_metadata_from_json
from pytest_wheeltag.core.pyproject import BuildSystem
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.files import lock, publish_bytes, read_regular

ROOM = "built-v1"
_MAX_BYTES = 16 << 20
_MODE = 0o600
_DIGEST_CHARACTERS = 64
# A large project takes its time, and whoever waits would only do the same work again.
_LOCK_SECONDS = 3600.0


@dataclass(frozen=True)
class BuiltWheel:
    """A wheel that was built: its archive's SHA-256, under which the store has it, and its file name."""

    sha256: str
    filename: str


class BuildRecords:
    """The room of the cache for results of builds; a record that is damaged is as good as none.

    Records are of five kinds, each under a key that covers all that it follows from: how an archive is built, what
    its backend asks for besides, what it says of its wheel, what that will declare, and the wheel itself. No key is a
    name and version.
    """

    def __init__(self, cache: Path) -> None:
        self._room = cache / ROOM

    def lock(self, key: str) -> AbstractContextManager[bool]:
        """Hold the lock of a key, so that one process builds and the others wait for its wheel."""
        return lock(self._room / f"{key}.lock", timeout_seconds=_LOCK_SECONDS)

    def find_system(self, digest: str) -> BuildSystem | None:
        """Give how an archive is built, by its SHA-256: the project at its top, not one in a subdirectory."""
        found = self._read("system", digest)
        if found is None:
            return None
        try:
            requires, folders = (tuple(map(str, found[key])) for key in ("requires", "backend_path"))
            return BuildSystem(requires, str(found["backend"]), folders)
        except (KeyError, TypeError):
            return None

    def keep_system(self, digest: str, system: BuildSystem) -> None:
        """Keep how an archive is built, the project at its top."""
        self._write("system", digest, vars(system))

    def find_requirements(self, key: str) -> tuple[str, ...] | None:
        """Give what a backend asked for besides what pyproject.toml lists, None where it was not asked yet."""
        found = self._read("requires", key)
        listed = found.get("requires") if found else None
        return tuple(map(str, listed)) if isinstance(listed, list) else None

    def keep_requirements(self, key: str, requires: tuple[str, ...]) -> None:
        """Keep what a backend asked for."""
        self._write("requires", key, {"requires": requires})

    def find_metadata(self, key: str) -> ReleaseMetadata | None:
        """Give what the wheel of a key will declare, None where nobody knows yet."""
        return self._find_metadata("metadata", key)

    def find_stated(self, digest: str) -> ReleaseMetadata | None:
        """Give what PKG-INFO of an archive says, which need not be what its wheel will declare; None if not read yet."""
        return self._find_metadata("stated", digest)

    def _find_metadata(self, kind: str, key: str) -> ReleaseMetadata | None:
        found = self._read(kind, key)
        try:
            return release_metadata_from_json(found) if found else None
        except ValueError:
            return None

    def keep_metadata(self, key: str, metadata: ReleaseMetadata) -> None:
        """Keep what the wheel of a key will declare."""
        self._write("metadata", key, metadata.to_json())

    def keep_stated(self, digest: str, metadata: ReleaseMetadata) -> None:
        """Keep what PKG-INFO of an archive says."""
        self._write("stated", digest, metadata.to_json())

    def find_wheel(self, key: str) -> BuiltWheel | None:
        """Give the wheel that was built under a key."""
        found = self._read("wheel", key)
        try:
            return BuiltWheel(str(found["sha256"]), str(found["filename"])) if found else None
        except KeyError:
            return None

    def keep_wheel(self, key: str, wheel: BuiltWheel) -> None:
        """Keep which wheel was built under a key."""
        self._write("wheel", key, vars(wheel))

    def _path(self, kind: str, key: str) -> Path:
        return self._room / key[:2] / f"{key[2:]}.{kind}.json"

    def _read(self, kind: str, key: str) -> dict[str, Any] | None:
        try:
            data = read_regular(self._path(kind, key), _MAX_BYTES)
            content = data[_DIGEST_CHARACTERS:]
            if hashlib.sha256(content).hexdigest().encode() != data[:_DIGEST_CHARACTERS]:
                return None
            found = json.loads(content)
        except (OSError, UnsafeFileError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def _write(self, kind: str, key: str, values: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        content = json.dumps(values, separators=(",", ":")).encode()
        # A cache that cannot be written costs another build.
        with suppress(OSError):
            digest = hashlib.sha256(content).hexdigest().encode()
            publish_bytes(self._path(kind, key), digest + content, mode=_MODE)
