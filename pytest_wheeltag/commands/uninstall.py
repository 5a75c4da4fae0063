"""``wheeltag uninstall``: takes distributions out of an environment, all or nothing."""

import argparse
import os
from pathlib import Path

from pytest_wheeltag.commands import Status
from pytest_wheeltag.commands.cache import find_cache
from pytest_wheeltag.commands.console import print_json, print_lines, warn
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace


def run(options: argparse.Namespace) -> Status:
    """Take out what is named; no index is asked."""
    place = Workplace(SourceOptions(find_cache(options)), os.environ, warn=warn)
    environment = place.open_environment(Path(options.python))
    report = place.provisioner.uninstall(environment, options.names)
    for line in report.warnings:
        warn(line)
    if options.json:
        print_json({"environment": str(environment.prefix), "removed": list(report.removed)})
    else:
        print_lines(report.removed, "removed ")
    return Status.DONE
