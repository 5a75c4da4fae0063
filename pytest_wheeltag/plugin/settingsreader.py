"""One setting after the other, by the rule of precedence: an option, an environment variable, an ini value."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.plugin import SETTINGS
from pytest_wheeltag.system.requestfiles import RequestReader

_WHOLE_NUMBER = "a whole number from 1 upwards"
_EXPECTED_FORMS = {"flag": "`true` or `false`", "number": _WHOLE_NUMBER}


@dataclass(frozen=True)
class Found:
    """A setting's value as written, where it was set, and the folder that its paths are relative to."""

    value: Any
    origin: str
    folder: Path

    def absolute(self, text: str) -> Path:
        """Give a path of this setting as an absolute one; raises ``UsageError`` for a home folder that there is not."""
        try:
            return self.folder / Path(text).expanduser()
        except RuntimeError as error:
            raise UsageError(self.origin, text, "a path in a home folder that there is") from error


class SettingsReader:
    """Reads one setting after the other by the rule of precedence."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._table = {setting.name: setting for setting in SETTINGS}

    def find(self, name: str, variable: str = "") -> Found:
        """Give a setting's value and where it was set; raises ``UsageError`` for a choice that there is not."""
        found = self._look_up(name, variable)
        choices = self._table[name].choices
        if choices and found.value and found.value not in choices:
            raise UsageError(found.origin, found.value, " or ".join(f"`{choice}`" for choice in choices))
        return found

    def _look_up(self, name: str, variable: str) -> Found:
        setting = self._table[name]
        working_folder = self._config.invocation_params.dir
        option = self._config.getoption(setting.dest) if setting.has_option else None
        if option is not None or not setting.has_ini:
            return Found(option, setting.option, working_folder)
        if os.environ.get(variable):
            return Found(os.environ[variable], variable, working_folder)
        inipath = self._config.inipath
        folder = inipath.parent if inipath else self._config.rootpath
        try:
            value = self._config.getini(setting.ini)
        except (ValueError, TypeError, pytest.UsageError) as error:
            # pytest quotes what it found.
            found = re.findall(r"'([^']*)'", str(error)) or [str(error)]
            expected = _EXPECTED_FORMS.get(setting.form, "another type")
            raise UsageError(setting.ini, printable(found[-1]), expected) from error
        return Found(value, setting.ini, folder)

    def flag(self, name: str) -> bool:
        """Give whether a flag is set."""
        return bool(self.find(name).value)

    def text(self, name: str, variable: str = "") -> str | None:
        """Give a text, None where there is none."""
        return self.find(name, variable).value or None

    def texts(self, name: str) -> tuple[str, ...]:
        """Give a list."""
        return tuple(self.find(name).value or ())

    def number(self, name: str) -> int | None:
        """Give a whole number from 1 upwards, None where there is none; raises ``UsageError``."""
        found = self.find(name)
        if found.value is not None and found.value < 1:
            raise UsageError(found.origin, str(found.value), _WHOLE_NUMBER)
        return int(found.value) if found.value is not None else None

    def paths(self, name: str) -> tuple[Path, ...]:
        """Give a list of absolute paths."""
        found = self.find(name)
        if "" in (found.value or ()):
            raise UsageError(found.origin, "", "a path")
        return tuple(found.absolute(value) for value in found.value or ())

    def path(self, name: str, variable: str = "") -> Path | None:
        """Give an absolute path, None where there is none."""
        found = self.find(name, variable)
        return found.absolute(found.value) if found.value else None

    def locations(self, name: str) -> tuple[str, ...]:
        """Give paths as absolute ones and addresses as they are."""
        found = self.find(name)
        return tuple(each if "://" in each else str(found.absolute(each)) for each in found.value or ())

    @property
    def requests(self) -> RequestReader:
        """Reads requirements and files of them; paths in requirements files start from the working folder, as with pip."""
        return RequestReader(self._config.invocation_params.dir, os.environ)
