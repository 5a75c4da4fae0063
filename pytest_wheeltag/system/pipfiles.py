"""Where pip looks for its configuration, and what stands there, setting by setting."""

import configparser
import locale
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.files import read_regular

_MEGABYTE = 1_000_000
# `[install]` counts, since what we compare with is what `pip install` takes.
_SECTIONS = ("global", "install")
_IGNORED = frozenset({"version", "help"})
_PREFIX = "PIP_"


@dataclass(frozen=True)
class PipPlaces:
    """The machine as pip sees it: environment variables, home folder, pip's own prefix and ``sys.platform``."""

    environ: Mapping[str, str]
    home: Path
    prefix: Path
    platform: str = "linux"
    folder: Path = field(default_factory=Path.cwd)

    @property
    def config_name(self) -> str:
        """The name of a configuration file."""
        return "pip.ini" if self.platform == "win32" else "pip.conf"

    def files(self) -> tuple[Path, ...]:
        """Give the configuration files in pip's order: a later one overrides an earlier one.

        Global, user, environment, ``PIP_CONFIG_FILE``; the user's do not count where that last one exists,
        and none counts where it is the null device.
        """
        named = self.environ.get("PIP_CONFIG_FILE")
        if named == os.devnull:
            return ()
        last = (Path(named),) if named else ()
        user = () if last and last[0].exists() else self._user_folders()
        folders = (*self._global_folders(), *user, self.prefix)
        return (*(folder / self.config_name for folder in folders), *last)

    def _global_folders(self) -> tuple[Path, ...]:
        if self.platform == "win32":
            return (Path(self.environ.get("PROGRAMDATA") or r"C:\ProgramData") / "pip",)
        if self.platform == "darwin":
            return (*self._homebrew_folders(), Path("/Library/Application Support/pip"))
        listed = self.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        return (*(Path(each) / "pip" for each in listed.split(":") if each), Path("/etc"))

    def _homebrew_folders(self) -> tuple[Path, ...]:
        prefix = "/opt/homebrew" if str(self.prefix).startswith("/opt/homebrew") else ""
        return (Path(prefix) / "share/pip",) if prefix else ()

    def _user_folders(self) -> tuple[Path, ...]:
        if self.platform == "win32":
            roaming = self.environ.get("APPDATA")
            folder = Path(roaming) if roaming else self.home / "AppData/Roaming"
            return self.home / "pip", folder / "pip"
        return self.home / ".pip", self._config_home() / "pip"

    def _config_home(self) -> Path:
        support = self.home / "Library/Application Support"
        if self.platform == "darwin":
            return support if (support / "pip").is_dir() else self.home / ".config"
        return Path(self.environ.get("XDG_CONFIG_HOME") or self.home / ".config")


@dataclass(frozen=True)
class PipSetting:
    """The text of a setting and where it came from: a file with section, or an environment variable."""

    text: str = field(repr=False)
    origin: str


def read_settings(places: PipPlaces) -> tuple[dict[str, PipSetting], ...]:
    """Read every setting for ``pip install``, by its long name without dashes in front, in layers.

    ``[global]`` of all files, ``[install]`` of all files, variables: the later layer wins. Within a layer the
    later file wins; an empty value stands for none.
    Raises ``UsageError`` for a file that cannot be parsed and ``UnsafeFileError`` for one that is no file.
    """
    found: dict[str, dict[str, PipSetting]] = {section: {} for section in _SECTIONS}
    for path in places.files():
        for section, name, text in _read_file(path):
            found[section][name] = PipSetting(text, f"{path} [{section}]")
    layers = [*found.values(), dict(_variables(places.environ))]
    return tuple({name: setting for name, setting in layer.items() if setting.text} for layer in layers)


class _Parser(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return _normalize(optionstr)


def _normalize(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")


def _read_file(path: Path) -> Iterator[tuple[str, str, str]]:
    try:
        data = read_regular(path, _MEGABYTE, follow=True)
    except OSError:  # pip goes on without a file that it cannot read
        return
    encoding = locale.getpreferredencoding(do_setlocale=False)
    parser = _Parser()
    try:
        parser.read_string(data.decode(encoding))
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is not {encoding}"
        raise UsageError(str(path), found, f"a text file in {encoding}") from error
    except configparser.Error as error:
        # Its own text quotes the line, and there may be a password in it.
        line = getattr(error, "lineno", None) or "?"
        found = f"{type(error).__name__} in line {line}"
        raise UsageError(str(path), found, "a pip configuration file") from None
    for section in _SECTIONS:
        if parser.has_section(section):
            yield from ((section, name, text) for name, text in parser.items(section))


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, PipSetting]]:
    for variable, text in environ.items():
        name = _normalize(variable.removeprefix(_PREFIX))
        if variable.startswith(_PREFIX) and name not in _IGNORED:
            yield name, PipSetting(text, variable)
