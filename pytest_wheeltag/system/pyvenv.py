"""Virtual environments as their pyvenv.cfg describes them: read, never run."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_wheeltag.errors import InterpreterError, UnsafeFileError
from pytest_wheeltag.system.files import read_regular

_LIMIT_BYTES = 1 << 16
_LONGEST_CHAIN = 40
_TRUE = "true"

NO_BASE = "names no base interpreter that exists outside of the environment"


@dataclass(frozen=True)
class EnvironmentFolder:
    """A folder with a pyvenv.cfg, and the settings in it, keys in lower case.

    The keys are those of venv (``home``, ``executable``, ``version``, ``include-system-site-packages``), of
    virtualenv (``base-executable``, ``base-prefix``, ``version_info``) and of uv (``version_info``).
    """

    path: Path
    settings: Mapping[str, str] = field(hash=False)

    @property
    def inherits(self) -> bool:
        """Whether the base's libraries and the user's are on its path too."""
        return self.settings.get("include-system-site-packages", "").lower() == _TRUE

    def executables(self) -> Iterator[Path]:
        """Give the pythons that lie in the environment."""
        for folder in (self.path / "bin", self.path / "Scripts"):
            for name in ("python", "python3", "pypy3", "graalpy", "python.exe", "pypy3.exe"):
                if (folder / name).is_symlink() or (folder / name).is_file():
                    yield folder / name

    def base(self, executable: Path | None = None) -> Path | None:
        """Give its base executable, None where none of the candidates exists."""
        return next((path for path in self.base_candidates(executable) if path.is_file()), None)

    def base_candidates(self, executable: Path | None = None) -> Iterator[Path]:
        """Give what may be its base executable, the surest first; none lies within the environment.

        ``executable`` is the environment's python that was asked for, if one was. What its link leads to
        comes first, for that is what would run; then what pyvenv.cfg says.
        """
        own = [executable] if executable else list(self.executables())
        linked = (Path(os.path.realpath(path)) for path in own if path.is_symlink())
        for candidate in (*linked, *self._recorded(), *self._at_home(own)):
            if candidate.is_absolute() and not self._contains(candidate):
                yield candidate

    def _recorded(self) -> Iterator[Path]:
        for key in ("base-executable", "executable"):
            if value := self.settings.get(key):
                yield Path(value)

    def _at_home(self, own: list[Path]) -> Iterator[Path]:
        if not (home := self.settings.get("home")):
            return
        version = self.settings.get("version") or self.settings.get("version_info") or ""
        short = ".".join(version.split(".")[:2])
        implementation = "pypy" if self.settings.get("implementation", "").lower() == "pypy" else "python"
        names = [f"{implementation}{short}", *(path.name for path in own), f"{implementation}3", "python"]
        folders = [Path(home), Path(home) / "bin"]
        for folder in folders:
            for name in names:
                yield from (folder / name, folder / f"{name}.exe")

    def _contains(self, candidate: Path) -> bool:
        # As it is spelt and as it really lies: an audit runs nothing that is in the environment.
        prefix = os.path.realpath(self.path)
        folders = (os.path.realpath(candidate.parent), os.path.realpath(candidate))
        return any(Path(folder).is_relative_to(prefix) for folder in folders)


def read_environment_folder(folder: Path) -> EnvironmentFolder | None:
    """Read a folder's pyvenv.cfg, None where there is none.

    Raises ``UnsafeFileError`` where it is no regular file or too long, ``OSError`` where it cannot be read.
    """
    try:
        text = read_regular(folder / "pyvenv.cfg", _LIMIT_BYTES, follow=True).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return EnvironmentFolder(folder, parse_pyvenv(text))


def parse_pyvenv(text: str) -> Mapping[str, str]:
    """Parse the text of a pyvenv.cfg, as ``site`` does: ``key = value`` lines, keys without regard to case."""
    pairs = (line.partition("=") for line in re.split(r"\r?\n", text) if "=" in line)
    # A NUL cannot be part of a path and would be an error far from here.
    return {key.strip().lower(): value.strip() for key, _, value in pairs if "\0" not in value}


def environment_of(executable: Path) -> tuple[EnvironmentFolder, Path] | None:
    """Find the environment that a python belongs to, with its name there; None for a base interpreter.

    Each link on the way is looked at, so a link from elsewhere into an environment leads to it. Raises
    ``UnsafeFileError`` or ``OSError`` where a pyvenv.cfg cannot be read.
    """
    for hop in _hops(executable):
        for folder in (hop.parent, hop.parent.parent):
            if found := read_environment_folder(folder):
                return found, hop
    return None


def _hops(path: Path) -> Iterator[Path]:
    for _ in range(_LONGEST_CHAIN):
        yield path
        if not path.is_symlink():
            return
        path = path.parent / path.readlink()


def base_of(executable: Path) -> Path:
    """Follow a python to the base executable, through links and pyvenv.cfg, running nothing.

    What it gives has no links in it. Raises ``InterpreterError`` where an environment's base is gone, lies
    within the environment, or environments name each other in a circle.
    """
    asked = executable
    for _ in range(_LONGEST_CHAIN):
        found = _environment_or_none(executable)
        if found is None:
            return Path(os.path.realpath(executable))
        environment, own = found
        base = environment.base(own)
        if base is None:
            raise InterpreterError(str(asked), f"{environment.path / 'pyvenv.cfg'} {NO_BASE}")
        executable = base
    raise InterpreterError(str(asked), "its environments name each other in a circle")


def _environment_or_none(executable: Path) -> tuple[EnvironmentFolder, Path] | None:
    try:
        return environment_of(executable)
    except UnsafeFileError as error:
        raise InterpreterError(str(executable), f"its pyvenv.cfg is not read, {error.problem}") from error
    except OSError as error:
        raise InterpreterError(str(executable), f"its pyvenv.cfg is not read ({error.strerror})") from error
    except ValueError as error:
        raise InterpreterError(str(executable).replace("\0", "\\0"), "its path holds a NUL") from error
