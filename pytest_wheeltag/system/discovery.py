"""Finding interpreters and environments on this machine, and asking each interpreter what it is."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from packaging.version import Version

from pytest_wheeltag.core.interpreter import (
    ExistingEnvironment,
    Interpreter,
    InterpreterSpec,
    interpreter_from_json,
)
from pytest_wheeltag.errors import (
    EnvironmentNotFoundError,
    InterpreterError,
    InterpreterNotFoundError,
    UnsafeFileError,
)
from pytest_wheeltag.system.answers import Answer, AnswerCache, ExecutableKey, key_of
from pytest_wheeltag.system.installs import Surroundings, candidates, is_launcher, is_shim_folder
from pytest_wheeltag.system.interrogation import ProbeLimits, interrogate, probe_script
from pytest_wheeltag.system.pyvenv import (
    NO_BASE,
    EnvironmentFolder,
    base_of,
    environment_of,
    read_environment_folder,
)

CACHE_ROOM = "interpreters-v1"

# Each probe is a process that computes for 30 ms: more at once than there are processors gain nothing.
_PROBES_AT_ONCE = 4


@dataclass(frozen=True)
class InterpreterFinder:
    """Finds interpreters, and remembers what they are below ``cache_directory``.

    ``surroundings`` are the machine as given by the caller: nothing is read from the process's own
    environment. Interpreters are told apart by their real path.
    """

    cache_directory: Path
    surroundings: Surroundings
    limits: ProbeLimits = field(default_factory=ProbeLimits)
    _asked: dict[ExecutableKey, Interpreter | InterpreterError] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def _answers(self) -> AnswerCache:
        return AnswerCache(self.cache_directory / CACHE_ROOM)

    def ask(self, executable: Path) -> Interpreter:
        """Tell what an interpreter is, running the probe in its base executable unless the answer is known.

        An environment's python leads to its base through links and pyvenv.cfg, and is never run. Raises
        ``InterpreterError`` where it does not answer; the failure is remembered too.
        """
        base = base_of(self._absolute(executable))
        key = self._key(base)
        if not self._recall(key):
            self._interrogate(key)
        known = self._asked[key]
        if isinstance(known, InterpreterError):
            raise InterpreterError(known.executable, known.problem) from known
        return known

    def find_all(self) -> tuple[Interpreter, ...]:
        """Give every interpreter found: CPython before others, newest versions first, finals before others.

        Interpreters of one version are in the order of preference in which they were found.
        """
        found = self._ask_each(self._base_executables())
        newest_first = sorted(found, key=_by_version, reverse=True)
        return tuple(sorted(newest_first, key=_by_label))

    def find(self, spec: InterpreterSpec) -> Interpreter:
        """Give the interpreter that a specification means: the newest final that matches, else the newest.

        Raises ``InterpreterNotFoundError`` with the labels of those found; for a path that is there but
        cannot be used ``InterpreterError``.
        """
        if spec.path is not None:
            return self._find_path(spec, Path(spec.path))
        found = self.find_all()
        matching = [interpreter for interpreter in found if spec.matches(interpreter)]
        if not matching:
            raise InterpreterNotFoundError(spec.text, labels(found))
        return next((interpreter for interpreter in matching if interpreter.is_final), matching[0])

    def find_each(self, spec: InterpreterSpec) -> tuple[Interpreter, ...]:
        """Give the one interpreter that a specification means, for ``all`` every one found.

        Raises as ``find``.
        """
        if spec.is_all and (found := self.find_all()):
            return found
        return (self.find(spec),)

    def find_environment(self, path: Path) -> ExistingEnvironment:
        """Describe an environment: a virtual environment's folder, or a python executable.

        Nothing in a virtual environment is run; a base interpreter is asked by the probe. Raises
        ``EnvironmentNotFoundError`` where the path is neither, or its base interpreter cannot be used.
        """
        absolute = self._absolute(path)
        try:
            folder, executable = _locate_environment(absolute)
            if folder is None:
                return self._base_environment(self.ask(absolute))
            return self._virtual_environment(folder, self._base_interpreter(folder, executable))
        except InterpreterError as error:
            problem = f"found something else, {error.problem}"
            raise EnvironmentNotFoundError(str(path), problem) from error
        except UnsafeFileError as error:
            problem = f"its pyvenv.cfg is not read, {error.problem}"
            raise EnvironmentNotFoundError(str(path), problem) from error
        except (OSError, ValueError) as error:
            problem = f"it cannot be looked at ({_one_line(str(error))})"
            raise EnvironmentNotFoundError(_printable(path), problem) from error

    def _base_interpreter(self, folder: EnvironmentFolder, executable: Path | None) -> Interpreter:
        base = folder.base(executable)
        if base is None:
            raise EnvironmentNotFoundError(str(folder.path), f"its pyvenv.cfg {NO_BASE}")
        try:
            return self.ask(base)
        except InterpreterError as error:
            problem = f"its base interpreter {error.executable} cannot be used, {error.problem}"
            raise EnvironmentNotFoundError(str(folder.path), problem) from error

    def _absolute(self, path: Path) -> Path:
        home = self.surroundings.home
        if path.parts[:1] == ("~",) and home is not None:
            path = home.joinpath(*path.parts[1:])
        # Not resolved: what a link in it leads to is looked at later, name by name.
        return Path(os.path.abspath(path))  # noqa: PTH100 - the same without `..`, as a user would write it

    def _find_path(self, spec: InterpreterSpec, path: Path) -> Interpreter:
        absolute = self._absolute(path)
        if absolute.is_dir():
            with suppress(EnvironmentNotFoundError):
                return self.find_environment(absolute).interpreter
        elif os.path.lexists(absolute):
            return self.ask(absolute)
        raise InterpreterNotFoundError(spec.text, labels(self.find_all()))

    def _base_executables(self) -> tuple[Path, ...]:
        bases: dict[tuple[int, int], Path] = {}
        for candidate in (*candidates(self.surroundings), *_registered(self)):
            # One that cannot be followed is no interpreter; `ask` tells why if it is asked for by name.
            with suppress(InterpreterError, OSError):
                base = base_of(candidate)
                found = base.stat()
                bases.setdefault((found.st_dev, found.st_ino), base)
        return tuple(bases.values())

    def _ask_each(self, executables: Iterable[Path]) -> tuple[Interpreter, ...]:
        keys = [key for key in map(self._key_or_none, executables) if key is not None]
        unknown = [key for key in keys if not self._recall(key)]
        if unknown:
            with ThreadPoolExecutor(_PROBES_AT_ONCE) as pool:
                list(pool.map(self._interrogate, unknown))
        answers = (self._asked[key] for key in keys)
        # A launcher and what it launches are two files, but one interpreter.
        found = {answer.executable: answer for answer in answers if isinstance(answer, Interpreter)}
        return tuple(found.values())

    def _key(self, base: Path) -> ExecutableKey:
        try:
            return key_of(str(base), probe_script())
        except OSError as error:
            raise InterpreterError(str(base), _stat_problem(base, error)) from error

    def _key_or_none(self, base: Path) -> ExecutableKey | None:
        with suppress(InterpreterError):
            return self._key(base)
        return None

    def _recall(self, key: ExecutableKey) -> bool:
        if key not in self._asked and (remembered := self._answers.recall(key)) is not None:
            with suppress(ValueError):
                self._asked[key] = _interpret(key.path, remembered)
        return key in self._asked

    def _interrogate(self, key: ExecutableKey) -> None:
        try:
            answer = Answer(interrogate(key.path, self.surroundings.environ, self.limits))
        except InterpreterError as error:
            answer = Answer(None, error.problem)
        try:
            self._asked[key] = _interpret(key.path, answer)
        except ValueError as error:
            answer = Answer(None, f"its answer cannot be used ({_one_line(str(error))})")
            self._asked[key] = InterpreterError(key.path, answer.problem)
        self._answers.remember(key, answer)

    def _virtual_environment(self, folder: EnvironmentFolder, base: Interpreter) -> ExistingEnvironment:
        paths = base.scheme_paths(str(folder.path))
        inherited = (*base.libraries, *base.foreign_libraries, *self._user_libraries(base))
        return ExistingEnvironment(
            str(folder.path),
            base,
            _distinct([paths["purelib"], paths["platlib"]]),
            inherited=_distinct(inherited) if folder.inherits else (),
        )

    def _base_environment(self, base: Interpreter) -> ExistingEnvironment:
        own = _distinct(base.libraries)
        foreign = tuple(path for path in _distinct(base.foreign_libraries) if path not in own)
        return ExistingEnvironment(base.prefix, base, own, foreign, self._user_libraries(base))

    def _user_libraries(self, base: Interpreter) -> tuple[str, ...]:
        """Give the user's own library folder as ``site`` finds it, none where it is switched off."""
        environ = self.surroundings.environ
        folder = environ.get("PYTHONUSERBASE") or self._user_base(base)
        if environ.get("PYTHONNOUSERSITE") or folder is None or base.user_scheme not in base.schemes:
            return ()
        paths = base.scheme_paths(folder, base.user_scheme)
        return _distinct([paths["purelib"], paths["platlib"]])

    def _user_base(self, base: Interpreter) -> str | None:
        home, roaming = self.surroundings.home, self.surroundings.environ.get("APPDATA")
        if base.user_base.startswith("%APPDATA%"):
            start = roaming or home
            return os.path.normpath(base.user_base.replace("%APPDATA%", str(start), 1)) if start else None
        return str(self._absolute(Path(base.user_base))) if home and base.user_base else None


