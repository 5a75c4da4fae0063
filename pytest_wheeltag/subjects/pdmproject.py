"""The project by which pdm is told what to install, and its configuration, as its version knows them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from pytest_wheeltag.core.controls import ALL
from pytest_wheeltag.subjects.assignment import NAME, AnyDemand, Assignment, render_requirement
from pytest_wheeltag.subjects.tomltext import TomlValue, render_toml
from pytest_wheeltag.system.urls import Url

# By pdm's changelog: the first version that can be told a thing.
_NO_BINARY = Version("2.0")
_PRERELEASES = Version("2.8")
_PREFER_BINARY = Version("2.5")
_CONFIG_SETTINGS = Version("2.13")
_EXCLUDE_NEWER = Version("2.26.9")
# The source of this name takes PyPI's place.
_DEFAULT = "pypi"


@dataclass(frozen=True)
class PdmProject:
    """A project that asks for an assignment, for one version of pdm."""

    assignment: Assignment
    version: Version

    def find_untold(self) -> Iterator[str]:
        """Say what this version of pdm cannot be told, a clause each."""
        assignment = self.assignment
        yield from assignment.find_untold()
        if assignment.build_constraints:
            yield "it knows no build constraints"
        if any(url.scheme == "file" for url in assignment.indexes):
            yield "it asks no index in a folder"
        if assignment.controls.prereleases.included - {ALL}:
            yield "it knows no pre-releases of single projects"
        if len({each.config_settings for each in assignment.request.requirements}) > 1:
            yield "it tells all builds the same config settings"
        for demand in assignment.request.requirements:
            if _is_editable(demand) and demand.marker:
                yield f"it knows no marker of the editable tree {demand.text}"
        yield from self._find_later()

    def _find_later(self) -> Iterator[str]:
        """Say what later versions can be told."""
        controls = self.assignment.controls
        wanted: tuple[tuple[object, Version, str], ...] = (
            (controls.wheels_only.included, _NO_BINARY, "of which projects only wheels are taken"),
            (controls.wheels_only.excluded, _NO_BINARY, "of which projects no wheels are taken"),
            (controls.wheels_first.included, _PREFER_BINARY, "a preference for wheels"),
            (controls.prereleases.included, _PRERELEASES, "that pre-releases count"),
            (self.settings, _CONFIG_SETTINGS, "config settings"),
            (self.assignment.exclude_newer, _EXCLUDE_NEWER, "after which moment uploads do not count"),
        )
        for is_wanted, first, what in wanted:
            if is_wanted and self.version < first:
                yield f"before {first} it cannot be told {what}"

    @property
    def settings(self) -> tuple[str, ...]:
        """The config settings that all builds are told, as options of its commands."""
        told = [each.config_settings for each in self.assignment.request.requirements]
        return tuple(f"--config-setting={key}={value}" for key, value in (told[0] if told else ()))

    def render(self, empty: Path) -> str:
        """Write pyproject.toml; ``empty`` is a folder without files, which stands where there is no source."""
        demands = self.assignment.request.requirements
        project: dict[str, TomlValue] = {
            "name": NAME,
            "version": "0",
            "requires-python": f"=={self.assignment.interpreter.version}",
            "dependencies": [render_requirement(each) for each in demands if not _is_editable(each)],
        }
        editable = [_render_editable(each) for each in demands if _is_editable(each)]
        return render_toml(
            {
                "project": project,
                "tool.pdm": {"distribution": False, "source": list(self._sources(empty))},
                "tool.pdm.resolution": self._resolution(),
                # No table of the project takes them.
                "tool.pdm.dev-dependencies": {"editable": editable} if editable else {},
            }
        )

    def _resolution(self) -> dict[str, TomlValue]:
        found: dict[str, TomlValue] = {}
        if ALL in self.assignment.controls.prereleases.included:
            found["allow-prereleases"] = True
        if moment := self.assignment.exclude_newer:
            found["exclude-newer"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        return found

    def _sources(self, empty: Path) -> Iterator[dict[str, TomlValue]]:
        places = [(url, "index") for url in self.assignment.indexes]
        places += [(url, "find_links") for url in self.assignment.find_links]
        if not places:
            yield {"name": _DEFAULT, "url": empty.as_uri(), "type": "find_links", "verify_ssl": True}
        for number, (url, kind) in enumerate(places):
            yield {
                "name": f"source-{number}" if number else _DEFAULT,
                "url": url.target,
                "type": kind,
                **self._access(url),
            }

    def _access(self, url: Url) -> dict[str, TomlValue]:
        configuration = self.assignment.configuration
        found = {
            "username": url.username,
            "password": url.password,
            "ca_certs": configuration.cert,
            "client_cert": configuration.client_cert,
        }
        is_trusted = bool({url.host, url.netloc} & set(configuration.trusted_hosts))
        return {"verify_ssl": not is_trusted, **{name: value for name, value in found.items() if value}}

    def variables(self) -> Mapping[str, str]:
        """Give the environment variables that go with the project."""
        controls = self.assignment.controls
        found = {
            "PDM_NO_BINARY": controls.wheels_only.excluded,
            "PDM_ONLY_BINARY": controls.wheels_only.included,
            "PDM_PREFER_BINARY": controls.wheels_first.included,
        }
        return {name: ",".join(sorted(names)) for name, names in found.items() if names}


def render_configuration(cache: Path, *, has_install_cache: bool) -> str:
    """Write pdm's configuration: where it keeps things, and whether it links environments to unpacked wheels."""
    return render_toml(
        {
            # Of old the cache's folder had no variable, and active environments counted only on request.
            "": {"cache_dir": str(cache), "check_update": False},
            "install": {"cache": True} if has_install_cache else {},
            "python": {"use_venv": True},
        }
    )


def _render_editable(demand: AnyDemand) -> str:
    extras = f"[{','.join(sorted(demand.extras))}]" if demand.extras else ""
    address = demand.reference.url if demand.reference else ""
    return f"-e {address}#egg={demand.name}{extras}"


def _is_editable(demand: AnyDemand) -> bool:
    return demand.reference is not None and demand.reference.is_editable
