"""What came of the conformance scenarios: a table of installers by class and property, each failure, JSON."""

from collections.abc import Iterator
from typing import Any

from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.report import InstallerName, Tally
from pytest_wheeltag.core.scenarioresult import ConformanceReport, ScenarioResult
from pytest_wheeltag.core.verdict import Outcome
from pytest_wheeltag.reports.account import render_account
from pytest_wheeltag.reports.terminal import align


def render_conformance(report: ConformanceReport, *, is_verbose: bool = False) -> Iterator[str]:
    """Give failures (``is_verbose``: every result), the table and the totals as lines."""
    for installer in report.installers:
        for result in report.of(installer):
            if is_verbose or result.outcome is Outcome.FAILED:
                yield from _result(result)
                if is_verbose:
                    yield from (f"    {line}" for line in render_account(Account(result.invocations)))
    yield from render_table(report)
    yield render_conformance_totals(report)


def render_conformance_totals(report: ConformanceReport) -> str:
    """Give the one line of totals."""
    tally = report.tally
    if tally.is_unjudged:
        return f"nothing was judged ({tally.skipped} skipped), which is not a pass"
    who = ", ".join(map(_name, report.installers))
    return f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped in the scenarios of {who}"


def render_accepted(report: ConformanceReport) -> Iterator[str]:
    """Give a line for each failure that was accepted."""
    for result in report.results:
        if result.accepted:
            yield f"{_name(result.installer)}: {result.title}: {result.message}"


def render_table(report: ConformanceReport) -> Iterator[str]:
    """Give the table: a row for each class and property, a column for each installer."""
    if not report.results:
        return
    rows = [
        [str(class_), str(claim), *(_cell(tallies[each]) for each in report.installers)]
        for (class_, claim), tallies in report.cells().items()
    ]
    yield from align([["class", "property", *map(_name, report.installers)], *rows])


def _name(installer: InstallerName) -> str:
    return f"{installer.name} {installer.version}"


def _cell(tally: Tally) -> str:
    counts = {"passed": tally.passed, "FAILED": tally.failed, "skipped": tally.skipped}
    return ", ".join(f"{number} {outcome}" for outcome, number in counts.items() if number) or "-"


def _result(result: ScenarioResult) -> Iterator[str]:
    yield f"{result.outcome.upper()} {_name(result.installer)}: {result.title}: {result.scenario.title}"
    if result.message:
        yield f"    {result.message}"
    if result.outcome is Outcome.FAILED:
        yield f"    guards: {result.scenario.guards}"


def conformance_to_json(report: ConformanceReport) -> dict[str, Any]:
    """Give a report as plain JSON values."""
    tally = report.tally
    return {
        "summary": {"passed": tally.passed, "failed": tally.failed, "skipped": tally.skipped},
        "installers": [
            {
                "name": installer.name,
                "version": installer.version,
                "scenarios": [_scenario(each) for each in report.of(installer)],
            }
            for installer in report.installers
        ],
    }


def _scenario(result: ScenarioResult) -> dict[str, Any]:
    scenario = result.scenario
    return {
        "id": scenario.identifier,
        "title": scenario.title,
        "class": str(scenario.class_),
        "property": str(scenario.claim),
        "guards": scenario.guards,
        "interpreters": list(result.labels),
        "outcome": str(result.outcome),
        "message": result.message,
        "fails_with_empty_cache": result.is_cold,
        "verdict": str(result.verdict) if result.outcome is Outcome.FAILED or result.accepted else None,
        "accepted": result.accepted,
        "commands": [
            {"command": list(each.command), "status": each.status, "output": each.output}
            for each in result.invocations
        ],
    }
