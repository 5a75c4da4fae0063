"""What a command line asks for, read from its options: a request, and the place where it is carried out."""

import argparse
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_wheeltag.commands.cache import find_cache
from pytest_wheeltag.commands.console import tell, warn
from pytest_wheeltag.core.askedfor import AskedFor, join_asked
from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.interpreter import Interpreter, parse_interpreter_spec
from pytest_wheeltag.core.present import Upgrade
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.reports.terminal import group_warnings
from pytest_wheeltag.supplies import ProvisionOptions
from pytest_wheeltag.system.commandline import CommandLine, read_command_line
from pytest_wheeltag.system.compiler import parse_bytecode
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.system.linker import LinkOptions
from pytest_wheeltag.system.links import parse_link_mode
from pytest_wheeltag.system.sources import SourceOptions, parse_moment
from pytest_wheeltag.workplace import Workplace


@dataclass(frozen=True)
class Errand:
    """What is asked for, and the place, where that counts which requirements files say of indexes and kinds of files."""

    request: Request
    place: Workplace

    def warn_of(self, warnings: Iterable[str]) -> None:
        """Say what was noticed at the sources of the place and, as ``warnings``, in the work; alike lines once."""
        for line in group_warnings((*self.place.opened.warnings, *warnings)):
            warn(line)


def read_errand(options: argparse.Namespace, *, may_be_empty: bool = False) -> Errand:
    """Read all that is asked for, and warn of what stands there in vain.

    ``may_be_empty`` allows a command line that names nothing. Raises ``UsageError``.
    """
    place = open_place(options)
    line = _command_line(options, place)
    asked = join_asked(read_command_line(line, place.reader))
    # A file that asks for nothing is an answer, as with pip.
    if asked.request.is_empty and not (may_be_empty or line.names_files):
        raise UsageError("REQUIREMENT", "nothing", "something to install: a requirement, or a file with `-r`")
    for warning in asked.warnings:
        warn(warning)
    return Errand(_check_hashes(asked, options), _configure(place, options).heeding(asked.options))


def _command_line(options: argparse.Namespace, place: Workplace) -> CommandLine:
    configured = (f"{key}={value}" for key, value in place.opened.configuration.config_settings)
    return CommandLine(
        tuple(options.requirements),
        tuple(options.requirement_files),
        tuple(options.constraint),
        tuple(options.editable),
        tuple(options.group),
        tuple(options.extra),
        (*configured, *options.config_settings),
    )


def _check_hashes(asked: AskedFor, options: argparse.Namespace) -> Request:
    rule = asked.request.hash_rule.then(HashRule.where(is_required=options.require_hashes))
    return replace(asked.request, hash_rule=rule)


def _configure(place: Workplace, options: argparse.Namespace) -> Workplace:
    """Give the place with what only those are asked for who install: what builds are bound by, and pip's strategy."""
    builds = place.read_build_constraints(options.build_constraint)
    upgrade = place.options.upgrade
    if upgrade is Upgrade.REQUESTED and not options.upgrade_strategy:
        upgrade = Upgrade(place.opened.configuration.upgrade_strategy)
    return place.with_options(replace(place.options, build_constraints=builds, upgrade=upgrade))


def open_place(options: argparse.Namespace) -> Workplace:
    """Give the place that options describe; commands have not all of them. Raises ``UsageError``."""
    moment = options.exclude_newer
    sources = SourceOptions(
        cache=find_cache(options),
        index_url=options.index_url,
        extra_index_urls=tuple(options.extra_index_url),
        find_links=tuple(options.find_links),
        no_index=options.no_index,
        strategy=Strategy(options.index_strategy) if options.index_strategy else None,
        is_offline=options.offline,
        exclude_newer=parse_moment(moment, setting="--exclude-newer") if moment else None,
        reads_uv=options.uv_settings,
    )
    return Workplace(
        sources,
        os.environ,
        options=_provision_options(options),
        build_variables=tuple(getattr(options, "build_env", ())),
        warn=warn,
        tell=tell,
    )


def _provision_options(options: argparse.Namespace) -> ProvisionOptions:
    given, variable = getattr(options, "link_mode", None), os.environ.get("WHEELTAG_LINK_MODE")
    setting = "--link-mode" if given else "WHEELTAG_LINK_MODE"
    mode = parse_link_mode(given or variable or "auto", setting=setting)
    return ProvisionOptions(
        controls=_controls(options),
        with_dependencies=not getattr(options, "no_deps", False),
        upgrade=_upgrade(options),
        links=LinkOptions(mode),
        bytecode=parse_bytecode(getattr(options, "bytecode", None) or "none", setting="--bytecode"),
    )


def _controls(options: argparse.Namespace) -> Controls:
    if not hasattr(options, "only_binary"):
        return Controls()
    return Controls(
        NameControl.of(options.only_binary, options.no_binary),
        NameControl.of(options.prefer_binary),
        NameControl.of(options.pre),
    )


def _upgrade(options: argparse.Namespace) -> Upgrade:
    if getattr(options, "force_reinstall", False):
        return Upgrade.REINSTALL
    if not getattr(options, "upgrade", False):
        return Upgrade.KEEP
    return Upgrade.EAGER if options.upgrade_strategy == "eager" else Upgrade.REQUESTED


def find_interpreter(options: argparse.Namespace, place: Workplace) -> Interpreter:
    """Find the interpreter that is asked for, by default the one that runs this; raises ``InterpreterNotFoundError``."""
    if options.python is None:
        return place.finder.ask(Path(sys.executable))
    return place.finder.find(parse_interpreter_spec(options.python, setting="--python"))
