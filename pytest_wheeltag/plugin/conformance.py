"""The conformance scenarios as pytest items: one for each scenario and set of interpreters, each on its own."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.conformance import Part, Trial, list_parts, play_part
from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.scenarioresult import ScenarioResult, pack_result, settle
from pytest_wheeltag.core.verdict import Outcome, Policy
from pytest_wheeltag.errors import InterpreterError, InterpreterNotFoundError, WheeltagError
from pytest_wheeltag.plugin.checks import RESULT, Branch, Check, CheckFailedError, identify
from pytest_wheeltag.plugin.plan import PlannedConformance
from pytest_wheeltag.plugin.settings import Settings
from pytest_wheeltag.repertoire import load_scenarios, read_scenario_file
from pytest_wheeltag.trials import choose_interpreters, open_trial
from pytest_wheeltag.workplace import Workplace


@dataclass(frozen=True)
class Stake:
    """What scenario items are judged with: the parts by their titles, how an installer is put on trial, what is accepted.

    ``missing_outcome`` is what an interpreter means that was not found.
    """

    planned: PlannedConformance
    parts: Mapping[str, Part]
    policy: Policy
    missing_outcome: Outcome
    open_trial: Callable[[], Trial]

    @cached_property
    def trial(self) -> Trial:
        """The installer on trial, fetched once for all processes; raises ``WheeltagError``."""
        return self.open_trial()

    def play(self, title: str) -> ScenarioResult:
        """Play one part, and give its result as the policy wants it."""
        return settle(play_part(self.parts[title], self.trial), self.policy)


class ScenarioItem(Check):
    """One scenario on one set of interpreters."""

    def __init__(self, *, stake: Stake, **keywords: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**keywords)
        self._stake = stake

    def runtest(self) -> None:
        """Play, keep the result for the report, and pass, skip or fail."""
        try:
            result = self._stake.play(self.name)
        except WheeltagError as error:
            # Not to be had at all: no reason to show where in our code that was found.
            raise CheckFailedError(str(error)) from error
        self.user_properties.append((RESULT, json.dumps(pack_result(result))))
        if result.outcome is Outcome.FAILED:
            self.tell_what_was_run(Account(result.invocations))
            raise CheckFailedError("\n".join(describe_failure(result)))
        if result.outcome is Outcome.SKIPPED:
            raise pytest.skip.Exception(result.message, _use_item_location=True)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Name the item in headlines."""
        return self.path, 0, f"{self.name} by {self._stake.planned.installer}"


class MissingPythonItem(Check):
    """An interpreter that was asked for and not found."""

    def __init__(self, *, problem: str, outcome: Outcome, **keywords: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**keywords)
        self._problem = problem
        self._outcome = outcome

    def runtest(self) -> None:
        """Fail or skip, as the settings say."""
        if self._outcome is Outcome.FAILED:
            raise CheckFailedError(self._problem)
        raise pytest.skip.Exception(self._problem, _use_item_location=True)


class InstallerCollector(pytest.Collector):
    """The scenarios of one installer."""

    def __init__(self, *, stake: Stake, **keywords: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**keywords)
        self._stake = stake

    def collect(self) -> Iterator[pytest.Item]:
        """Give one item per scenario and set of interpreters, and one for each interpreter that is missing."""
        for label, problem in self._stake.planned.missing:
            name, outcome = f"[{label}]", self._stake.missing_outcome
            yield MissingPythonItem.from_parent(
                self, name=name, nodeid=identify(self, name), problem=problem, outcome=outcome
            )
        for title in self._stake.planned.titles:
            yield ScenarioItem.from_parent(self, name=title, nodeid=identify(self, title), stake=self._stake)


def describe_failure(result: ScenarioResult) -> Iterator[str]:
    """Say what failed, and what it guards."""
    installer = result.installer
    yield f"{installer.name} {installer.version} on {result.title}: {result.scenario.title}"
    yield result.message
    yield f"guards: {result.scenario.guards}"


def plan_conformance(settings: Settings, place: Workplace) -> PlannedConformance:
    """Find the interpreters and list the scenarios; nothing is fetched, installed or asked of an index."""
    found: list[Interpreter] = []
    missing: list[tuple[str, str]] = []
    for spec in settings.pythons:
        try:
            found += place.finder.find_each(spec)
        except (InterpreterNotFoundError, InterpreterError) as error:
            missing.append((spec.label, str(error)))
    interpreters = tuple(dict.fromkeys(found)) if settings.pythons else choose_interpreters((), place)
    titles = tuple(_list_parts(settings, interpreters))
    return PlannedConformance(settings.installer.text, interpreters, titles, tuple(missing))


def grow_branch(
    planned: PlannedConformance, settings: Settings, place: Workplace, locate: Callable[[], Path]
) -> Branch:
    """Give the collector of what is planned; ``locate`` gives the folder where all processes of the run find installers."""

    def open_it() -> Trial:
        home = locate()
        home.mkdir(parents=True, exist_ok=True)
        return open_trial(settings.installer, place, home)

    parts = _list_parts(settings, planned.interpreters)
    stake = Stake(planned, parts, settings.policy, settings.missing_outcome, open_it)
    return partial(InstallerCollector.from_parent, name=planned.installer, stake=stake)


def _list_parts(settings: Settings, interpreters: Sequence[Interpreter]) -> dict[str, Part]:
    read = partial(read_scenario_file, setting="--wheeltag-scenario-file")
    scenarios = tuple(map(read, settings.scenario_files)) or load_scenarios()
    return {part.title: part for scenario in scenarios for part in list_parts(scenario, interpreters)}