def labels(interpreters: Iterable[Interpreter]) -> tuple[str, ...]:
    """Give the labels of interpreters, each once, in their order."""
    return tuple(dict.fromkeys(interpreter.label for interpreter in interpreters))


def _registered(finder: InterpreterFinder) -> Iterator[Path]:
    """Give the interpreters of the Windows registry (PEP 514), which only python-discovery reads."""
    # Elsewhere it knows PATH and uv's stores only, which we have looked through: 60 ms for nothing.
    if sys.platform != "win32" or not finder.surroundings.is_windows:
        return
    # Late: it takes 50 ms.
    from python_discovery import DiskCache, iter_interpreters  # noqa: PLC0415

    environ = {**finder.surroundings.environ, "PATH": _without_shims(finder.surroundings.environ)}
    cache = DiskCache(finder.cache_directory / CACHE_ROOM / "python-discovery")
    for info in iter_interpreters(cache=cache, env=environ):
        if executable := info.system_executable or info.executable:
            yield Path(executable)


def _without_shims(environ: Mapping[str, str]) -> str:
    entries = environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if entry and not is_shim_folder(Path(entry)))


def _locate_environment(path: Path) -> tuple[EnvironmentFolder | None, Path | None]:
    if path.is_dir():
        folder = read_environment_folder(path)
        if folder is None:
            problem = "but the folder has no pyvenv.cfg; name the python executable of other environments"
            raise EnvironmentNotFoundError(str(path), problem)
        return folder, None
    if not os.path.lexists(path):
        raise EnvironmentNotFoundError(_printable(path), "found nothing")
    return environment_of(path) or (None, None)


