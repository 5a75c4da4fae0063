"""Published wheels of which little is wanted: read from their end, or whole where that is not to be had."""

from collections.abc import Callable
from typing import BinaryIO, TypeVar, cast

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.errors import InterruptedAnswerError, OfflineError, UnreachableError
from pytest_wheeltag.system.downloads import Downloads
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.ranges import TAIL_BYTES, fetch_tail
from pytest_wheeltag.system.urls import parse_url

_TRIES = 3
T = TypeVar("T")
Read = Callable[[BinaryIO, str], T]
"""Reads something of a wheel, however it lies there; the text is the name that refusals show."""


class WheelEnds:
    """Reads what stands at the end of published wheels, with as few requests as the servers allow.

    ``wanted`` names what is read, for messages.
    """

    def __init__(self, access: IndexAccess, wanted: str) -> None:
        self._access = access
        self._wanted = wanted
        self._downloads = Downloads(access.transport)

    def read(
        self, file: PublishedFile, read: Read[T], read_whole: Callable[[PublishedFile], T] | None = None
    ) -> T:
        """Read something of a wheel: a small one whole, of others the last bytes and what else ``read`` wants.

        ``read_whole`` is used for wheels of servers that have to be fetched whole. Raises ``WheelError`` where the wheel
        is refused, ``CatalogueError`` where it cannot be had.
        """
        url = parse_url(file.url)
        if url.scheme == "file":
            return self.read_whole(file, read)
        self.require_online(file)
        is_small = file.size is not None and file.size <= TAIL_BYTES
        tail = None if is_small else fetch_tail(self._access.transport, url)
        if tail is not None:
            return read(cast("BinaryIO", tail), file.filename)
        return read_whole(file) if read_whole else self.read_whole(file, read)

    def require_online(self, file: PublishedFile) -> None:
        """Raise ``OfflineError`` where no server may be asked."""
        if self._access.is_offline and not parse_url(file.url).is_local:
            problem = f"expected {self._wanted} of this wheel in the cache, found none"
            raise OfflineError(str(parse_url(file.url)), problem, "run once without offline")

    def read_whole(self, file: PublishedFile, read: Read[T]) -> T:
        """Read something of a wheel that is fetched whole, its hashes checked."""
        try:
            with self._downloads.open(file) as stream:
                return read(stream, file.filename)
        except OSError as error:
            raise UnreachableError(
                str(parse_url(file.url)), f"expected a wheel that can be read, {error.strerror}"
            ) from error


def patiently(fetch: Callable[[], T]) -> T:
    """Fetch again what broke off, up to three times in all."""
    for left in reversed(range(_TRIES)):
        try:
            return fetch()
        except InterruptedAnswerError:
            if not left:
                raise
    raise AssertionError  # pragma: no cover - the last try returns or raises
