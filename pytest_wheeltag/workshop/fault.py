"""One way in which a wheel can be wrong, as edits of the stages that it is built through."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from pytest_wheeltag.workshop.zips import Archive, Member

Files = Mapping[str, bytes]
Row = tuple[str, ...]
Rows = tuple[Row, ...]
_Stage = TypeVar("_Stage")


class Expectation(StrEnum):
    """What a reader of wheels owes to a fault (table A of the safety page)."""

    REFUSED = "refused"
    WARNED = "warned"
    STRICT = "warned, refused where strict wheels are asked for"
    WINDOWS = "warned, refused on Windows"
    FOLDED = "warned, refused where the file system folds names"
    ACCEPTED = "accepted"
    BOUNDED = "refused only where a bound says so"


def _unchanged(stage: _Stage) -> _Stage:
    return stage


@dataclass(frozen=True)
class Fault:
    """One way to be wrong: up to five edits, each of one stage of the building of a wheel.

    ``name`` is a slug that serves as a test id, ``row`` the row of table A of the safety page. ``files`` edits
    path to content before RECORD is computed, ``record`` RECORD as bytes, ``archive`` the ZIP archive
    field by field, ``content`` the finished bytes, ``filename`` what the file is called.
    """

    name: str
    row: str
    expectation: Expectation = Expectation.REFUSED
    files: Callable[[Files], Files] = _unchanged
    record: Callable[[bytes], bytes] = _unchanged
    archive: Callable[[Archive], Archive] = _unchanged
    content: Callable[[bytes], bytes] = _unchanged
    filename: Callable[[str], str] = _unchanged


def dist_info_of(paths: Mapping[str, object]) -> str:
    """Give the name of the dist-info folder that holds WHEEL, METADATA or RECORD; ``KeyError`` without one."""
    for path in paths:
        folder, _, name = path.partition("/")
        if folder.endswith(".dist-info") and name in {"WHEEL", "METADATA", "RECORD"}:
            return folder
    expected = "a dist-info folder"
    raise KeyError(expected)


def data_folder_of(paths: Mapping[str, object]) -> str:
    """Give the name of the ``.data`` folder that belongs to the dist-info folder."""
    return dist_info_of(paths).removesuffix(".dist-info") + ".data"


def parse_rows(record: bytes) -> Rows:
    """Read RECORD as its rows."""
    return tuple(tuple(row) for row in csv.reader(io.StringIO(record.decode(), newline="")))


def render_rows(rows: Rows) -> bytes:
    """Write RECORD; paths with a comma or a quote are quoted (PEP 376)."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def adding(files: Mapping[str, bytes]) -> Callable[[Files], Files]:
    """Make the edit that adds files; ``{info}`` and ``{data}`` in a path stand for the wheel's own folders."""

    def edit(old: Files) -> Files:
        folders = {"{info}": dist_info_of(old), "{data}": data_folder_of(old)}
        return {**old, **{_filled(path, folders): data for path, data in files.items()}}

    return edit


def _filled(path: str, folders: Mapping[str, str]) -> str:
    for placeholder, folder in folders.items():
        path = path.replace(placeholder, folder)
    return path


def rewriting(name: str, edit: Callable[[bytes], bytes]) -> Callable[[Files], Files]:
    """Make the edit that rewrites one file of the dist-info folder."""

    def rewrite(old: Files) -> Files:
        path = f"{dist_info_of(old)}/{name}"
        return {**old, path: edit(old[path])}

    return rewrite


def dropping(name: str) -> Callable[[Archive], Archive]:
    """Make the edit that leaves one file of the dist-info folder out of the archive; RECORD still lists it."""

    def drop(archive: Archive) -> Archive:
        folder = dist_info_of({member.name: None for member in archive.members})
        return archive.without(f"{folder}/{name}")

    return drop


def on_rows(edit: Callable[[Rows], Rows]) -> Callable[[bytes], bytes]:
    """Make the edit of RECORD that changes its rows."""
    return lambda record: render_rows(edit(parse_rows(record)))


def with_rows(*rows: Row) -> Callable[[bytes], bytes]:
    """Make the edit of RECORD that adds rows at its end."""
    return lambda record: record + render_rows(rows)


def on_first_row(edit: Callable[[Row], Row]) -> Callable[[bytes], bytes]:
    """Make the edit of RECORD that changes its first row, that of the first file."""
    return on_rows(lambda rows: (edit(rows[0]), *rows[1:]))


def with_members(*members: Member) -> Callable[[Archive], Archive]:
    """Make the edit that adds members which RECORD does not know."""
    return lambda archive: archive.with_members(*members)


def on_first_member(edit: Callable[[Member], Member]) -> Callable[[Archive], Archive]:
    """Make the edit that changes the first file of the archive."""

    def change(archive: Archive) -> Archive:
        first = archive.members[0]
        return archive.with_member(first.name, edit(first))

    return change
