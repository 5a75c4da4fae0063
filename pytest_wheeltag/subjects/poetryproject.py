"""The project by which poetry is told what to install: pyproject.toml and poetry.toml, as its version knows them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.controls import ALL
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.requirements import ConfigSettings, Demand
from pytest_wheeltag.subjects.assignment import NAME, AnyDemand, Assignment, render_requirement
from pytest_wheeltag.subjects.tomltext import TomlValue, render_toml
from pytest_wheeltag.system.urls import Url

# By poetry's changelog: the first version that can be told a thing.
_PROJECT_TABLE = Version("2.0")
_PACKAGE_MODE = Version("1.8")
_PRIMARY_ALONE = Version("1.8")
_PRIORITIES = Version("1.5")
_BARE_ENVIRONMENTS = Version("1.2")
_ONLY_BINARY = Version("2.0")
_CONFIG_SETTINGS = Version("2.1")
_NAMES_BEFORE_ALL = Version("2.2")
_BUILD_CONSTRAINTS = Version("2.3")
_NAME_DIGITS = 8
_NOWHERE = "http://127.0.0.1:9/simple/"
"""An index that is not there (the discard port): without any, poetry asks PyPI."""


@dataclass(frozen=True)
class PoetryProject:
    """A project that asks for an assignment, for one version of poetry."""

    assignment: Assignment
    version: Version

    def find_untold(self) -> Iterator[str]:
        """Say what this version of poetry cannot be told, a clause each."""
        assignment = self.assignment
        yield from assignment.find_untold()
        if links := assignment.find_links:
            yield f"it knows no folders or pages of links: `{links[0]}`"
        if any(url.scheme == "file" for url in assignment.indexes):
            yield "it asks no index in a folder"
        if assignment.exclude_newer:
            yield "it knows no moment after which uploads do not count"
        if assignment.controls.wheels_first.included or assignment.controls.prereleases.included:
            yield "it knows no preference for wheels or pre-releases that covers all that is needed"
        yield from self._find_later()

    def _find_later(self) -> Iterator[str]:
        """Say what later versions can be told."""
        assignment, wheels = self.assignment, self.assignment.controls.wheels_only
        demands = assignment.request.requirements
        both = wheels.included and wheels.excluded and ALL in wheels.included | wheels.excluded
        wanted: tuple[tuple[object, Version, str], ...] = (
            # It makes one of its own where the active one holds no pip.
            (True, _BARE_ENVIRONMENTS, "to install into an environment without pip"),
            (wheels.included, _ONLY_BINARY, "of which projects only wheels are taken"),
            (both, _NAMES_BEFORE_ALL, "which projects are exceptions"),
            (any(each.config_settings for each in demands), _CONFIG_SETTINGS, "config settings"),
            (assignment.build_constraints, _BUILD_CONSTRAINTS, "build constraints"),
        )
        for is_wanted, first, what in wanted:
            if is_wanted and self.version < first:
                yield f"before {first} it cannot be told {what}"

    def render(self, names: Iterable[NormalizedName] = ()) -> str:
        """Write pyproject.toml; build constraints bind the builds of what is asked for and of ``names`` besides."""
        source: dict[str, TomlValue] = {"source": list(self._sources())}
        if self.version < _PROJECT_TABLE:
            return render_toml({"tool.poetry": self._old_metadata() | source, **self._old_dependencies()})
        demands = self.assignment.request.requirements
        editable: dict[str, TomlValue] = {each.name: _table(each) for each in demands if _is_editable(each)}
        project: dict[str, TomlValue] = {
            "name": NAME,
            "version": "0",
            "requires-python": f"=={self.assignment.interpreter.version}",
            "dependencies": [_in_project(each) for each in demands],
        }
        return render_toml(
            {
                "project": project,
                "tool.poetry": {"package-mode": False, **source},
                "tool.poetry.dependencies": editable,
                "tool.poetry.build-constraints": self._build_constraints(names),
            }
        )

    def render_settings(self) -> str:
        """Write poetry.toml."""
        settings: dict[str, TomlValue] = {
            each.name: _settings(each.config_settings)
            for each in self.assignment.request.requirements
            if each.config_settings
        }
        return render_toml({"installer.build-config-settings": settings})

    def variables(self) -> Mapping[str, str]:
        """Give the environment variables that go with the project; they may hold credentials."""
        wheels = self.assignment.controls.wheels_only
        found = {
            "POETRY_INSTALLER_NO_BINARY": ",".join(sorted(wheels.excluded)),
            "POETRY_INSTALLER_ONLY_BINARY": ",".join(sorted(wheels.included)),
        }
        for url in self.assignment.indexes:
            found |= self._access(_source_name(url.target).upper().replace("-", "_"), url)
        return {name: value for name, value in found.items() if value}

    def _access(self, name: str, url: Url) -> dict[str, str]:
        configuration = self.assignment.configuration
        is_trusted = {url.host, url.netloc} & set(configuration.trusted_hosts)
        return {
            f"POETRY_HTTP_BASIC_{name}_USERNAME": url.username or "",
            f"POETRY_HTTP_BASIC_{name}_PASSWORD": url.password or "",
            f"POETRY_CERTIFICATES_{name}_CERT": "false" if is_trusted else configuration.cert or "",
            f"POETRY_CERTIFICATES_{name}_CLIENT_CERT": configuration.client_cert or "",
        }

    def _sources(self) -> Iterator[dict[str, TomlValue]]:
        urls = [url.target for url in self.assignment.indexes] or [_NOWHERE]
        for number, url in enumerate(urls):
            # One that is the default takes PyPI's place; since 1.8 any that is primary does.
            is_default = number == 0 and self.version < _PRIMARY_ALONE
            level: dict[str, TomlValue] = {"priority": "default" if is_default else "primary"}
            if self.version < _PRIORITIES:
                level = {"default": True} if is_default else {"secondary": False}
            yield {"name": _source_name(url), "url": url, **level}

    def _old_metadata(self) -> dict[str, TomlValue]:
        if self.version >= _PACKAGE_MODE:
            return {"package-mode": False}
        return {"name": NAME, "version": "0", "description": "", "authors": []}

    def _old_dependencies(self) -> dict[str, dict[str, TomlValue]]:
        tables: dict[str, list[dict[str, TomlValue]]] = {}
        for demand in self.assignment.request.requirements:
            tables.setdefault(demand.name, []).append(_table(demand))
        named: dict[str, TomlValue] = {
            name: each[0] if len(each) == 1 else each for name, each in tables.items()
        }
        return {"tool.poetry.dependencies": {"python": self.assignment.interpreter.version, **named}}

    def _build_constraints(self, names: Iterable[NormalizedName]) -> dict[str, TomlValue]:
        if not self.assignment.build_constraints:
            return {}
        bounds: dict[str, TomlValue] = {each.name: _table(each) for each in self.assignment.build_constraints}
        asked = [each.name for each in self.assignment.request.requirements]
        return dict.fromkeys(sorted({*asked, *names}), bounds)


def _source_name(url: str) -> str:
    """Name a source after its address: what poetry keeps of releases it keeps under the source's name alone."""
    return f"index-{hashlib.sha256(url.encode()).hexdigest()[:_NAME_DIGITS]}"


