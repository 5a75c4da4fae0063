"""Our side: a throwaway environment in this process, by what the fixture ``wheeltag_venv_factory`` does."""

import time
from pathlib import Path

from benchmarks.arena import Arena
from pytest_wheeltag.venv import Venv
from pytest_wheeltag.workplace import Workplace


class OfSession:
    """Ours, for a test that is not the first of its session: what the session knows of the index stays."""

    name = "wheeltag"

    def __init__(self, arena: Arena, requirement: str) -> None:
        self._arena = arena
        self._requirement = requirement
        self._place = arena.open_workplace()

    def run(self, folder: Path) -> float:
        """Make an environment and fill it."""
        return time_environment(self._place, self._arena, folder, self._requirement)


class FirstOfSession:
    """Ours, for the first test of a session: the cache on disk is warm, and everything is imported."""

    name = "wheeltag, first of a session"

    def __init__(self, arena: Arena, requirement: str) -> None:
        self._arena = arena
        self._requirement = requirement

    def run(self, folder: Path) -> float:
        """Open a workplace, make an environment and fill it."""
        return time_environment(self._arena.open_workplace(), self._arena, folder, self._requirement)


def time_environment(place: Workplace, arena: Arena, folder: Path, requirement: str) -> float:
    """Make an environment that holds a requirement; give the seconds from the call to its return."""
    interpreter = arena.interpreter
    begun = time.perf_counter()
    environment = place.maker.make(folder, interpreter).complete()
    Venv(environment, lambda: place).install(requirement)
    return time.perf_counter() - begun
