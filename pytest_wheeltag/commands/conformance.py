"""``wheeltag conformance``: plays scenarios against installers, and compares them."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_wheeltag.commands import Status
from pytest_wheeltag.commands.console import print_json, print_lines, tell
from pytest_wheeltag.commands.errand import open_place
from pytest_wheeltag.commands.verdicts import conclude
from pytest_wheeltag.conformance import list_parts, run_scenarios
from pytest_wheeltag.core.interpreter import parse_interpreter_spec
from pytest_wheeltag.core.scenarioresult import ConformanceReport, ScenarioResult
from pytest_wheeltag.repertoire import select_scenarios
from pytest_wheeltag.reports.conformance import conformance_to_json, render_conformance
from pytest_wheeltag.subjects.roster import parse_installer_spec
from pytest_wheeltag.trials import choose_interpreters, count_at_once, open_trial


def run(options: argparse.Namespace) -> Status:
    """Play the scenarios that are asked for against each installer, and show what came of it."""
    report = ConformanceReport(tuple(_play(options)))
    if options.json:
        print_json(conformance_to_json(report))
    else:
        print_lines(render_conformance(report, is_verbose=options.verbose))
    return conclude(report.tally)


def _play(options: argparse.Namespace) -> Iterator[ScenarioResult]:
    place = open_place(options)
    scenarios = select_scenarios(options.classes, options.scenarios, options.scenario_files)
    installers = options.installer or ["wheeltag"]
    specs = [parse_installer_spec(each, setting="--installer") for each in installers]
    pythons = [parse_interpreter_spec(text, setting="--python") for text in options.python]
    interpreters = choose_interpreters(pythons, place)
    parts = sum(len(list_parts(each, interpreters)) for each in scenarios)
    for spec in specs:
        with TemporaryDirectory(prefix="wheeltag-") as folder:
            trial = open_trial(spec, place, Path(folder))
            who = f"{trial.installer.name} {trial.installer.version}"
            tell(f"{who}: {parts} scenarios")
            results = run_scenarios(scenarios, interpreters, trial, at_once=count_at_once())
            yield from _show_progress(who, parts, results)


def _show_progress(who: str, parts: int, results: Iterable[ScenarioResult]) -> Iterator[ScenarioResult]:
    """Pass results on; on a terminal a line tells how far it is, in a log nothing does."""
    if not sys.stderr.isatty():
        yield from results
        return
    failed = 0
    for number, result in enumerate(results, start=1):
        failed += str(result.outcome) == "failed"
        print(f"\r\x1b[Kwheeltag: {who}: {number} of {parts}, {failed} failed", end="", file=sys.stderr)
        yield result
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)
