"""``wheeltag check``: judges whether each installed wheel is the best published one."""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pytest_wheeltag.commands import Status
from pytest_wheeltag.commands.console import print_lines, warn
from pytest_wheeltag.commands.errand import open_place
from pytest_wheeltag.commands.verdicts import conclude_report, read_policy
from pytest_wheeltag.core.report import Scene, audited_scene, collect_report, tell_apart
from pytest_wheeltag.core.verdict import Verdict
from pytest_wheeltag.reports.json_report import render_json
from pytest_wheeltag.reports.terminal import render_findings


def run(options: argparse.Namespace) -> Status:
    """Audit environments and show what was found."""
    report = collect_report(_audit(options))
    if options.json:
        sys.stdout.write(render_json(report))
    else:
        print_lines(render_findings(report, is_verbose=options.verbose))
    return conclude_report(report)


def _audit(options: argparse.Namespace) -> Iterator[tuple[Scene, Verdict]]:
    policy = read_policy(options)
    place = open_place(options)
    if options.lock:
        ledger = place.reader.ledger(options.lock, "--lock")
        place = replace(place, ledger=ledger)
        for line in ledger.warnings:
            warn(line)
    paths = [Path(path) for path in options.paths] or [_active_environment()]
    environments = [place.finder.find_environment(path) for path in paths]
    identifiers = tell_apart(each.interpreter.label for each in environments)
    for identifier, environment in zip(identifiers, environments, strict=True):
        verdicts = place.auditor.audit(environment, inherited=options.inherited)
        lock = place.auditor.compare_lock((each.name for each in verdicts), environment.interpreter)
        scene = replace(audited_scene(identifier, environment), lock=lock)
        yield from ((scene, policy.apply(verdict)) for verdict in verdicts)


def _active_environment() -> Path:
    """Give the activated environment, else the one that runs this."""
    if active := os.environ.get("VIRTUAL_ENV"):
        return Path(active)
    return Path(sys.prefix if sys.prefix != sys.base_prefix else sys.executable)
