"""What the user asked for, read once from options, environment variables and ini values."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.core.verdict import Policy, parse_acceptance
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.plugin import SETTINGS
from pytest_wheeltag.system.cache import locate_cache
from pytest_wheeltag.system.sources import SourceOptions, parse_moment


@dataclass(frozen=True)
class Settings:
    """Everything that options, environment variables and ini values say about the checks.

    ``environments`` are absolute paths, empty for the environment that runs pytest; ``json_file``
    is None where no report is wanted.
    """

    is_exclusive: bool
    environments: tuple[Path, ...]
    is_inherited: bool
    sources: SourceOptions
    policy: Policy
    json_file: Path | None


SETTINGS_KEY = pytest.StashKey[Settings]()


def read_settings(config: pytest.Config) -> Settings:
    """Read all settings: an option wins over an environment variable, that over an ini value.

    Raises ``UsageError`` that names the option or ini value, what was found, and what is allowed.
    """
    reader = _Reader(config)
    return Settings(
        is_exclusive=reader.flag("only"),
        environments=reader.paths("env"),
        is_inherited=reader.flag("inherited"),
        sources=_read_sources(reader),
        policy=_read_policy(reader),
        json_file=reader.path("json"),
    )


def _read_sources(reader: "_Reader") -> SourceOptions:
    configured = reader.path("cache-dir", variable="WHEELTAG_CACHE_DIR")
    return SourceOptions(
        cache=locate_cache(configured, os.environ),
        index_url=reader.text("index-url"),
        extra_index_urls=reader.texts("extra-index-url"),
        find_links=reader.locations("find-links"),
        no_index=reader.flag("no-index"),
        strategy=reader.text("index-strategy"),
        is_offline=reader.flag("offline"),
        exclude_newer=_read_moment(reader),
    )


def _read_policy(reader: "_Reader") -> Policy:
    texts, origin, _ = reader.value("accept")
    return Policy(
        tuple(parse_acceptance(text, setting=origin) for text in texts or ()), reader.flag("strict")
    )


def _read_moment(reader: "_Reader") -> datetime | None:
    text, origin, _ = reader.value("exclude-newer")
    return parse_moment(text, setting=origin) if text else None


class _Reader:
    """Reads one setting after the other by the rule of precedence."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._table = {setting.name: setting for setting in SETTINGS}

    def value(self, name: str, variable: str = "") -> tuple[Any, str, Path]:
        """Give a setting's value, where it was set, and the folder that its paths are relative to."""
        setting = self._table[name]
        working_folder = self._config.invocation_params.dir
        option = self._config.getoption(setting.dest)
        if option is not None or not setting.has_ini:
            return option, setting.option, working_folder
        if os.environ.get(variable):
            return os.environ[variable], variable, working_folder
        value = self._config.getini(setting.ini)
        if setting.choices and value and value not in setting.choices:
            raise UsageError(setting.ini, value, " or ".join(f"`{choice}`" for choice in setting.choices))
        inipath = self._config.inipath
        return value, setting.ini, inipath.parent if inipath else self._config.rootpath

    def flag(self, name: str) -> bool:
        return bool(self.value(name)[0])

    def text(self, name: str) -> str | None:
        return self.value(name)[0] or None

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(self.value(name)[0] or ())

    def paths(self, name: str) -> tuple[Path, ...]:
        values, _, folder = self.value(name)
        return tuple(folder / Path(value).expanduser() for value in values or ())

    def path(self, name: str, variable: str = "") -> Path | None:
        value, _, folder = self.value(name, variable)
        return folder / Path(value).expanduser() if value else None

    def locations(self, name: str) -> tuple[str, ...]:
        """Give paths as absolute ones and addresses as they are."""
        values, _, folder = self.value(name)
        return tuple(
            each if "://" in each else str(folder / Path(each).expanduser()) for each in values or ()
        )
