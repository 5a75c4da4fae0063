"""The checks as pytest items: collected from places, judged one by one, in every process of a run."""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.report import pack
from pytest_wheeltag.core.verdict import Outcome, Policy, Property, Verdict
from pytest_wheeltag.plugin.places import Place
from pytest_wheeltag.reports.account import render_account

ROOT = "wheeltag"
_SECTION = "output of the installer"
FINDING = "wheeltag"
"""The user property under which a finding rides on a report, as JSON."""
RESULT = "wheeltag_conformance"
"""The user property under which the result of a scenario does."""


class CheckFailedError(Exception):
    """A check failed; its text is the messages of the verdicts."""


@dataclass(frozen=True)
class Question:
    """What an environment's items ask: one property of one place; ``title`` is the environment's part of the id."""

    place: Place
    asked: Property
    policy: Policy
    title: str


class Check(pytest.Item):
    """An item of ours."""

    def __init__(self, **keywords: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**keywords)
        self.add_marker("wheeltag")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401 - pytest's own
        """Show what was found as its messages alone: where in our code it was found helps nobody."""
        if isinstance(excinfo.value, CheckFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Name the item in headlines."""
        return self.path, 0, self.name

    def tell_what_was_run(self, account: Account) -> None:
        """Show below a failure what the installer was asked and printed; verdicts never come from there."""
        lines = render_account(account)
        if lines:
            self.add_report_section("call", _SECTION, "\n".join(lines))


class CheckItem(Check):
    """One distribution in one environment, or all that was installed beside the named ones."""

    def __init__(self, *, question: Question, **keywords: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**keywords)
        self.question = question

    def runtest(self) -> None:
        """Judge, keep the findings for the report, and pass, skip or fail."""
        question = self.question
        judged = question.place.judge(self.name, question.asked)
        verdicts = [question.policy.apply(verdict) for verdict in judged]
        scene = question.place.scene
        for number, verdict in enumerate(verdicts):
            told = scene if number == 0 and self._tells_lock else replace(scene, lock=None)
            self.user_properties.append((FINDING, json.dumps(pack(told, verdict))))
        if not verdicts and (absence := question.place.describe_absence()):
            reason = f"nothing was installed: {absence}"
            raise pytest.skip.Exception(reason, _use_item_location=True)
        if any(verdict.outcome is Outcome.FAILED for verdict in verdicts):
            self.tell_what_was_run(question.place.account)
        _settle(verdicts)

    @property
    def _tells_lock(self) -> bool:
        """Whether what a lock holds besides rides on this item: it can be long, so it does on one of an environment."""
        # Not on the one of the dependencies, of which there may be none: its name sorts before those of projects.
        return self.name == max(self.question.place.selected, default=self.name)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Name the item in headlines; not by its id, in which pytest would take the version for a module's name."""
        return self.path, 0, f"{self.name} on {self.question.title}"


def _settle(verdicts: Sequence[Verdict]) -> None:
    """Fail with every failure, skip where all was skipped, else pass."""
    failed = [verdict.message for verdict in verdicts if verdict.outcome is Outcome.FAILED]
    if failed:
        raise CheckFailedError("\n".join(failed))
    if verdicts and all(verdict.outcome is Outcome.SKIPPED for verdict in verdicts):
        reason = "; ".join(f"{verdict.kind}: {verdict.message}" for verdict in verdicts)
        raise pytest.skip.Exception(reason, _use_item_location=True)


def identify(parent: pytest.Collector, name: str) -> str:
    """Give the id of what is collected below a collector of ours, as text.

    pytest 9.2 holds ids in parts: made from the parent's parts, one with brackets in it is not the one that ``--lf``
    reads from its text.
    """
    return f"{parent.nodeid}::{name}"


class EnvironmentCollector(pytest.Collector):
    """The checks of one environment, for one property."""

    def __init__(self, *, question: Question, **keywords: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**keywords)
        self._question = question

    def collect(self) -> Iterator[pytest.Item]:
        """Give one item per name."""
        for name in self._question.place.names:
            yield CheckItem.from_parent(self, name=name, nodeid=identify(self, name), question=self._question)


Branch = Callable[[pytest.Collector], pytest.Collector]
"""Gives a collector of checks below the one of all."""


class RootCollector(pytest.Collector):
    """All checks, beside the test modules of the session."""

    def __init__(
        self,
        *,
        questions: Sequence[Question],
        further: Sequence[Branch],
        **keywords: Any,  # noqa: ANN401 - pytest's own
    ) -> None:
        super().__init__(**keywords)
        self._questions = questions
        self._further = further

    def collect(self) -> Iterator[pytest.Collector]:
        """Give one collector per environment and property, and the further ones."""
        for question in self._questions:
            identifier = identify(self, question.title)
            yield EnvironmentCollector.from_parent(
                self, name=question.title, nodeid=identifier, question=question
            )
        yield from (grow(self) for grow in self._further)


class Checks:
    """Brings the planned checks into a session, ``further`` ones too; one in every process."""

    def __init__(self, questions: Sequence[Question], further: Sequence[Branch] = ()) -> None:
        self._questions = questions
        self._further = further

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Add the checks to what the session itself collects."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            root = RootCollector.from_parent(
                collector,
                name=ROOT,
                nodeid=ROOT,
                # No file: the name that stands before the reason in a summary of skips.
                path=collector.path / ROOT,
                questions=self._questions,
                further=self._further,
            )
            report.result = [*report.result, root]
        return report

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember what was selected: no page is fetched for the others."""
        for question in self._questions:
            mine = (item for item in session.items if isinstance(item, CheckItem))
            names = (item.name for item in mine if item.question.place is question.place)
            question.place.selected = frozenset(names)


def ask_questions(
    places: Sequence[Place], properties: Sequence[Property], policy: Policy
) -> tuple[Question, ...]:
    """Ask every property of every place; the property is part of the id where several are asked."""
    return tuple(
        Question(
            place, asked, policy, f"{place.identifier}[{asked}]" if len(asking) > 1 else place.identifier
        )
        for place in places
        # What is installed nowhere has no bytes and no installer.
        for asking in [properties if place.is_here else (Property.BEST,)]
        for asked in asking
    )
