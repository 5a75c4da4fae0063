"""What an empty environment of an interpreter looks like, remembered: its equals are written, not worked out anew."""

import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_wheeltag.core.interpreter import Interpreter

# What is larger is a copy of an interpreter, where links are not to be had.
_MOST_BYTES = 1 << 16
# Shells quote other characters, each in its own way.
_PLAIN = re.compile(r"/[A-Za-z0-9_./-]+")


@dataclass(frozen=True)
class FileImage:
    """A file by its path in the environment: its mode, and its text in pieces between which the place is named.

    Between ``pieces`` stands the environment's path; between the parts of a piece, the name of its folder.
    """

    path: str
    mode: int
    pieces: tuple[tuple[bytes, ...], ...]

    def fill(self, prefix: Path) -> bytes:
        """Give the content in an environment at ``prefix``."""
        name = os.fsencode(prefix.name)
        return os.fsencode(prefix).join(name.join(piece) for piece in self.pieces)


@dataclass(frozen=True)
class EnvironmentImage:
    """An environment without its place: folders, the outer ones first; links with where they lead; files."""

    folders: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    files: tuple[FileImage, ...]

    def write(self, prefix: Path) -> None:
        """Write it into a folder; raises ``OSError``, ``FileExistsError`` where something is in the way."""
        for folder in self.folders:
            (prefix / folder).mkdir(exist_ok=True)
        for path, target in self.links:
            os.symlink(target, f"{prefix}/{path}")  # noqa: PTH211 - one of many, as text
        for each in self.files:
            descriptor = os.open(f"{prefix}/{each.path}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, each.mode)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(each.fill(prefix))


class EnvironmentImages:
    """The images that makers of environments share, by interpreter; safe for use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: set[Interpreter] = set()
        self._taken: dict[Interpreter, EnvironmentImage | None] = {}

    def find(
        self, interpreter: Interpreter, take: Callable[[], EnvironmentImage | None]
    ) -> EnvironmentImage | None:
        """Give the image of an interpreter, None where there is none.

        There is none the first time either: whoever makes one environment alone should not pay for an image.
        ``take`` is called for it the second time; what it raises is raised.
        """
        with self._lock:
            if interpreter not in self._met:
                self._met.add(interpreter)
                return None
            if interpreter not in self._taken:
                self._taken[interpreter] = take()
            return self._taken[interpreter]


def can_be_written(prefix: Path) -> bool:
    """Tell whether an image says all that depends on an environment's path: one that no shell has to quote."""
    return bool(_PLAIN.fullmatch(str(prefix)))


def take_image(prefix: Path) -> EnvironmentImage | None:
    """Remember an environment; None for one that holds more than text and links.

    Its name must stand nowhere in it by chance.
    """
    folders, links, files = [], [], []
    for path in _walk(prefix):
        name = str(path.relative_to(prefix))
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode):
            folders.append(name)
        elif stat.S_ISLNK(found.st_mode):
            links.append((name, str(path.readlink())))
        elif found.st_size > _MOST_BYTES:
            return None
        else:
            files.append(FileImage(name, stat.S_IMODE(found.st_mode), _cut(path.read_bytes(), prefix)))
    return EnvironmentImage(tuple(folders), tuple(links), tuple(files))


def _walk(folder: Path) -> Iterator[Path]:
    """Give all that lies below a folder, the outer things first; links are not followed."""
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _cut(content: bytes, prefix: Path) -> tuple[tuple[bytes, ...], ...]:
    pieces = content.split(os.fsencode(prefix))
    return tuple(tuple(piece.split(os.fsencode(prefix.name))) for piece in pieces)
