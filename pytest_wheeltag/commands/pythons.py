"""``wheeltag pythons``: the interpreters found, with their labels and best tags."""

import argparse
import os

from pytest_wheeltag.commands import Status
from pytest_wheeltag.commands.cache import find_cache
from pytest_wheeltag.commands.console import print_json, print_lines
from pytest_wheeltag.reports.choices import interpreters_to_json, render_interpreters
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.installs import this_machine


def run(options: argparse.Namespace) -> Status:
    """Find all interpreters of this machine and show them."""
    found = InterpreterFinder(find_cache(options), this_machine(os.environ)).find_all()
    if options.json:
        print_json(interpreters_to_json(found))
    else:
        print_lines(render_interpreters(found))
    return Status.DONE if found else Status.FAILED
