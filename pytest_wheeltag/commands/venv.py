"""``wheeltag venv``: makes an environment, with what it shall hold."""

import argparse
from pathlib import Path

from pytest_wheeltag.commands import Status
from pytest_wheeltag.commands.errand import find_interpreter, read_errand
from pytest_wheeltag.commands.install import show_installation
from pytest_wheeltag.system.environment import Environment


def run(options: argparse.Namespace) -> Status:
    """Make an environment that holds what is asked for, or none at all."""
    errand = read_errand(options, may_be_empty=True)
    interpreter = find_interpreter(options, errand.place)
    prefix = Path(options.directory).absolute()
    report = errand.place.furnish(prefix, interpreter, errand.request)
    errand.warn_of(report.warnings)
    show_installation(Environment(prefix, interpreter), report, as_json=options.json)
    return Status.DONE
