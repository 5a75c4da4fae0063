"""What pyproject.toml says: how a source tree is built, what its project declares, its dependency groups."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from packaging.dependency_groups import DependencyGroupInclude, DependencyGroupResolver
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidName, NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.text import nearest_spelling, quoted
from pytest_wheeltag.core.tomltable import TomlTable, cut_text
from pytest_wheeltag.errors import PyprojectError, UsageError

LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
LEGACY_REQUIRES = ("setuptools>=40.8.0",)

# The largest known has a tenth of it; tomllib takes seconds for hostile ones of many megabytes.
_MAX_CHARACTERS = 1_000_000
_MAX_REQUIREMENTS = 10_000
_MAX_LINE_CHARACTERS = 10_000
_MAX_INCLUDES = 50

_BUILD_SYSTEM = "build-system"
_PROJECT = "project"
_GROUPS = "dependency-groups"
_DRIVE = re.compile(r"[A-Za-z]:")
_SEPARATORS = re.compile(r"[/\\]")


@dataclass(frozen=True)
class BuildSystem:
    """How a source tree becomes a wheel (PEP 517, PEP 518).

    ``requires`` are requirements as written; ``backend`` is ``MODULE`` or ``MODULE:OBJECT``. The folders in
    ``backend_path`` are relative to the source tree and, as far as their text tells, inside it.
    """

    requires: tuple[str, ...] = LEGACY_REQUIRES
    backend: str = LEGACY_BACKEND
    backend_path: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProjectTable:
    """What the project table declares without a build (PEP 621).

    What ``dynamic`` names is only known once the backend was asked, whatever stands in the field of that name.
    Requirements are as written, ``extras`` under their normalised names, ``requires_python`` is empty where any
    will do.
    """

    name: str
    version: str | None = None
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
    extras: Mapping[NormalizedName, tuple[str, ...]] = field(default_factory=dict)
    dynamic: frozenset[str] = frozenset()


def parse_build_system(text: str | None, origin: str) -> BuildSystem:
    """Parse the build-system table of pyproject.toml (PEP 517, PEP 518), None for a tree without that file.

    What is not said is as pip has it: setuptools' legacy backend. Raises ``PyprojectError``, which names ``origin``.
    """
    table = None if text is None else _parse_document(text, origin).table(_BUILD_SYSTEM)
    if table is None:
        return BuildSystem()
    if "requires" not in table.values:
        raise table.error("requires", "expected a list of requirements (PEP 518)", "none")
    requires = tuple(map(str.strip, _requirements(table, "requires")))
    return BuildSystem(requires, _parse_backend(table), tuple(_parse_backend_path(table)))


def parse_project(text: str, origin: str) -> ProjectTable | None:
    """Parse the project table of pyproject.toml (PEP 621), None where there is none; raises ``PyprojectError``."""
    table = _parse_document(text, origin).table(_PROJECT)
    if table is None:
        return None
    return ProjectTable(
        _parse_name(table),
        _parse_version(table),
        _parse_requires_python(table),
        _requirements(table, "dependencies"),
        _parse_extras(table),
        _parse_dynamic(table),
    )


def resolve_groups(text: str, names: Sequence[str], origin: str) -> tuple[str, ...]:
    """Give the requirements of dependency groups, one group after the other, included ones in their place.

    Follows PEP 735: what is there twice stays there twice. Raises ``UsageError`` for a name that no group has,
    ``PyprojectError`` for groups that include each other in a circle or nothing, and for what is no requirement;
    only groups that are asked for count.
    """
    groups = _Groups.parse(_parse_document(text, origin))
    for name in names:
        if canonicalize_name(name) not in groups.known:
            setting = f"dependency groups of {origin}"
            raise UsageError(
                setting, cut_text(name), f"a group's name ({nearest_spelling(name, groups.known)})"
            )
    return tuple(chain.from_iterable(groups.resolve(name) for name in names))


def _parse_document(text: str, origin: str) -> TomlTable:
    return TomlTable.parse(text, origin, PyprojectError, max_characters=_MAX_CHARACTERS)


def _requirements(table: TomlTable, key: str) -> tuple[str, ...]:
    """Give a list of requirements, checked but as written."""
    lines = table.texts(key)
    if len(lines) > _MAX_REQUIREMENTS:
        raise table.error(key, f"expected at most {_MAX_REQUIREMENTS} requirements", str(len(lines)))
    for line in lines:
        if not _is_requirement(line):
            raise table.error(key, "expected requirements (PEP 508)", quoted(line))
    return lines


def _is_requirement(line: str) -> bool:
    if len(line) > _MAX_LINE_CHARACTERS:
        return False
    try:
        Requirement(line)
    except (InvalidRequirement, ValueError, RecursionError):
        return False
    return True


def _parse_backend(table: TomlTable) -> str:
    backend = table.text("build-backend")
    if backend is None:
        return LEGACY_BACKEND
    module, _, attribute = backend.partition(":")
    parts = [*module.split("."), *(attribute.split(".") if ":" in backend else ())]
    if not all(part.isidentifier() for part in parts):
        raise table.error("build-backend", "expected `MODULE` or `MODULE:OBJECT`", quoted(backend))
    return backend


def _parse_backend_path(table: TomlTable) -> Iterator[str]:
    for path in table.texts("backend-path"):
        if not _stays_inside(path):
            raise table.error("backend-path", "expected folders inside the source tree", quoted(path))
        yield path


def _stays_inside(path: str) -> bool:
    r"""Tell whether a path is relative and never leads above where it starts, whether or not ``\`` separates."""
    if not path or path.startswith(("/", "\\")) or _DRIVE.match(path) or not path.isprintable():
        return False
    depth = 0
    for part in _SEPARATORS.split(path):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return False
    return True


def _parse_name(table: TomlTable) -> str:
    name = table.text("name")
    if name is None:
        raise table.error("name", "expected the project's name (PEP 621)", "none")
    if not _is_name(name):
        raise table.error("name", "expected the project's name", quoted(name))
    return name


def _is_name(text: str) -> bool:
    try:
        canonicalize_name(text, validate=True)
    except InvalidName:
        return False
    return True


def _parse_version(table: TomlTable) -> str | None:
    version = table.text("version")
    try:
        return version if version is None else str(Version(version))
    except (InvalidVersion, ValueError) as error:
        raise table.error("version", "expected a version (PEP 440)", quoted(version or "")) from error


def _parse_requires_python(table: TomlTable) -> str:
    specifier = table.text("requires-python") or ""
    try:
        return str(SpecifierSet(specifier))
    except (InvalidSpecifier, ValueError) as error:
        raise table.error("requires-python", "expected versions (PEP 440)", quoted(specifier)) from error


def _parse_extras(table: TomlTable) -> dict[NormalizedName, tuple[str, ...]]:
    declared = table.table("optional-dependencies") or table.within({}, "optional-dependencies")
    extras: dict[NormalizedName, tuple[str, ...]] = {}
    for name in declared.values:
        key = canonicalize_name(name)
        if not _is_name(name):
            raise table.error("optional-dependencies", "expected names of extras", quoted(name))
        if key in extras:
            # PEP 685: which of the two is meant cannot be told.
            raise table.error("optional-dependencies", "expected each extra once", f"{quoted(key)} twice")
        extras[key] = _requirements(declared, name)
    return extras


def _parse_dynamic(table: TomlTable) -> frozenset[str]:
    dynamic = frozenset(table.texts("dynamic"))
    if "name" in dynamic:
        raise table.error("dynamic", "expected fields other than `name` (PEP 621)", "it")
    return dynamic


@dataclass(frozen=True)
class _Groups:
    """The dependency groups of a file, read as they are asked for; ``known`` are their normalised names."""

    origin: str
    resolver: DependencyGroupResolver
    known: frozenset[str]
    resolved: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, document: TomlTable) -> "_Groups":
        """Take the table of groups; raises ``PyprojectError`` where two have the same normalised name."""
        table = document.table(_GROUPS)
        try:
            resolver = DependencyGroupResolver(table.values if table is not None else {})
        except ExceptionGroup as errors:
            problem = f"expected each group once in `{_GROUPS}`, found {_first(errors)}"
            raise PyprojectError(document.origin, problem) from errors
        return cls(document.origin, resolver, frozenset(resolver.dependency_groups))

    def resolve(self, name: str, path: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Give the requirements of a group; ``path`` are the groups that include it, outermost first."""
        key = str(canonicalize_name(name))
        if key in path:
            circle = " includes ".join(map(quoted, (*path[path.index(key) :], key)))
            raise self._error(key, "expected groups that end", f"a circle, {circle}")
        if len(path) > _MAX_INCLUDES:
            raise self._error(key, f"expected at most {_MAX_INCLUDES} groups in each other", "more")
        if key not in self.resolved:
            lines = tuple(islice(self._lines(key, path), _MAX_REQUIREMENTS + 1))
            if len(lines) > _MAX_REQUIREMENTS:
                raise self._error(key, f"expected at most {_MAX_REQUIREMENTS} requirements", "more")
            self.resolved[key] = lines
        return self.resolved[key]

    def _lines(self, key: str, path: tuple[str, ...]) -> Iterator[str]:
        for item in self._items(key):
            if not isinstance(item, DependencyGroupInclude):
                yield str(item)
                continue
            if canonicalize_name(item.include_group) not in self.known:
                found = f"{quoted(item.include_group)} ({nearest_spelling(item.include_group, self.known)})"
                raise self._error(key, "expected to include known groups", found)
            yield from self.resolve(item.include_group, (*path, key))

    def _items(self, key: str) -> tuple[Requirement | DependencyGroupInclude, ...]:
        try:
            return self.resolver.lookup(key)
        except ExceptionGroup as errors:
            raise self._error(key, "expected requirements (PEP 735)", _first(errors)) from errors
        except RecursionError as error:
            raise self._error(key, "expected requirements (PEP 735)", "one nested too deep") from error

    def _error(self, key: str, expected: str, found: str) -> PyprojectError:
        return PyprojectError(self.origin, f"{expected} in `{_GROUPS}.{cut_text(key)}`, found {found}")


def _first(errors: ExceptionGroup) -> str:
    return cut_text(str(errors.exceptions[0]).partition("\n")[0])
