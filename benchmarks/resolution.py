"""The piece of work ``resolve``: which files ten unpinned requirements mean, warm and cold, nothing installed."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchmarks.arena import Arena
from benchmarks.machine import describe_machine
from benchmarks.pairs import measure
from benchmarks.peers import run_tool
from benchmarks.results import Results
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.workplace import Workplace

REQUIREMENTS = (
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "requests",
    "jinja2",
    "sqlalchemy",
    "django",
    "boto3",
)
_WARM = "resolve"
_COLD = "resolve-cold"


@dataclass(frozen=True)
class InProcess:
    """Ours, for the first resolution of a test session: pages and metadata are on disk, everything is imported."""

    arena: Arena
    name: str = "wheeltag, in process"

    def run(self, folder: Path) -> float:  # noqa: ARG002 - nothing is made there
        """Open a workplace and resolve; give the seconds."""
        interpreter = self.arena.interpreter
        begun = time.perf_counter()
        _open_offline(self.arena).provisioner.resolve(parse_request(REQUIREMENTS), interpreter)
        return time.perf_counter() - begun


@dataclass(frozen=True)
class Again:
    """Ours, for a further test of a session that asks for the same: the resolution is remembered."""

    arena: Arena
    name: str = "wheeltag, again in a session"

    def run(self, folder: Path) -> float:  # noqa: ARG002 - as above
        """Resolve in the workplace of the session; give the seconds."""
        provisioner, interpreter = self._place.provisioner, self.arena.interpreter
        begun = time.perf_counter()
        provisioner.resolve(parse_request(REQUIREMENTS), interpreter)
        return time.perf_counter() - begun

    @cached_property
    def _place(self) -> Workplace:
        place = _open_offline(self.arena)
        place.provisioner.resolve(parse_request(REQUIREMENTS), self.arena.interpreter)
        return place


@dataclass(frozen=True)
class Command:
    """A command that resolves, in a process of its own; ``variable`` names where its cache is."""

    arena: Arena
    name: str
    command: tuple[str, ...]
    variable: str
    settings: Mapping[str, str]
    is_cold: bool = False

    def run(self, folder: Path) -> float:
        """Run it with the cache that was warmed, or with an empty one; give the seconds."""
        cache = folder if self.is_cold else self.arena.folder / f"{self.name}-cache"
        environ = {**self.arena.environ, **self.settings, self.variable: str(cache)}
        begun = time.perf_counter()
        run_tool(self.command, environ)
        return time.perf_counter() - begun


@dataclass(frozen=True)
class Contest:
    """The commands of all sides, warm or cold."""

    arena: Arena
    is_cold: bool

    def sides(self) -> Sequence[Command]:
        """Give the commands; what is fetched by all is fetched before."""
        return self._wheeltag, self._uv, self._pip

    @cached_property
    def _wheeltag(self) -> Command:
        command = (
            sys.executable,
            "-m",
            "pytest_wheeltag",
            "resolve",
            "--json",
            "--index-url",
            self.arena.index_url,
        )
        offline = () if self.is_cold else ("--offline",)
        python = ("--python", self.arena.interpreter.executable)
        return self._command(
            "wheeltag", (*command, *offline, *python, *REQUIREMENTS), "WHEELTAG_CACHE_DIR", {}
        )

    @cached_property
    def _uv(self) -> Command:
        wanted = self.arena.folder / "requirements.in"
        wanted.write_text("".join(f"{each}\n" for each in REQUIREMENTS), encoding="utf-8")
        uv = str(self.arena.install_tool("uv") / "uv")
        offline = () if self.is_cold else ("--offline",)
        python = ("--python", self.arena.interpreter.executable)
        settings = {"UV_DEFAULT_INDEX": self.arena.index_url, "UV_NO_CONFIG": "1"}
        return self._command(
            "uv", (uv, "pip", "compile", "--quiet", *offline, *python, str(wanted)), "UV_CACHE_DIR", settings
        )

    @cached_property
    def _pip(self) -> Command:
        pip = str(self.arena.install_tool("pip") / "pip")
        options = ("install", "--dry-run", "--ignore-installed", "--quiet")
        settings = {
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_INDEX_URL": self.arena.index_url,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        python = ("--python", self.arena.interpreter.executable)
        return self._command("pip", (pip, *python, *options, *REQUIREMENTS), "PIP_CACHE_DIR", settings)

    def _command(
        self, name: str, command: tuple[str, ...], variable: str, settings: Mapping[str, str]
    ) -> Command:
        return Command(self.arena, name, command, variable, settings, self.is_cold)

    def warm_up(self) -> None:
        """Fill the caches of all sides, each by the same command without ``--offline``."""
        for side in self.sides():
            online = tuple(word for word in side.command if word != "--offline")
            replace(side, command=online).run(self.arena.folder / "unused")


def measure_resolution(
    arena: Arena, pairs: int, told: Callable[[str], None], *, is_cold: bool = False
) -> Results:
    """Measure ours against uv and pip, with warm caches or with empty ones; the index is the public one."""
    contest = Contest(arena, is_cold)
    sides: list[InProcess | Again | Command] = list(contest.sides())
    if not is_cold:
        contest.warm_up()
        # What the in-process side reads was fetched by another command.
        arena.open_workplace().provisioner.resolve(parse_request(REQUIREMENTS), arena.interpreter)
        sides[:0] = [InProcess(arena), Again(arena)]
    facts = describe_machine(arena.folder) | {each.name: _version(each) for each in contest.sides()[1:]}
    facts["resolved for"] = f"{arena.interpreter.label} ({arena.interpreter.version})"
    timings = measure(sides, pairs, arena.folder / "measured", told)
    name, state = (_COLD, "cold, the real index") if is_cold else (_WARM, "warm")
    return Results(name, f"resolution, {state}: {' '.join(REQUIREMENTS)}", facts, timings)


def _open_offline(arena: Arena) -> Workplace:
    place = arena.open_workplace()
    return replace(place, sources=replace(place.sources, is_offline=True))


def _version(side: Command) -> str:
    done = subprocess.run([side.command[0], "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[1]
