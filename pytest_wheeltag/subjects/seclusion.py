"""What an installer's processes see of the machine: nothing of the user's settings, and a home of their own."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self
from urllib.parse import quote

from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.urls import Url
from pytest_wheeltag.workplace import Workplace

# Settings of installers, of interpreters and of the environment that runs us: none of them is part of a test.
_DROPPED = (
    *("PIP_", "UV_", "POETRY_", "PDM_", "PYTHON", "VIRTUALENV_", "VIRTUAL_ENV", "CONDA_", "XDG_"),
    *("__PYVENV_LAUNCHER__", "PIPENV_", "HATCH_ENV_", "NETRC"),
)
_HOME = "home"
# As Python's and Rust's libraries look for the folder of temporary files.
_TEMPORARY = ("TMPDIR", "TEMP", "TMP")
_HIDDEN = "****"
_USER_OF_URL = re.compile(r"(?<=://)[^\s/@'\"]+@")
_SETTING = re.compile(r"(?<=--config-setting=)([^=]*=).*|(?<=--config-settings=)([^=]*=).*", re.DOTALL)


@dataclass(frozen=True)
class Seclusion:
    """The environment variables of an installer's processes, which words of theirs must not be shown, and their home.

    Without a ``home`` temporary files lie where the machine has them.
    """

    variables: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    home: Path | None = None

    def told(self, variables: Mapping[str, str]) -> Self:
        """Give the same with further variables; an empty one is left out."""
        kept = {name: value for name, value in variables.items() if value}
        return replace(self, variables={**self.variables, **kept})

    @contextmanager
    def with_temporary_folder(self) -> Iterator[Self]:
        """Give the same with a folder for temporary files below its home, which is gone afterwards with all in it.

        Installers leave some behind, above all where they fail or are ended.
        """
        if self.home is None:
            yield self
            return
        with TemporaryDirectory(prefix="tmp-", dir=self.home, ignore_cleanup_errors=True) as folder:
            yield self.told(dict.fromkeys(_TEMPORARY, folder))

    def redact(self, text: str) -> str:
        """Take out of a text whoever's password it is, known or in an address."""
        for secret in self.secrets:
            text = text.replace(secret, _HIDDEN)
        return _USER_OF_URL.sub(f"{_HIDDEN}@", text)

    def redact_word(self, word: str) -> str:
        """Take out of a word of a command what ``redact`` does, and what a build backend is told."""
        return _SETTING.sub(rf"\1\2{_HIDDEN}", self.redact(word))


def seclude(environ: Mapping[str, str], folder: Path) -> Seclusion:
    """Give what a process sees of a machine, with its home and all that lies below a home in ``folder``.

    ``PATH``, certificates, proxies, compilers and their flags stay.
    """
    home = folder.absolute() / _HOME
    kept = {name: value for name, value in environ.items() if not name.upper().startswith(_DROPPED)}
    own = {
        "HOME": home,
        "USERPROFILE": home,
        "APPDATA": home / "AppData" / "Roaming",
        "LOCALAPPDATA": home / "AppData" / "Local",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_CONFIG_DIRS": home / ".config",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
    }
    home.mkdir(parents=True, exist_ok=True)
    homes = {name: str(path) for name, path in own.items()}
    return Seclusion({**kept, **homes, **_without_proxy(kept), "NO_COLOR": "1"}, home=home)


def _without_proxy(variables: Mapping[str, str]) -> dict[str, str]:
    """Give the variables by which servers on this machine are no proxy's business."""
    return {
        name: ",".join(filter(None, (variables.get(name), "127.0.0.1", "localhost")))
        for name in ("NO_PROXY", "no_proxy")
    }


def seclude_at(place: Workplace, folder: Path) -> Seclusion:
    """Give what a process sees that installs from a place, as ``seclude`` does, with the secrets that it must be told.

    What builds shall see besides is there, whatever its name.
    """
    locations = place.opened.locations
    urls = [*locations.index_urls, *locations.find_links]
    proxy = place.opened.configuration.proxy
    known = _secrets_of([*urls, *([proxy] if proxy else [])])
    wanted = {name: place.environ.get(name, "") for name in place.build_variables}
    return replace(seclude(place.environ, folder).told(wanted), secrets=tuple(known))


def activate(seclusion: Seclusion, environment: Environment) -> Seclusion:
    """Give what a process sees while an environment is active, as its activation script has it."""
    known = seclusion.variables.get("PATH")
    path = os.pathsep.join([str(environment.bin), *([known] if known else [])])
    return seclusion.told({"VIRTUAL_ENV": str(environment.prefix), "PATH": path})


def _secrets_of(urls: Iterable[Url]) -> Iterable[str]:
    for url in urls:
        # A token may stand where others have the user.
        secret = url.password or url.username
        if secret:
            yield from dict.fromkeys((secret, quote(secret, safe="")))
