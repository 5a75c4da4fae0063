"""``wheeltag install``: into an environment that is there, all or nothing; and how an installation is shown."""

import argparse
from pathlib import Path

from pytest_wheeltag.commands import Status
from pytest_wheeltag.commands.console import print_json, print_lines
from pytest_wheeltag.commands.errand import read_errand
from pytest_wheeltag.reports.choices import choices_to_json, render_choices
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.installation import InstallReport


def run(options: argparse.Namespace) -> Status:
    """Install what is asked for."""
    errand = read_errand(options)
    environment = errand.place.open_environment(Path(options.python))
    report = errand.place.provisioner.install(environment, errand.request)
    errand.warn_of(report.warnings)
    show_installation(environment, report, as_json=options.json)
    return Status.DONE


def show_installation(environment: Environment, report: InstallReport, *, as_json: bool) -> None:
    """Print where something was installed, and what was, what made way and what stayed."""
    if as_json:
        shown = choices_to_json(report.installed, environment.interpreter)
        kept = [f"{each.name} {each.version}" for each in report.kept]
        print_json(
            {"environment": str(environment.prefix), **shown, "kept": kept, "removed": list(report.removed)}
        )
        return
    print(environment.prefix)
    print_lines(render_choices(report.installed, environment.interpreter), "installed ")
    print_lines(report.removed, "removed ")
    print_lines((f"{choice.name} {choice.version}" for choice in report.kept), "kept ")