def _in_project(demand: AnyDemand) -> str:
    """Give the dependency in the project table; of an editable tree the other table says where it lies."""
    if not _is_editable(demand):
        return render_requirement(demand)
    extras = f"[{','.join(sorted(demand.extras))}]" if demand.extras else ""
    return f"{demand.name}{extras}{f' ; {demand.marker}' if demand.marker else ''}"


def _table(demand: AnyDemand) -> dict[str, TomlValue]:
    """Write a demand in poetry's own terms."""
    found: dict[str, TomlValue] = {}
    if demand.reference is not None:
        found |= _place(demand.reference)
    elif isinstance(demand, Demand):
        found["version"] = str(demand.requirement.specifier) or "*"
    if demand.extras:
        found["extras"] = sorted(demand.extras)
    if demand.marker:
        found["markers"] = str(demand.marker)
    return found


def _place(reference: Reference) -> dict[str, TomlValue]:
    part: dict[str, TomlValue] = {"subdirectory": reference.subdirectory} if reference.subdirectory else {}
    if not reference.is_local:
        return {"url": reference.url, **part}
    is_tree = reference.kind is ReferenceKind.TREE
    develop: dict[str, TomlValue] = {"develop": reference.is_editable} if is_tree else {}
    return {"path": unquote(urlsplit(reference.url).path), **develop, **part}


def _settings(settings: ConfigSettings) -> dict[str, TomlValue]:
    found: dict[str, list[str]] = {}
    for key, value in settings:
        found.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


def _is_editable(demand: AnyDemand) -> bool:
    return demand.reference is not None and demand.reference.is_editable
