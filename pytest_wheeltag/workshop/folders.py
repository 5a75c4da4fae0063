"""Indexes without a server: a simple index in files, and a find-links folder."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from pytest_wheeltag.workshop.pages import (
    ServedFile,
    ServedProject,
    quote_name,
    render_links,
    render_project,
    render_project_list,
)
from pytest_wheeltag.workshop.served import read_served_file

_PAGE = "index.html"


def write_file_index(folder: Path, files: Iterable[Path]) -> str:
    """Write a simple index of PEP 503 pages with relative links, and give its ``file://`` address.

    Pages are ``simple/NAME/index.html``, the files lie in ``files``.
    """
    served = sorted((read_served_file(path, {}) for path in files), key=attrgetter("project"))
    projects = [ServedProject(name, tuple(group)) for name, group in groupby(served, attrgetter("project"))]
    simple = folder / "simple"
    for project in projects:
        _write(simple / project.name / _PAGE, render_project(project, _link_up).encode())
    names = [project.name for project in projects]
    # A file system serves no index page for a folder: the list's links name it.
    _write(simple / _PAGE, render_project_list(names, lambda name: f"{name}/{_PAGE}").encode())
    _write_files(folder / "files", served)
    return simple.resolve().as_uri() + "/"


def write_find_links(folder: Path, files: Iterable[Path], *, has_page: bool = False) -> Path:
    """Write a folder of files for ``--find-links``, and give it; with ``has_page`` its ``index.html`` links them."""
    served = [read_served_file(path, {}) for path in files]
    folder.mkdir(parents=True, exist_ok=True)
    _write_files(folder, served)
    if has_page:
        _write(folder / _PAGE, render_links(served, lambda listed: quote_name(listed.filename)).encode())
    return folder


def _link_up(served: ServedFile) -> str:
    return f"../../files/{quote_name(served.filename)}"


def _write_files(folder: Path, files: Iterable[ServedFile]) -> None:
    for served in files:
        _write(folder / served.filename, served.content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
