"""Everything that a user can hand in as text, file or path, read to what it asks for."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.askedfor import AskedFor
from pytest_wheeltag.core.ledger import Ledger
from pytest_wheeltag.core.ledgerfile import read_ledger
from pytest_wheeltag.core.lockfile import describe_version, is_lock_name, read_lock, select_parts
from pytest_wheeltag.core.projectdemands import project_demands
from pytest_wheeltag.core.pyproject import parse_project, resolve_groups
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.demands import DemandReader
from pytest_wheeltag.system.documents import Document, DocumentReader, Fetch
from pytest_wheeltag.system.inclusions import PROJECT_FILE, InclusionReader

_SELECTED = re.compile(r"(?P<location>.+\.toml)\s*\[(?P<extras>[^\[\]]*)\]", re.DOTALL)
_EXPECTED_GROUP = "`GROUP` or `PATH:GROUP`, the path being that of a pyproject.toml or a pylock.toml"
_EXPECTED_TABLE = "a pyproject.toml with a `project` table"
_EXPECTED_UNSELECTED = "a pyproject.toml or a pylock.toml, since extras and groups are wanted of it"
_EXPECTED_CONSTRAINTS = "a constraints file, which is a requirements file that asks for nothing"


@dataclass(frozen=True)
class Selection:
    """The extras and dependency groups that are wanted of a project or a lock.

    ``groups`` None stands for what counts by itself: the default groups of a lock, none of a project.
    """

    extras: frozenset[str] = frozenset()
    groups: frozenset[str] | None = None


_NOTHING_SELECTED = Selection()


class RequestReader:
    """Reads requirements, and files that hold them, as pip takes them.

    Relative paths start from ``folder``; ``environ`` says what ``${NAME}`` in requirements files and ``~`` stand for;
    without ``fetch`` addresses of files are refused. Everything raises ``UsageError``, which names the ``origin`` or
    file and line and shows no credentials, or ``PyprojectError``.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], fetch: Fetch | None = None) -> None:
        home = Path(environ.get("HOME") or Path.home()) if os.name == "posix" else Path.home()
        self._documents = DocumentReader(folder, home, fetch)
        self._demands = DemandReader(folder, home)
        self._inclusions = InclusionReader(self._documents, self._demands, environ)

    def requirement(self, text: str, origin: str, folder: Path | None = None) -> Demand | UnnamedDemand:
        """Read one requirement: by name, by address, or by the path of a wheel, an archive or a source tree."""
        return self._demands.requirement(text, origin, folder)

    def editable(self, text: str, origin: str, folder: Path | None = None) -> Demand | UnnamedDemand:
        """Read one source tree that an environment shall lead to: its path, or ``NAME @ file:///PATH``."""
        return self._demands.editable(text, origin, folder)

    def file(self, location: str, origin: str, selection: Selection = _NOTHING_SELECTED) -> AskedFor:
        """Read a requirements file, a ``pyproject.toml`` or a lock, by path or address, as their names tell.

        Extras may also stand in brackets behind the latter two: ``pylock.toml[EXTRA]``.
        """
        match = _SELECTED.fullmatch(location.strip())
        if match:
            location = match["location"]
            selection = Selection(selection.extras | frozenset(_split(match["extras"])), selection.groups)
        document = self._documents.read(self._documents.locate(location, origin), origin)
        if is_lock_name(document.name):
            return _read_lock(document, selection)
        if document.name == PROJECT_FILE:
            return self._read_project(document, selection)
        if selection != _NOTHING_SELECTED:
            raise UsageError(origin, document.shown, _EXPECTED_UNSELECTED)
        return self._inclusions.read(document)

    def constraints(self, location: str, origin: str) -> AskedFor:
        """Read a constraints file, by path or address: projects by name, which are only bounded by it."""
        document = self._documents.read(self._documents.locate(location, origin), origin)
        if document.name == PROJECT_FILE or is_lock_name(document.name):
            raise UsageError(origin, document.shown, _EXPECTED_CONSTRAINTS)
        return self._inclusions.read(document, is_constraints=True)

    def ledger(self, location: str, origin: str) -> Ledger:
        """Read a lock of any format for what it says is published, by path or address."""
        document = self._documents.read(self._documents.locate(location, origin), origin)
        return read_ledger(document.data, document.name, document.shown, document.url.join(".").secret)

    def group(self, text: str, origin: str) -> AskedFor:
        """Read a dependency group (PEP 735), ``GROUP`` of the folder's ``pyproject.toml`` or ``PATH:GROUP``.

        Of a lock it takes the group and not the default ones.
        """
        path, colon, name = text.strip().rpartition(":")
        url = self._documents.locate(path if colon else PROJECT_FILE, origin)
        filename = url.file_path.name
        is_lock = is_lock_name(filename)
        if not name or url.scheme != "file" or not (is_lock or filename == PROJECT_FILE):
            raise UsageError(origin, shown_address(text), _EXPECTED_GROUP)
        document = self._documents.read(url, origin)
        if is_lock:
            return _read_lock(document, Selection(groups=frozenset({name})))
        return AskedFor(Request(self._group_demands(document, (name,))))

    def _read_project(self, document: Document, selection: Selection) -> AskedFor:
        project = parse_project(document.text, document.shown)
        if project is None:
            raise UsageError(document.shown, document.name, _EXPECTED_TABLE)
        demands = project_demands(project, sorted(selection.extras), document.shown)
        groups = self._group_demands(document, sorted(selection.groups or ()))
        return AskedFor(Request((*map(self._demands.checked, demands), *groups)))

    def _group_demands(self, document: Document, names: Iterable[str]) -> tuple[Demand, ...]:
        return tuple(
            self._demands.demand(text, f"{document.shown} group {printable(name)}")
            for name in names
            for text in resolve_groups(document.text, (name,), document.shown)
        )


def _read_lock(document: Document, selection: Selection) -> AskedFor:
    # The relative addresses of a lock are asked for with the credentials that it was.
    lock = read_lock(document.data, document.shown, document.url.secret)
    newer = describe_version(lock)
    request = Request((), lock=select_parts(lock, sorted(selection.extras), selection.groups))
    return AskedFor(request, warnings=(newer,) if newer else ())


def _split(extras: str) -> Iterable[str]:
    return filter(None, map(str.strip, extras.split(",")))
