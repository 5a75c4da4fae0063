"""An installer's own program: the one on PATH, or one that our installer fetches into the installer's lodging."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.errors import InterpreterError, ResolutionError, UninstallableError, WheeltagError
from pytest_wheeltag.subjects.attempt import invoke
from pytest_wheeltag.subjects.seclusion import Seclusion, seclude
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.system.environment import Environment, open_environment
from pytest_wheeltag.system.files import lock
from pytest_wheeltag.workplace import Workplace

UNKNOWN = "unknown"
_QUESTION_SECONDS = 30.0
_LOCK_SECONDS = 900.0
_VERSION = re.compile(r"\d[\w.!+-]*", re.ASCII)


class Program:
    """The program of an installer by its distribution's name, which is the command's too.

    ``pinned`` is its version, empty for the one on ``place``'s PATH, else the newest.
    """

    def __init__(self, name: str, pinned: str, place: Workplace, lodging: Lodging) -> None:
        self._name = name
        self._pinned = pinned
        self._place = place
        self._lodging = lodging

    @cached_property
    def found(self) -> tuple[str, str]:
        """The path and the version of the one on PATH; a shim that leads nowhere answers no question and counts as none."""
        path = None if self._pinned else shutil.which(self._name, path=self._place.environ.get("PATH"))
        version = ask_version(path, seclude(self._place.environ, self._lodging.home)) if path else ""
        return (path, version) if path and version else ("", "")

    @cached_property
    def version(self) -> str:
        """Its version; of the newest that for the interpreter that runs us, `unknown` where none is published."""
        return self._pinned or self.found[1] or self._newest

    @property
    def _newest(self) -> str:
        source = self._lodging.source
        try:
            interpreter = source.finder.ask(Path(sys.executable))
            resolution = source.provisioner.resolve(requesting(self._name), interpreter)
        except WheeltagError:
            return UNKNOWN
        return str(resolution.choices[0].version)

    @cached_property
    def path(self) -> str:
        """Where it lies; it is fetched if need be, once for all processes. Raises ``WheeltagError``."""
        return self.found[0] or self._fetch()

    def _fetch(self) -> str:
        """Fetch it for the interpreter that runs us, or for the newest on which it can be had and starts."""
        problems: list[WheeltagError] = []
        for interpreter in self._hosts():
            try:
                return self._fetch_for(interpreter)
            except (ResolutionError, InterpreterError, UninstallableError) as error:
                problems.append(error)
        raise problems[0]

    def _hosts(self) -> Iterator[Interpreter]:
        finder = self._lodging.source.finder
        running = finder.ask(Path(sys.executable))
        yield running
        for each in finder.find_all():
            if each.is_final and each.label != running.label:
                yield each

    def _fetch_for(self, interpreter: Interpreter) -> str:
        request = requesting(self._name, self._pinned)
        environment = fetch(request, interpreter, self._lodging)
        path = shutil.which(self._name, path=str(environment.bin))
        if path is None or not ask_version(path, seclude(self._place.environ, self._lodging.home)):
            problem = f"it brings no program that starts: `{self._name}`"
            raise UninstallableError(request.requirements[0].text, interpreter.label, "wheeltag", problem)
        return path


def requesting(name: str, version: str = "") -> Request:
    """Ask for a distribution, in one version or in any."""
    return parse_request((f"{name}=={version}" if version else name,))


def fetch(request: Request, interpreter: Interpreter, lodging: Lodging) -> Environment:
    """Give an environment below ``lodging.home`` that holds a request, made by our own installer where it is not there yet.

    Whichever process comes first makes it, the others wait. Raises ``WheeltagError``.
    """
    named = request.requirements[0].text
    home = lodging.home / f"{re.sub(r'[^0-9A-Za-z.]+', '-', named)}-{interpreter.label}"
    with lock(home.with_name(f".{home.name}.lock"), timeout_seconds=_LOCK_SECONDS) as is_held:
        if not is_held:
            # No locks here: rather work twice than in each other's way.
            home = home.with_name(f"{home.name}-{os.getpid()}")
        environment = open_environment(home, interpreter)
        if environment is None:
            lodging.source.furnish(home, interpreter, request)
            environment = Environment(home.absolute(), interpreter)
    return environment


def ask_version(path: str, seclusion: Seclusion) -> str:
    """Ask a program for its version; empty where it does not answer, as a shim that leads nowhere."""
    try:
        found = Path(path).stat()
    except OSError:
        return ""
    return _answer(path, found.st_mtime_ns, tuple(sorted(seclusion.variables.items())))


@lru_cache
def _answer(path: str, _changed: int, variables: tuple[tuple[str, str], ...]) -> str:
    """Ask once for all installations of a run: a question may take a second."""
    invocation = invoke([path, "--version"], Seclusion(dict(variables)), seconds=_QUESTION_SECONDS)
    match = None if invocation.status else _VERSION.search(invocation.output)
    return match[0] if match else ""
