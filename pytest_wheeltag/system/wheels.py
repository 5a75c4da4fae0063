"""Published wheels on their way into the store, each downloaded and unpacked once by all processes together."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import BinaryIO, Protocol

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.wheel import WheelPolicy
from pytest_wheeltag.system.downloads import FileSource, require_any
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.store import WantedWheel

Fetch = Callable[[], AbstractContextManager[BinaryIO]]


class Store(Protocol):
    """Whoever keeps unpacked wheels, as ``WheelStore`` does."""

    def get(self, wanted: WantedWheel) -> StoreEntry | None:
        """Give the entry of a wheel, None where there is none that can be believed."""
        ...

    def provide(self, wanted: WantedWheel, fetch: Fetch) -> StoreEntry:
        """Give the entry of a wheel, fetched where there is none."""
        ...


class StoredWheels:
    """The wheels of the indexes as entries of the store; ``policy`` says what is asked of them."""

    def __init__(self, store: Store, downloads: FileSource, policy: WheelPolicy | None = None) -> None:
        self._store = store
        self._downloads = downloads
        self._policy = policy or WheelPolicy()

    def provide(self, file: PublishedFile, hashes: Hashes = ()) -> StoreEntry:
        """Give the entry of a wheel, fetched and unpacked where the store has none that can be believed.

        One whose index claims no hash must have one of ``hashes`` where there are any. Raises ``WheelError`` where
        it is refused or not what the index says, ``CatalogueError`` where it cannot be had, ``StoreError``.
        """
        return self._store.provide(self._wanted(file), partial(self._open, file, hashes))

    @contextmanager
    def _open(self, file: PublishedFile, hashes: Hashes) -> Iterator[BinaryIO]:
        with self._downloads.open(file) as stream:
            if hashes:
                require_any(stream, hashes, file.filename)
                stream.seek(0)
            yield stream

    def recall(self, file: PublishedFile) -> StoreEntry | None:
        """Give the entry of a wheel if the store has it; raises ``RefusedWheelError`` where it is not wanted as it is."""
        return self._store.get(self._wanted(file))

    def verify(self, file: PublishedFile, hashes: Hashes) -> None:
        """Prove by its bytes, fetched again, that a wheel has one of some hashes; raises ``RefusedWheelError``."""
        with self._downloads.open(file) as stream:
            require_any(stream, hashes, file.filename)

    def read_metadata(self, file: PublishedFile) -> bytes:
        """Give the content of a wheel's METADATA by way of its entry; raises as ``provide``."""
        entry = self.provide(file)
        return (entry.root / entry.wheel.dist_info / "METADATA").read_bytes()

    def read_digests(self, file: PublishedFile) -> Mapping[str, str]:
        """Give the SHA-256 of each file of a wheel by way of its entry, as ``ArchiveSource`` says."""
        return {each.path: each.sha256 for each in self.provide(file).files}

    def _wanted(self, file: PublishedFile) -> WantedWheel:
        return WantedWheel(file.filename, file.sha256, self._policy)
