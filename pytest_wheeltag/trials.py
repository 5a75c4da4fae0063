"""Putting installers on trial: which interpreters play, how many scenarios at once, and each installer with its lodging."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_wheeltag.conformance import Trial
from pytest_wheeltag.core.interpreter import Interpreter, InterpreterSpec
from pytest_wheeltag.repertoire import pick_neighbours
from pytest_wheeltag.subjects.roster import InstallerSpec, open_subject
from pytest_wheeltag.subjects.subject import Lodging, Subject
from pytest_wheeltag.workplace import Workplace

_MOST_AT_ONCE = 8
# Scenarios wait for processes and the disk more than they compute.
_PER_PROCESSOR = 2


@dataclass(frozen=True)
class Opener:
    """Opens one installer for every installation anew, with the cache of the scenario; it is fetched once."""

    spec: InstallerSpec
    lodging: Lodging

    def __call__(self, place: Workplace, cache: Path) -> Subject:
        """Give the installer, which installs from ``place`` and keeps things in ``cache``."""
        return open_subject(self.spec, place, replace(self.lodging, cache=cache))


def open_trial(spec: InstallerSpec, place: Workplace, home: Path) -> Trial:
    """Give a trial of an installer, which is fetched from ``place`` to its ``home`` if it must be; it plays there too."""
    lodging = Lodging(home, home / "cache", place)
    name = open_subject(spec, place, lodging).name
    return Trial(name, home, place.environ, Opener(spec, lodging))


def choose_interpreters(specs: Sequence[InterpreterSpec], place: Workplace) -> tuple[Interpreter, ...]:
    """Find those that are asked for, by default the one that runs this and its neighbour; raises ``InterpreterError``."""
    if not specs:
        return pick_neighbours(place.finder.ask(Path(sys.executable)), place.finder.find_all())
    return tuple(each for spec in specs for each in place.finder.find_each(spec))


def count_at_once() -> int:
    """Give how many scenarios are played side by side on this machine."""
    return min(_MOST_AT_ONCE, _PER_PROCESSOR * (os.cpu_count() or 1))
