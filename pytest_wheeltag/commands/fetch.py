"""``wheeltag fetch``: brings into the cache what interpreters need, for later runs offline."""

import argparse

from pytest_wheeltag.commands import Status
from pytest_wheeltag.commands.console import print_json, print_lines
from pytest_wheeltag.commands.errand import read_errand
from pytest_wheeltag.core.interpreter import parse_interpreter_spec
from pytest_wheeltag.reports.choices import choices_to_json, render_choices


def run(options: argparse.Namespace) -> Status:
    """Fetch and build what each interpreter would take."""
    errand = read_errand(options)
    finder = errand.place.finder
    specs = [parse_interpreter_spec(text, setting="--python") for text in options.python]
    fetched = []
    for interpreter in dict.fromkeys(each for spec in specs for each in finder.find_each(spec)):
        choices = errand.place.provisioner.provide(errand.request, interpreter).choices
        fetched.append(choices_to_json(choices, interpreter))
        if not options.json:
            print_lines(render_choices(choices, interpreter), f"{interpreter.label}: ")
    if options.json:
        print_json({"fetched": fetched})
    return Status.DONE
