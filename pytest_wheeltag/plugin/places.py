"""The places whose checks are items: environments that were found, and those that an installer makes on its way."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from pytest_wheeltag.audit import Auditor
from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.report import Scene
from pytest_wheeltag.core.verdict import (
    InstalledDistribution,
    MalformedDistribution,
    Outcome,
    Property,
    Verdict,
    VerdictKind,
)
from pytest_wheeltag.inspection import Inspector
from pytest_wheeltag.matrix import scene_at
from pytest_wheeltag.plugin.plan import DEPENDENCIES, PlannedAudit
from pytest_wheeltag.system.fingerprint import fingerprint_environment
from pytest_wheeltag.system.installed import read_by_name
from pytest_wheeltag.visit import Visit


class Place(Protocol):
    """An environment whose distributions are judged, item by item."""

    identifier: str
    names: tuple[str, ...]
    selected: frozenset[str]

    @property
    def is_here(self) -> bool:
        """Whether there is an environment on this machine: of others only `best` can be asked."""
        ...

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

    @property
    def account(self) -> Account:
        """What its installer said of it, nothing where it was found."""
        ...


class AuditedPlace:
    """An environment that was found; read and asked about once, as it lies on disk when its first item runs."""

    is_here = True

    def __init__(self, planned: PlannedAudit, auditor: Auditor, *, is_inherited: bool) -> None:
        self.identifier = planned.identifier
        self.names = planned.names
        self.selected: frozenset[str] = frozenset(planned.names)
        self._planned = planned
        self._environment = planned.environment
        self._auditor = auditor
        self._is_inherited = is_inherited
        self._asked: set[Property] = set()

    @property
    def account(self) -> Account:
        """What its installer said of it: it was found, so nothing is known."""
        return Account()

    @cached_property
    def scene(self) -> Scene:
        """Where its verdicts belong in the report."""
        lock = self._auditor.compare_lock(self.names, self._environment.interpreter)
        return replace(self._planned.scene, lock=lock)

    def judge(self, name: str, asked: Property) -> tuple[Verdict, ...]:
        """Judge the distribution of this name."""
        gone = MalformedDistribution(name, "", "it was there when the checks were collected and is gone now")
        self._ask_indexes(asked)
        distribution = self._distributions.get(name, gone)
        return (self._auditor.judge(distribution, self._environment, asked),)

    @cached_property
    def _distributions(self) -> Mapping[str, InstalledDistribution]:
        return read_by_name(self._environment, inherited=self._is_inherited)

    def _ask_indexes(self, asked: Property) -> None:
        """Fetch what indexes tell of what was selected, side by side, before the first of it is needed."""
        if asked not in self._asked:
            self._asked.add(asked)
            found = self._distributions
            wanted = [found[name] for name in sorted(self.selected & found.keys())]
            self._auditor.prefetch(wanted, self._environment.interpreter, asked)

    def describe_absence(self) -> str:
        """Say why there is no environment: it was found, so there is one."""
        return ""


@dataclass(frozen=True)
class Berth:
    """Which stop of a course a place is, the id it has, and what it means that its interpreter is missing."""

    visit: Visit
    identifier: str
    missing_outcome: Outcome


class ProvisionedPlace:
    """An environment that the installer under test makes at one stop of a course."""

    is_here = True

    def __init__(self, berth: Berth, inspector: Inspector) -> None:
        self.identifier = berth.identifier
        self.run = berth.visit.run
        self.names = (*berth.visit.stop.names, DEPENDENCIES)
        self.selected: frozenset[str] = frozenset(self.names)
        self._berth = berth
        self._inspector = inspector
        self._asked: set[Property] = set()

    @property
    def prefix(self) -> str:
        """The environment's folder, empty where there is none (yet)."""
        outcome = self.run.known_outcome()
        return outcome.arrivals[self._visit.number].prefix if outcome else ""

    @cached_property
    def scene(self) -> Scene:
        """Where its verdicts belong in the report, with the fingerprint of what was installed."""
        visit = self._visit
        scene = scene_at(self.run.course, visit.number, self.identifier, visit.installer)
        if not visit.arrival.prefix:
            return scene
        lock = self._inspector.auditor.compare_lock(visit.distributions, visit.environment.interpreter)
        return replace(scene, fingerprint=fingerprint_environment(visit.environment), lock=lock)

    @property
    def account(self) -> Account:
        """What its installer was asked and printed there."""
        return self._visit.arrival.account

    def judge(self, name: str, asked: Property) -> tuple[Verdict, ...]:
        """Judge one named requirement, or everything else that was installed with them."""
        visit = self._visit
        if not visit.arrival.prefix and name == DEPENDENCIES:
            return ()
        if visit.arrival.prefix:
            self._ask_indexes(asked)
        if name == DEPENDENCIES:
            others = self._inspector.list_names(visit, asked) - set(self.names)
            return tuple(self._judge_one(each, asked) for each in sorted(others))
        return (self._judge_one(name, asked),)

    def describe_absence(self) -> str:
        """Say why there is no environment, empty where there is one."""
        return "" if self._visit.arrival.prefix else self._visit.arrival.problem

    def _judge_one(self, name: str, asked: Property) -> Verdict:
        verdict = self._inspector.judge(self._visit, name, asked)
        if verdict.kind is VerdictKind.MISSING_PYTHON:
            return replace(verdict, outcome=self._berth.missing_outcome)
        return verdict

    @property
    def _visit(self) -> Visit:
        return self._berth.visit

    def _ask_indexes(self, asked: Property) -> None:
        if asked not in self._asked:
            self._asked.add(asked)
            self._inspector.prefetch(self._visit, asked)
