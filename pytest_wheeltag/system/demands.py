"""Requirements as people write them: by name, by address, or by the path of a file or source tree on this machine."""

import os
import posixpath
import re
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.candidates import is_wheel, parse_wheel_name, sdist_stem
from pytest_wheeltag.core.pyproject import parse_project
from pytest_wheeltag.core.references import Reference, ReferenceKind, parse_reference
from pytest_wheeltag.core.requirements import EXPECTED_CONSTRAINT, Demand, UnnamedDemand, parse_demand
from pytest_wheeltag.errors import UsageError, WheeltagError
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.urls import parse_url

# Two letters or more: `C:` is a drive.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
# `git@host:path`, but not `name@https://host/file`.
_CHECKOUT = re.compile(r"[\w.-]+@(?!(?:https?|file):)[\w.-]+:(?!//)", re.IGNORECASE)
_DIRECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\]\s*)?@")
_SPACED_SEMICOLON = re.compile(r"\s;|;\s")
_PROJECT_FILES = ("pyproject.toml", "setup.py")
_MAX_CHARACTERS = 10_000
_PYPROJECT_BYTES = 16 << 20

_EXPECTED_PATH = "a path where there is a wheel (`.whl`), a source archive (`.tar.gz`, `.zip`) or the folder of a source tree"
_EXPECTED_OTHER_FILE = f"{_EXPECTED_PATH} (a requirements file is given by `-r`)"
_EXPECTED_TREE = "the folder of a source tree, with pyproject.toml or setup.py in it"
_EXPECTED_HERE = "a path on this machine, like `file:///PATH`"
_EXPECTED_MARKER = "a marker after the semicolon, like `python_version < '3.12'`"
_EXPECTED_EXTRAS = "names of extras in brackets, like `PATH[EXTRA,EXTRA]`"
_EXPECTED_EGG = "nothing but a project's name after `egg=`"
_EXPECTED_WHEEL = "a wheel whose file name can be read, like `NAME-1.0-py3-none-any.whl`"


@dataclass(frozen=True)
class _Written:
    """A requirement as somebody wrote it, cut where its marker begins."""

    text: str
    origin: str
    head: str
    marker_text: str = ""

    @classmethod
    def cut(cls, text: str, origin: str) -> "_Written":
        """Cut where pip does: an address may hold semicolons of its own. Raises ``UsageError`` for hostile length."""
        stripped = text.strip()
        if len(stripped) > _MAX_CHARACTERS:
            raise UsageError(origin, shown_address(stripped), f"at most {_MAX_CHARACTERS} characters")
        head, semicolon, marker = stripped, "", ""
        if _ADDRESS.match(stripped) or _DIRECT.match(stripped):
            head, semicolon, marker = _partition(stripped)
        if not semicolon and not _ADDRESS.match(stripped):
            head, _, marker = stripped.partition(";")
        return cls(stripped, origin, head.strip(), marker.strip())

    @property
    def is_address(self) -> bool:
        """Whether it begins with a scheme, or leads to a version control system."""
        return bool(_ADDRESS.match(self.head) or _CHECKOUT.match(self.head))

    @property
    def marker(self) -> Marker | None:
        """Its marker, None for always; raises ``UsageError``."""
        if not self.marker_text:
            return None
        try:
            return Marker(self.marker_text)
        except (InvalidMarker, ValueError, RecursionError) as error:
            raise self.error(_EXPECTED_MARKER) from error

    @property
    def location(self) -> str:
        """What stands before the extras in brackets at its end."""
        return self._parts[0]

    @property
    def extras(self) -> frozenset[NormalizedName]:
        """The extras in brackets at its end; raises ``UsageError``."""
        try:
            names = Requirement(f"name{self._parts[1]}").extras
        except (InvalidRequirement, ValueError) as error:
            raise self.error(_EXPECTED_EXTRAS) from error
        return frozenset(map(canonicalize_name, names))

    @property
    def _parts(self) -> tuple[str, str]:
        before, _, names = self.head.rpartition("[")
        is_cut = before and len(names) > 1 and names.find("]") == len(names) - 1
        return (before.rstrip(), f"[{names}") if is_cut else (self.head, "")

    @property
    def is_path(self) -> bool:
        """Whether it looks like a path: a bare word never does, but for a file's name."""
        separators = os.sep, os.altsep or os.sep
        return self.head.startswith((".", "~")) or any(each in self.head for each in separators)

    def error(self, expected: str) -> UsageError:
        """Give the error that something else was expected."""
        return UsageError(self.origin, shown_address(self.text), expected)


