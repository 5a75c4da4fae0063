"""The journal of a transaction: which folders it concerns, and what it writes into them, step by step."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pytest_wheeltag.system.files import CREATE, read_regular
from pytest_wheeltag.system.grounds import Spot
from pytest_wheeltag.system.links import write_all

JOURNAL_NAME = "journal"

# A million files of a hundred bytes.
_MAX_BYTES = 128 << 20


class WritingKind(StrEnum):
    """What is written: files, folders that files need, or whole folders that are ours alone (dist-info)."""

    FILES = "files"
    FOLDERS = "folders"
    TREES = "trees"


@dataclass(frozen=True)
class Writing:
    """Entries of one folder that a step writes; ``present`` are those that were there before the step.

    Those lie in the way, or were taken away by an earlier step: what takes their place is not what was there.
    """

    kind: WritingKind
    folder: Spot
    names: tuple[str, ...]
    present: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Journal:
    """What a transaction has announced: ``roots`` are the folders beside the prefix that it concerns."""

    roots: tuple[str, ...]
    writings: tuple[Writing, ...] = ()


class JournalFile:
    """A journal on disk: one line says what it concerns, each further one what a step will write.

    A line counts once it is ended, and is ended before its step begins: what a dying process began to write
    was not begun.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def begin(self, roots: Iterable[str]) -> None:
        """Make the file; raises ``OSError``, and then there is none."""
        self._descriptor = os.open(self.path, CREATE, 0o600)
        try:
            self._append({"roots": list(roots)})
        except BaseException:
            self.remove()
            raise

    def append(self, writings: Iterable[Writing]) -> None:
        """Say what the next step will write; raises ``OSError``, and then it says nothing of it."""
        self._append([_to_json(writing) for writing in writings])

    def _append(self, value: object) -> None:
        size = os.fstat(self._descriptor).st_size
        try:
            write_all(self._descriptor, json.dumps(value, separators=(",", ":")).encode() + b"\n")
        except BaseException:
            with suppress(OSError):
                os.ftruncate(self._descriptor, size)
                os.lseek(self._descriptor, size, os.SEEK_SET)
            raise

    def close(self) -> None:
        """Write no more; the file stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """Remove the file, in one step; raises ``OSError``."""
        self.close()
        self.path.unlink()

    def read(self) -> Journal | None:
        """Read what was announced, None where that is nothing yet.

        Raises ``FileNotFoundError`` where there is no journal, ``OSError`` or ``UnsafeFileError`` where it
        cannot be read, ``ValueError`` where it is damaged.
        """
        lines = read_regular(self.path, _MAX_BYTES).split(b"\n")[:-1]
        if not lines:
            return None
        try:
            head, *steps = map(json.loads, lines)
            roots = tuple(map(_text, head["roots"]))
            writings = tuple(_writing(each, len(roots)) for step in steps for each in step)
        except (TypeError, KeyError, IndexError, ValueError) as error:
            problem = f"expected a journal, found what is none ({type(error).__name__}: {error})"
            raise ValueError(problem) from error
        return Journal(roots, writings)


def _to_json(writing: Writing) -> list[Any]:
    folder = writing.folder
    return [writing.kind, folder.root, folder.path, writing.names, sorted(writing.present)]


def _writing(value: Any, roots: int) -> Writing:  # noqa: ANN401 - JSON
    kind, root, folder, names, present = value
    names = tuple(map(_text, names))
    if root not in range(roots + 1) or any(map(_is_unsafe, _parts(_text(folder), *names))):
        problem = "a path that leads elsewhere"
        raise ValueError(problem)
    return Writing(WritingKind(kind), Spot(root, folder), names, frozenset(map(_text, present)))


def _parts(folder: str, *names: str) -> Iterator[str]:
    if folder:
        yield from folder.split("/")
    yield from names


def _is_unsafe(part: str) -> bool:
    return part in {"", ".", ".."} or "/" in part or "\0" in part or (os.name == "nt" and "\\" in part)


def _text(value: object) -> str:
    if not isinstance(value, str):
        problem = f"expected text, found: `{value!r:.60}`"
        raise TypeError(problem)
    return value
