"""``wheeltag resolve``: which files would be taken for an interpreter."""

import argparse

from pytest_wheeltag.commands import Status
from pytest_wheeltag.commands.console import print_json, print_lines
from pytest_wheeltag.commands.errand import Errand, find_interpreter, read_errand
from pytest_wheeltag.core.usualtargets import parse_targets
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.reports.choices import choices_to_json, render_choices


def run(options: argparse.Namespace) -> Status:
    """Resolve a request for an interpreter that is here, or for targets, and show what is chosen."""
    errand = read_errand(options)
    if options.target:
        return _resolve_elsewhere(options, errand)
    interpreter = find_interpreter(options, errand.place)
    resolution = errand.place.provisioner.resolve(errand.request, interpreter)
    if options.json:
        print_json(choices_to_json(resolution.choices, interpreter))
    else:
        print_lines(render_choices(resolution.choices, interpreter))
    errand.warn_of(resolution.warnings)
    return Status.DONE


def _resolve_elsewhere(options: argparse.Namespace, errand: Errand) -> Status:
    if options.python is not None:
        raise UsageError("--python", options.python, "either an interpreter that is here or `--target`")
    resolved, targets = [], parse_targets(options.target, setting="--target")
    for target in targets:
        resolution = errand.place.forecaster.resolve(errand.request, target)
        resolved.append({"target": target.label, **choices_to_json(resolution.choices, target)})
        if not options.json:
            title = f"{target.label}: " if len(targets) > 1 else ""
            print_lines(render_choices(resolution.choices, target), title)
        errand.warn_of(resolution.warnings)
    if options.json:
        print_json(resolved[0] if len(targets) == 1 else {"resolved": resolved})
    return Status.DONE