def _interpret(executable: str, answer: Answer) -> Interpreter | InterpreterError:
    """Make an interpreter of an answer; raises ``ValueError`` where it is none."""
    if answer.facts is None:
        return InterpreterError(executable, answer.problem)
    interpreter = interpreter_from_json(answer.facts)
    # Asked anew each time: people remove the marker, and the executable stays the same.
    is_managed = bool(interpreter.managed_marker) and Path(interpreter.managed_marker).is_file()
    return replace(
        interpreter,
        executable=_real_executable(executable, interpreter.executable),
        externally_managed=is_managed,
    )


def _real_executable(asked: str, told: str) -> str:
    """Choose between the file that was run and the executable that it told of itself to be."""
    if Path(told).is_absolute() and is_launcher(Path(asked)):
        with suppress(InterpreterError, OSError):
            base = base_of(Path(told))
            return str(base) if base.is_file() else asked
    return asked


def _by_version(interpreter: Interpreter) -> Version:
    return Version(interpreter.version)


def _by_label(interpreter: Interpreter) -> tuple[object, ...]:
    is_other = interpreter.implementation != "cpython"
    minor = tuple(-number for number in interpreter.version_info[:2])
    flags = (interpreter.is_free_threaded, interpreter.is_debug)
    return (is_other, interpreter.implementation, minor, flags, not interpreter.is_final)


def _distinct(folders: Iterable[str]) -> tuple[str, ...]:
    """Drop repetitions and second names of one folder (``lib64``, a link), keeping the order."""
    known: dict[str, str] = {}
    for folder in folders:
        known.setdefault(os.path.realpath(folder), os.path.normpath(folder))
    return tuple(known.values())


def _stat_problem(path: Path, error: OSError) -> str:
    if not isinstance(error, FileNotFoundError):
        return f"it cannot be looked at ({error.strerror})"
    return "its link leads nowhere" if path.is_symlink() else "there is none"


def _printable(path: Path) -> str:
    return str(path).replace("\0", "\\0")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
