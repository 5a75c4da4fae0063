"""``wheeltag coverage``: for which interpreters and platforms there are wheels of everything."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from shutil import get_terminal_size

from pytest_wheeltag.commands import Status
from pytest_wheeltag.commands.console import print_lines, warn
from pytest_wheeltag.commands.errand import Errand, read_errand
from pytest_wheeltag.commands.verdicts import conclude_report, read_policy
from pytest_wheeltag.core.coverage import measure_coverage
from pytest_wheeltag.core.report import Scene, collect_report, target_scene
from pytest_wheeltag.core.usualtargets import ALL, parse_targets
from pytest_wheeltag.core.verdict import Verdict
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.matrix import names_for
from pytest_wheeltag.reports.coverage import render_coverage, render_lacks
from pytest_wheeltag.reports.json_report import render_json


def run(options: argparse.Namespace) -> Status:
    """Show what targets would take of a request or a lock, and what they lack."""
    report = collect_report(_foresee(options))
    if options.json:
        sys.stdout.write(render_json(report))
    else:
        print_lines(render_lacks(report, is_verbose=options.verbose))
        print_lines(render_coverage(measure_coverage(report), get_terminal_size().columns))
    return conclude_report(report)


def _foresee(options: argparse.Namespace) -> Iterator[tuple[Scene, Verdict]]:
    targets = parse_targets(options.target or [ALL], setting="--target")
    policy = read_policy(options)
    errand = _read_errand(options)
    warnings: dict[str, None] = {}
    for target in targets:
        forecast = errand.place.forecaster.forecast(errand.request, target)
        warnings |= dict.fromkeys(forecast.warnings)
        scene = target_scene(target)
        for verdict in forecast.verdicts(names_for(errand.request, target)):
            yield scene, policy.apply(verdict)
    errand.warn_of(warnings)


def _read_errand(options: argparse.Namespace) -> Errand:
    if options.lock is None:
        return read_errand(options)
    errand = read_errand(options, may_be_empty=True)
    if not errand.request.is_empty:
        raise UsageError("--lock", options.lock, "either a lock or requirements")
    ledger = errand.place.reader.ledger(options.lock, "--lock")
    # That it has no hashes is nothing here: no file is looked at.
    for line in ledger.contents.warnings:
        warn(line)
    return replace(errand, place=replace(errand.place, ledger=ledger))
