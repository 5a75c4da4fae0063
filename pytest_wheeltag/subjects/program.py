"""An installer's own program: the one on PATH, or one that our installer fetches into the installer's lodging."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cached_property, lru_cache
from pathlib import Path

from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import Demand, Request, parse_request
from pytest_wheeltag.errors import (
    InterpreterError,
    ResolutionError,
    UnavailableError,
    UninstallableError,
    WheeltagError,
)
from pytest_wheeltag.subjects.attempt import Terms, invoke
from pytest_wheeltag.subjects.seclusion import Seclusion, seclude
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.system.environment import Environment, open_environment
from pytest_wheeltag.system.files import lock
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace

UNKNOWN = "unknown"
_QUESTION_SECONDS = 30.0
_LOCK_SECONDS = 900.0
_COMPANIONS = timedelta(days=1)
_VERSION = re.compile(r"\d[\w.!+-]*", re.ASCII)


def comparable(version: str) -> Version:
    """Give an installer's version as versions are compared, 0 for a text that is none: of such a one nothing is known."""
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0")


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
        try:
            return self._newest_for(self._lodging.source.finder.ask(Path(sys.executable)))
        except WheeltagError:
            return UNKNOWN

    def _newest_for(self, interpreter: Interpreter) -> str:
        resolution = self._lodging.source.provisioner.resolve(requesting(self._name), interpreter)
        return next(str(each.version) for each in resolution.choices if each.name == self._name)

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
        # Also the newest by its version: that decides what it is fetched with.
        request = requesting(self._name, self._pinned or self._newest_for(interpreter))
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

    Whichever process comes first makes it, the others wait. Raises ``UnavailableError`` where no version fits, else
    another ``WheeltagError``.
    """
    named = request.requirements[0].text
    home = lodging.home / f"{re.sub(r'[^0-9A-Za-z.]+', '-', named)}-{interpreter.label}"
    with lock(home.with_name(f".{home.name}.lock"), timeout_seconds=_LOCK_SECONDS) as is_held:
        if not is_held:
            # No locks here: rather work twice than in each other's way.
            home = home.with_name(f"{home.name}-{os.getpid()}")
        environment = open_environment(home, interpreter)
        if environment is None:
            try:
                _furnish(home, interpreter, request, lodging.source)
            except ResolutionError as error:
                raise UnavailableError(named, interpreter.label, "wheeltag", str(error)) from error
            environment = Environment(home.absolute(), interpreter)
    return environment


def _furnish(home: Path, interpreter: Interpreter, request: Request, source: Workplace) -> None:
    """Make an environment with what was published until the day after the release that is asked for, else with anything.

    Installers do not bound what they need: pdm 2.29.4 does not start with the hishel that came after it.
    """
    dated = at_its_time(source, request)
    if dated is not source:
        with suppress(WheeltagError):
            dated.furnish(home, interpreter, request)
            return
    source.furnish(home, interpreter, request)


def at_its_time(source: Workplace, request: Request) -> Workplace:
    """Give a place of which only what was published until the day after a pinned release counts; the same where no date is known."""
    demand = request.requirements[0]
    pins = [each.version for each in demand.requirement.specifier] if isinstance(demand, Demand) else []
    try:
        files = source.opened.catalogue.release(demand.name, Version(pins[0])).files if pins else ()
    except WheeltagError:
        return source
    moments = [each.upload_time for each in files if each.upload_time]
    if not moments:
        return source
    limits = [max(moments) + _COMPANIONS, source.opened.exclude_newer]
    limit = min(each for each in limits if each)
    return replace(source, sources=replace(_without_folders(source), exclude_newer=limit))


def _without_folders(source: Workplace) -> SourceOptions:
    """Leave out the sources on this disk, whose files bear no date, unless there is no other."""
    locations = source.opened.locations
    urls = [url.secret for url in locations.index_urls if url.scheme != "file"]
    links = [url.secret for url in locations.find_links if url.scheme != "file"]
    is_dated = len(urls) + len(links) == len(locations.index_urls) + len(locations.find_links)
    if is_dated or not urls:
        return source.sources
    alone = replace(source.sources, index_url=urls[0], extra_index_urls=tuple(urls[1:]), is_alone=True)
    return replace(alone, find_links=tuple(links), no_index=False)


def ask_version(path: str, seclusion: Seclusion) -> str:
    """Ask a program for its version; empty where it does not answer, as a shim that leads nowhere."""
    match = _VERSION.search(ask(path, ("--version",), seclusion))
    return match[0] if match else ""


def ask(path: str, words: tuple[str, ...], seclusion: Seclusion) -> str:
    """Give what a program answers to a question that it always answers alike, empty where it fails."""
    try:
        changed = Path(path).stat().st_mtime_ns
    except OSError:
        return ""
    # Once for all installations of a run: some programs take a second.
    return _answer((path, *words), changed, tuple(sorted(seclusion.variables.items())))


@lru_cache
def _answer(command: tuple[str, ...], _changed: int, variables: tuple[tuple[str, str], ...]) -> str:
    invocation = invoke(command, Seclusion(dict(variables)), Terms(seconds=_QUESTION_SECONDS))
    return "" if invocation.status else invocation.output