@dataclass(frozen=True)
class DemandReader:
    """Reads requirements as pip's command line takes them, looking at the disk for those that are paths.

    Relative paths start from ``folder``, unless another is given; ``~`` is ``home``. Everything raises ``UsageError``,
    which names the ``origin`` and shows no credentials. What has a marker need not be on this machine.
    """

    folder: Path
    home: Path

    def requirement(self, text: str, origin: str, folder: Path | None = None) -> Demand | UnnamedDemand:
        """Parse ``NAME…`` (dependency specifiers), an address, or a path: with extras in brackets and a marker."""
        written = _Written.cut(text, origin)
        start = folder or self.folder
        if written.is_address:
            return self._at_address(written, start)
        path = self._path(written, start)
        if path is not None:
            return _unnamed(written, _at_path(path, written))
        return self._named(written, start)

    def editable(self, text: str, origin: str, folder: Path | None = None) -> Demand | UnnamedDemand:
        """Parse the path of a source tree, its address, or ``NAME @ file:///PATH``, all to be installed editable."""
        written = _Written.cut(text, origin)
        start = folder or self.folder
        if written.is_address:
            return self._at_address(written, start, is_editable=True)
        path = self._expand(written.location, start)
        if stat.S_ISDIR(_mode(path)):
            return _unnamed(written, _at_path(path, written, is_editable=True))
        if not _DIRECT.match(written.head):
            raise written.error(_EXPECTED_TREE)
        demand = self._named(written, start)
        if demand.reference is None or demand.reference.kind is not ReferenceKind.TREE:
            raise written.error(_EXPECTED_TREE)
        return replace(demand, reference=replace(demand.reference, is_editable=True))

    def constraint(self, text: str, origin: str) -> Demand:
        """Parse a constraint: a project by name, or what it must be installed from, without extras."""
        demand = self.requirement(text, origin)
        if isinstance(demand, UnnamedDemand) and demand.reference.kind is ReferenceKind.WHEEL:
            demand = demand.named(parse_wheel_name(demand.reference.filename).name)
        if isinstance(demand, UnnamedDemand) or demand.extras:
            raise UsageError(origin, shown_address(text), EXPECTED_CONSTRAINT)
        return demand

    def demand(self, text: str, origin: str) -> Demand:
        """Parse a dependency specifier alone, as other files hold them: no path, no address without a name."""
        return self.checked(parse_demand(text, origin))

    def checked(self, demand: Demand) -> Demand:
        """Give a demand back once what it leads to was looked for."""
        _check(demand)
        return demand

    def _named(self, written: _Written, folder: Path) -> Demand:
        match = _DIRECT.match(written.head)
        head = written.head
        if match:
            head = f"{match[0]} {self._settle(head[match.end() :].strip(), folder, written)}"
        marker = f" ; {written.marker_text}" if written.marker_text else ""
        try:
            return self.demand(f"{head}{marker}", written.origin)
        except UsageError:
            _ = written.marker  # raises what says more, if that is what is wrong
            raise

    def _at_address(
        self, written: _Written, folder: Path, *, is_editable: bool = False
    ) -> Demand | UnnamedDemand:
        address = self._settle(written.location, folder, written)
        demand = _unnamed(written, parse_reference(address, written.origin, is_editable=is_editable))
        # Of old, an address could say whose it is; a wheel's name says so by itself (pip).
        egg = parse_qs(urlsplit(address).fragment).get("egg")
        if not egg or demand.reference.kind is ReferenceKind.WHEEL:
            return demand
        named = parse_demand(egg[-1], written.origin)
        if named.reference or named.requirement.specifier or named.marker:
            raise written.error(_EXPECTED_EGG)
        return replace(demand, extras=demand.extras | named.extras).named(named.requirement.name)

    def _settle(self, address: str, folder: Path, written: _Written) -> str:
        """Make the address of a file absolute, and free of `..`, as pip does."""
        scheme, colon, rest = address.partition(":")
        path, mark, fragment = rest.partition("#")
        if not colon or scheme.lower() != "file" or (path.startswith("/") and "/.." not in path):
            return address
        if path.startswith("/"):
            return f"file:{posixpath.normpath(path)}{mark}{fragment}"
        if "://" in path:
            raise written.error(_EXPECTED_PATH)
        return f"{_as_url(self._expand(unquote(path), folder), written)}{mark}{fragment}"

    def _path(self, written: _Written, folder: Path) -> Path | None:
        """Give the path of a file or tree that is meant, None where it is a project's name."""
        path = self._expand(written.location, folder)
        has_archive_name = is_wheel(path.name) or sdist_stem(path.name) is not None
        if not (written.is_path or has_archive_name):
            return None
        mode = _mode(path)
        if (stat.S_ISDIR(mode) and written.is_path) or (stat.S_ISREG(mode) and has_archive_name):
            return path
        if _DIRECT.match(written.head):
            return None
        if mode or not (has_archive_name and written.marker):
            raise written.error(_EXPECTED_OTHER_FILE if mode else _EXPECTED_PATH)
        return path

    def _expand(self, text: str, folder: Path) -> Path:
        expanded = f"{self.home}{text[1:]}" if re.match(r"~($|[/\\])", text) else text
        return Path(os.path.normpath(folder.absolute() / expanded))


