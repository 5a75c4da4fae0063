"""The places whose checks are items: environments that were found, and those that an installer makes on its way."""

import os
import shutil
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from packaging.utils import canonicalize_name

from pytest_wheeltag.audit import Auditor
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.report import Scene
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.core.verdict import (
    InstalledDistribution,
    InstalledWheel,
    MalformedDistribution,
    Outcome,
    Property,
    Verdict,
    VerdictKind,
)
from pytest_wheeltag.matrix import (
    Arrival,
    Course,
    CourseOutcome,
    Stop,
    dump_outcome,
    environment_at,
    load_outcome,
    scene_at,
    travel,
)
from pytest_wheeltag.plugin.plan import DEPENDENCIES, PlannedAudit
from pytest_wheeltag.plugin.workroom import remove_if_empty
from pytest_wheeltag.subjects.subject import Subject
from pytest_wheeltag.system.files import lock, publish_text
from pytest_wheeltag.system.fingerprint import fingerprint_environment
from pytest_wheeltag.system.installed import read_installed

# A course through several interpreters with large wheels on a slow network.
_LOCK_SECONDS = 3600.0


class Place(Protocol):
    """An environment whose distributions are judged, item by item."""

    identifier: str
    names: tuple[str, ...]
    selected: frozenset[str]

    @property
    def scene(self) -> Scene:
        """Where its verdicts belong in the report."""
        ...

    def judge(self, name: str, asked: Property) -> tuple[Verdict, ...]:
        """Ask one question of what an item stands for: one distribution, or all dependencies."""
        ...

    def describe_absence(self) -> str:
        """Say why there is no environment, empty where there is one."""
        ...


class AuditedPlace:
    """An environment that was found; read and asked about once, as it lies on disk when its first item runs."""

    def __init__(self, planned: PlannedAudit, auditor: Auditor, *, is_inherited: bool) -> None:
        self.identifier = planned.identifier
        self.names = planned.names
        self.selected: frozenset[str] = frozenset(planned.names)
        self.scene = planned.scene
        self._environment = planned.environment
        self._auditor = auditor
        self._is_inherited = is_inherited
        self._has_asked = False

    def judge(self, name: str, asked: Property) -> tuple[Verdict, ...]:
        """Judge the distribution of this name."""
        gone = MalformedDistribution(name, "", "it was there when the checks were collected and is gone now")
        if asked is Property.BEST:
            self._ask_indexes()
        distribution = self._distributions.get(name, gone)
        return (self._auditor.judge(distribution, self._environment, asked),)

    @cached_property
    def _distributions(self) -> Mapping[str, InstalledDistribution]:
        return _by_name(self._environment, is_inherited=self._is_inherited)

    def _ask_indexes(self) -> None:
        """Fetch the pages of what was selected, side by side, before the first of them is needed."""
        if not self._has_asked:
            self._has_asked = True
            found = self._distributions
            wanted = [found[name] for name in sorted(self.selected & found.keys())]
            self._auditor.prefetch(wanted, self._environment.interpreter)

    def describe_absence(self) -> str:
        """Say why there is no environment: it was found, so there is one."""
        return ""


def _by_name(
    environment: ExistingEnvironment, *, is_inherited: bool = False
) -> Mapping[str, InstalledDistribution]:
    return {
        canonicalize_name(each.name): each for each in read_installed(environment, inherited=is_inherited)
    }


