"""What a source archive is allowed to hold: entries of plain paths, not too many, not too large."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Self

from pytest_wheeltag.core.finding import entry
from pytest_wheeltag.core.paths import describe_unsafe
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.core.wheel import WheelBounds
from pytest_wheeltag.errors import SdistError
from pytest_wheeltag.system.zipsource import THE_ARCHIVE

_TAKE_ANOTHER = "take another file or tell its publisher"
_BEWARE = "take another file, or raise the bound if you trust this one"


class SourceEntry(NamedTuple):
    """What an archive has at a path: a file where it can be ``read``, a link where it has a ``target``, else a folder.

    ``path`` is plain and relative to where the archive is unpacked, ``where`` names the entry in errors; ``size``
    is in bytes, ``mtime_ns`` in nanoseconds since 1970, None where the archive tells none; ``target`` is a link's
    text. ``read`` gives the content in pieces of at most 1 MiB, and raises ``EntryError`` where it is not what the
    archive declares.
    """

    path: str
    where: str
    size: int = 0
    is_executable: bool = False
    mtime_ns: int | None = None
    read: Callable[[], Iterator[bytes]] | None = None
    target: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is neither a file nor a link."""
        return self.read is None and self.target is None


@dataclass(frozen=True)
class SourceArchive:
    """A seekable binary file that is taken for a source archive, and how large it may be.

    ``filename`` is fit to be printed; ``max_unpacked_bytes`` is what there is room for.
    """

    file: BinaryIO
    filename: str
    bounds: WheelBounds
    max_unpacked_bytes: int

    @classmethod
    def of(cls, file: BinaryIO, filename: str, bounds: WheelBounds, free_bytes: int) -> Self:
        """Take a file for an archive that may fill what is free, unless ``bounds`` say how much."""
        limit = bounds.max_unpacked_bytes
        return cls(file, printable(filename), bounds, max(free_bytes, 0) if limit is None else limit)

    def refusal(self, where: str, problem: str, remedy: str = _TAKE_ANOTHER) -> SdistError:
        """Give the error that refuses this archive."""
        return SdistError(self.filename, where, problem, remedy)

    def check_size(self, size: int) -> None:
        """Refuse an archive that unpacks to at least ``size`` bytes, where that is too much already."""
        if size > self.max_unpacked_bytes:
            problem = f"expected at most {self.max_unpacked_bytes} bytes unpacked, found more"
            raise self.refusal(THE_ARCHIVE, problem, "make room, or raise the bound")
        if size > self.bounds.min_ratio_bytes and size > self._packed_bytes() * self.bounds.max_ratio:
            problem = f"expected it to unpack to at most {self.bounds.max_ratio} times its size, found more"
            raise self.refusal(THE_ARCHIVE, problem, _BEWARE)

    def _packed_bytes(self) -> int:
        position = self.file.tell()
        size = self.file.seek(0, os.SEEK_END)
        self.file.seek(position)
        return size

    def check_count(self, count: int) -> None:
        """Refuse an archive of at least ``count`` entries, where those are too many already."""
        if count > self.bounds.max_entries:
            problem = f"expected at most {self.bounds.max_entries} entries, found more"
            raise self.refusal(THE_ARCHIVE, problem, _BEWARE)

    def parse_path(self, text: str) -> str:
        """Give a path without what means nothing in it (``./a//b/`` is ``a/b``), empty for the archive's root."""
        path = "/".join(part for part in text.split("/") if part not in {"", "."})
        problem = "an absolute path" if text.startswith("/") else path and self._describe(path)
        if problem:
            raise self.refusal(entry(text), f"expected a path of plain components, found {problem}")
        return path

    def _describe(self, path: str) -> str | None:
        try:
            size = len(os.fsencode(path))
        except UnicodeEncodeError:
            return "a character that this system cannot write"
        if size > self.bounds.max_path_bytes:
            return f"one of {size} bytes, more than {self.bounds.max_path_bytes}"
        if path.count("/") >= self.bounds.max_depth:
            return f"more than {self.bounds.max_depth} of them"
        return describe_unsafe(path)