def _partition(text: str) -> tuple[str, str, str]:
    match = _SPACED_SEMICOLON.search(text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def _unnamed(written: _Written, reference: Reference) -> UnnamedDemand:
    hint = _read_name(reference)
    demand = UnnamedDemand(reference, written.origin, written.extras, written.marker, hint=hint)
    _check(demand)
    return demand


def _read_name(reference: Reference) -> str:
    """Give the name that a tree's pyproject.toml says without a build, empty for none."""
    if reference.kind is not ReferenceKind.TREE:
        return ""
    try:
        path = parse_url(reference.url).file_path / reference.subdirectory / "pyproject.toml"
        project = parse_project(read_regular(path, _PYPROJECT_BYTES, follow=True).decode(), str(path))
    except (OSError, ValueError, WheeltagError):
        # Whoever builds it will say what is wrong with it.
        return ""
    return project.name if project else ""


def _at_path(path: Path, written: _Written, *, is_editable: bool = False) -> Reference:
    url = _as_url(path, written)
    # A folder may be named like an archive.
    slash = "/" if stat.S_ISDIR(_mode(path)) and (is_wheel(url) or sdist_stem(url) is not None) else ""
    return parse_reference(f"{url}{slash}", written.origin, is_editable=is_editable)


def _as_url(path: Path, written: _Written) -> str:
    try:
        return path.as_uri()
    except ValueError as error:
        raise written.error(_EXPECTED_PATH) from error


def _check(demand: Demand | UnnamedDemand) -> None:
    """Look whether what a demand leads to can be there; raises ``UsageError``."""
    reference = demand.reference
    if reference is None:
        return
    if reference.kind is ReferenceKind.WHEEL:
        _check_wheel_name(reference, demand.origin)
    if reference.is_local:
        path = _locate(reference, demand.origin)
        # With a marker it may be meant for another machine.
        if demand.marker is None:
            _check_place(reference, path, demand.origin)


def _check_wheel_name(reference: Reference, origin: str) -> None:
    try:
        canonicalize_name(parse_wheel_name(reference.filename).name, validate=True)
    except ValueError as error:
        raise UsageError(origin, reference.shown_url, _EXPECTED_WHEEL) from error


def _locate(reference: Reference, origin: str) -> Path:
    try:
        url = parse_url(reference.url)
    except UsageError as error:
        raise UsageError(origin, reference.shown_url, _EXPECTED_HERE) from error
    if url.host and sys.platform != "win32":
        raise UsageError(origin, reference.shown_url, _EXPECTED_HERE)
    return url.file_path


def _check_place(reference: Reference, path: Path, origin: str) -> None:
    if reference.kind is not ReferenceKind.TREE:
        if not stat.S_ISREG(_mode(path)):
            raise UsageError(origin, reference.shown_url, _EXPECTED_PATH)
        return
    folder = path / reference.subdirectory
    if not any(stat.S_ISREG(_mode(folder / name)) for name in _PROJECT_FILES):
        raise UsageError(origin, reference.shown_url, _EXPECTED_TREE)


def _mode(path: Path) -> int:
    """Tell what there is, 0 for nothing that can be looked at."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0