@dataclass
class CourseRun:
    """A course in this run: whichever process comes first makes its environments, the others read what came of it.

    ``locate`` gives the folder that all processes share, ``open_subject`` the installer that works in it.
    """

    course: Course
    request: Request
    locate: Callable[[], Path]
    open_subject: Callable[[Path], Subject]

    @cached_property
    def outcome(self) -> CourseOutcome:
        """What came of the course, which is carried out if nobody did so before."""
        with lock(self._folder / ".lock", timeout_seconds=_LOCK_SECONDS) as is_held:
            if not is_held:
                # No locks here: rather work twice than in each other's way.
                self._folder = self._folder / f"process-{os.getpid()}"
            known = self.known_outcome()
            if known is not None:
                return known
            # A process that died on the way left environments that nobody may believe.
            self._clear()
            subject = self.open_subject(self._folder / "installer")
            arrivals = tuple(travel(self.course, subject, self.request, self._folder))
            outcome = CourseOutcome(arrivals, subject.name)
            publish_text(self._told, dump_outcome(outcome))
            return outcome

    def known_outcome(self) -> CourseOutcome | None:
        """Give what came of the course if some process has carried it out."""
        try:
            return load_outcome(self._told.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def clean(self, kept: Container[str]) -> tuple[str, ...]:
        """Remove the environments of the course but those in ``kept``; give the ones that stay."""
        outcome = self.known_outcome()
        arrivals = outcome.arrivals if outcome else ()
        staying = tuple(arrival.prefix for arrival in arrivals if arrival.prefix and arrival.prefix in kept)
        self._clear(staying)
        if not staying:
            shutil.rmtree(self._folder, ignore_errors=True)
            remove_if_empty(self._folder)
        return staying

    def _clear(self, kept: Container[str] = ()) -> None:
        for path in self._folder.glob("*/"):
            if str(path) not in kept:
                shutil.rmtree(path, ignore_errors=True)

    @cached_property
    def _folder(self) -> Path:
        return self.locate()

    @property
    def _told(self) -> Path:
        return self._folder / "outcome.json"


@dataclass(frozen=True)
class Berth:
    """Which stop of which course a place is, the id it has, and what it means that its interpreter is missing."""

    run: CourseRun
    number: int
    identifier: str
    missing_outcome: Outcome


class ProvisionedPlace:
    """An environment that the installer under test makes at one stop of a course."""

    def __init__(self, berth: Berth, auditor: Auditor) -> None:
        self.identifier = berth.identifier
        self.run = berth.run
        self.names = (*berth.run.course.stops[berth.number].names, DEPENDENCIES)
        self.selected: frozenset[str] = frozenset(self.names)
        self._berth = berth
        self._auditor = auditor
        self._has_asked = False

    @property
    def prefix(self) -> str:
        """The environment's folder, empty where there is none (yet)."""
        outcome = self.run.known_outcome()
        return outcome.arrivals[self._berth.number].prefix if outcome else ""

    @cached_property
    def scene(self) -> Scene:
        """Where its verdicts belong in the report, with the fingerprint of what was installed."""
        scene = scene_at(self.run.course, self._berth.number, self.identifier, self.run.outcome.installer)
        if not self._arrival.prefix:
            return scene
        return replace(scene, fingerprint=fingerprint_environment(self._environment))

    def judge(self, name: str, asked: Property) -> tuple[Verdict, ...]:
        """Judge one named requirement, or everything else that was installed with them."""
        if not self._arrival.prefix:
            return () if name == DEPENDENCIES else (self._none(name, asked, self._arrival.kind),)
        if asked is Property.BEST:
            self._ask_indexes()
        if name == DEPENDENCIES:
            others = sorted(self._distributions.keys() - set(self.names))
            return tuple(self._judge_one(each, asked) for each in others)
        return (self._judge_one(name, asked),)

    def describe_absence(self) -> str:
        """Say why there is no environment, empty where there is one."""
        return "" if self._arrival.prefix else self._arrival.problem

    def _judge_one(self, name: str, asked: Property) -> Verdict:
        distribution = self._distributions.get(name) or self._find_direct(name)
        if distribution is None:
            return self._none(name, asked, VerdictKind.UNINSTALLABLE)
        return self._auditor.judge(distribution, self._environment, asked)

    def _find_direct(self, name: str) -> InstalledDistribution | None:
        """Find what came of a path or an address, if its project is called otherwise than its folder or file."""
        asked = self.run.request.requirements
        urls = {str(each.reference) for each in asked if each.reference and each.name == name}
        wheels = (each for each in self._distributions.values() if isinstance(each, InstalledWheel))
        return next((each for each in wheels if each.direct_url in urls), None)

    def _none(self, name: str, asked: Property, kind: VerdictKind) -> Verdict:
        outcome = self._berth.missing_outcome if kind is VerdictKind.MISSING_PYTHON else kind.outcome
        problem = self._arrival.problem or "the installer reports success, and it is not there"
        return Verdict(name, "", kind, outcome, f"{name} on {self._stop.label}: {problem}", property=asked)

    @property
    def _stop(self) -> Stop:
        return self.run.course.stops[self._berth.number]

    @property
    def _arrival(self) -> Arrival:
        return self.run.outcome.arrivals[self._berth.number]

    @cached_property
    def _environment(self) -> ExistingEnvironment:
        return environment_at(self._stop, self._arrival)

    @cached_property
    def _distributions(self) -> Mapping[str, InstalledDistribution]:
        return _by_name(self._environment)

    def _ask_indexes(self) -> None:
        if not self._has_asked:
            self._has_asked = True
            self._auditor.prefetch(self._distributions.values(), self._environment.interpreter)
