"""The command line without pytest: ``wheeltag``, also ``python -m pytest_wheeltag``."""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from pytest_wheeltag.arguments import parse_arguments
from pytest_wheeltag.errors import BuildError, UsageError, WheeltagError

if TYPE_CHECKING:
    from pytest_wheeltag.core.controls import Controls
    from pytest_wheeltag.core.interpreter import Interpreter
    from pytest_wheeltag.core.present import Upgrade
    from pytest_wheeltag.core.report import AuditReport, Scene
    from pytest_wheeltag.core.requirements import Request
    from pytest_wheeltag.core.scenarioresult import ScenarioResult
    from pytest_wheeltag.core.verdict import Policy, Verdict
    from pytest_wheeltag.supplies import ProvisionOptions
    from pytest_wheeltag.system.environment import Environment
    from pytest_wheeltag.system.installation import InstallReport
    from pytest_wheeltag.workplace import Workplace

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNJUDGED = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit status.

    0 is success, 1 a failed verdict or a failed command, 2 a usage error, 3 that nothing could be judged.
    """
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        # A name that a terminal cannot show is no reason to stop.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _RUN[options.command](options)
    except UsageError as error:
        return _fail(error, EXIT_USAGE)
    except WheeltagError as error:
        return _fail(error, EXIT_FAILED)
    except BrokenPipeError:
        # The reader of a pipe went away (`wheeltag check | head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except OSError as error:
        return _fail(
            f"{error.strerror or type(error).__name__}: `{error.filename or 'unknown'}`", EXIT_FAILED
        )
    except KeyboardInterrupt:
        return _fail("interrupted", EXIT_FAILED)


def _fail(problem: object, status: int) -> int:
    print(f"wheeltag: {problem}", file=sys.stderr)
    if isinstance(problem, BuildError):
        # Its end first: what the backend said last is in the line above.
        for line in problem.output.last_lines:
            print(f"  {line}", file=sys.stderr)
    return status


def _check(options: argparse.Namespace) -> int:
    from pytest_wheeltag.core.report import collect_report  # noqa: PLC0415 - each command imports what it needs
    from pytest_wheeltag.reports.json_report import render_json  # noqa: PLC0415
    from pytest_wheeltag.reports.terminal import render_findings  # noqa: PLC0415

    report = collect_report(_audit(options))
    if options.json:
        sys.stdout.write(render_json(report))
    else:
        print(*render_findings(report, is_verbose=options.verbose), sep="\n")
    return _status(report)


def _status(report: "AuditReport") -> int:
    if report.tally.is_unjudged or report.is_only_unreachable:
        return EXIT_UNJUDGED
    return EXIT_FAILED if report.tally.failed else 0


def _audit(options: argparse.Namespace) -> "Iterator[tuple[Scene, Verdict]]":
    from pytest_wheeltag.core.report import audited_scene, tell_apart  # noqa: PLC0415 - as above

    policy = _policy(options)
    place = _workplace(options)
    if options.lock:
        ledger = place.reader.ledger(options.lock, "--lock")
        place = replace(place, ledger=ledger)
        for line in ledger.warnings:
            _warn(line)
    paths = [Path(path) for path in options.paths] or [_active_environment()]
    environments = [place.finder.find_environment(path) for path in paths]
    identifiers = tell_apart(each.interpreter.label for each in environments)
    for identifier, environment in zip(identifiers, environments, strict=True):
        verdicts = place.auditor.audit(environment, inherited=options.inherited)
        lock = place.auditor.compare_lock((each.name for each in verdicts), environment.interpreter)
        scene = replace(audited_scene(identifier, environment), lock=lock)
        yield from ((scene, policy.apply(verdict)) for verdict in verdicts)


def _policy(options: argparse.Namespace) -> "Policy":
    from pytest_wheeltag.core.verdict import Policy, parse_acceptance  # noqa: PLC0415 - as above

    accepted = (parse_acceptance(each, setting="--accept") for each in options.accept)
    return Policy(tuple(accepted), options.strict)


def _resolve(options: argparse.Namespace) -> int:
    from pytest_wheeltag.reports.choices import choices_to_json, render_choices  # noqa: PLC0415 - as above

    place, request = _asked_for(options)
    if options.target:
        return _resolve_elsewhere(options, place, request)
    interpreter = _interpreter(options, place)
    resolution = place.provisioner.resolve(request, interpreter)
    if options.json:
        _print_json(choices_to_json(resolution.choices, interpreter))
    else:
        print(*render_choices(resolution.choices, interpreter), sep="\n")
    _warn_of(resolution.warnings, place)
    return 0


def _resolve_elsewhere(options: argparse.Namespace, place: "Workplace", request: "Request") -> int:
    from pytest_wheeltag.core.usualtargets import parse_targets  # noqa: PLC0415 - as above
    from pytest_wheeltag.reports.choices import choices_to_json, render_choices  # noqa: PLC0415

    if options.python is not None:
        raise UsageError("--python", options.python, "either an interpreter that is here or `--target`")
    resolved, targets = [], parse_targets(options.target, setting="--target")
    for target in targets:
        resolution = place.forecaster.resolve(request, target)
        resolved.append({"target": target.label, **choices_to_json(resolution.choices, target)})
        if not options.json:
            title = f"{target.label}: " if len(targets) > 1 else ""
            print(*(f"{title}{line}" for line in render_choices(resolution.choices, target)), sep="\n")
        _warn_of(resolution.warnings, place)
    if options.json:
        _print_json(resolved[0] if len(targets) == 1 else {"resolved": resolved})
    return 0


def _coverage(options: argparse.Namespace) -> int:
    from pytest_wheeltag.core.coverage import measure_coverage  # noqa: PLC0415 - as above
    from pytest_wheeltag.core.report import collect_report  # noqa: PLC0415
    from pytest_wheeltag.reports.coverage import render_coverage, render_lacks  # noqa: PLC0415
    from pytest_wheeltag.reports.json_report import render_json  # noqa: PLC0415

    report = collect_report(_foresee(options))
    if options.json:
        sys.stdout.write(render_json(report))
    else:
        lacks = render_lacks(report, is_verbose=options.verbose)
        table = render_coverage(measure_coverage(report), get_terminal_size().columns)
        print(*lacks, *table, sep="\n")
    return _status(report)


def _foresee(options: argparse.Namespace) -> "Iterator[tuple[Scene, Verdict]]":
    from pytest_wheeltag.core.report import target_scene  # noqa: PLC0415 - as above
    from pytest_wheeltag.core.usualtargets import ALL, parse_targets  # noqa: PLC0415
    from pytest_wheeltag.matrix import names_for  # noqa: PLC0415

    targets = parse_targets(options.target or [ALL], setting="--target")
    policy = _policy(options)
    place, request = _asked_for(options, may_be_empty=options.lock is not None)
    if options.lock is not None:
        if not request.is_empty:
            raise UsageError("--lock", options.lock, "either a lock or requirements")
        place = replace(place, ledger=place.reader.ledger(options.lock, "--lock"))
    warnings: dict[str, None] = {}
    for target in targets:
        forecast = place.forecaster.forecast(request, target)
        warnings |= dict.fromkeys(forecast.warnings)
        scene = target_scene(target)
        for verdict in forecast.verdicts(names_for(request, target)):
            yield scene, policy.apply(verdict)
    _warn_of(warnings, place)


def _install(options: argparse.Namespace) -> int:
    place, request = _asked_for(options)
    environment = place.open_environment(Path(options.python))
    report = place.provisioner.install(environment, request)
    _show_installation(options, environment, report, place)
    return 0


def _venv(options: argparse.Namespace) -> int:
    from pytest_wheeltag.system.environment import Environment  # noqa: PLC0415 - as above

    place, request = _asked_for(options, may_be_empty=True)
    interpreter = _interpreter(options, place)
    prefix = Path(options.directory).absolute()
    report = place.furnish(prefix, interpreter, request)
    _show_installation(options, Environment(prefix, interpreter), report, place)
    return 0


def _show_installation(
    options: argparse.Namespace, environment: "Environment", report: "InstallReport", place: "Workplace"
) -> None:
    from pytest_wheeltag.reports.choices import choices_to_json, render_choices  # noqa: PLC0415 - as above

    _warn_of(report.warnings, place)
    if options.json:
        shown = choices_to_json(report.installed, environment.interpreter)
        kept = [f"{each.name} {each.version}" for each in report.kept]
        _print_json(
            {"environment": str(environment.prefix), **shown, "kept": kept, "removed": list(report.removed)}
        )
        return
    print(environment.prefix)
    for line in render_choices(report.installed, environment.interpreter):
        print(f"installed {line}")
    for each in report.removed:
        print(f"removed {each}")
    for choice in report.kept:
        print(f"kept {choice.name} {choice.version}")


def _uninstall(options: argparse.Namespace) -> int:
    from pytest_wheeltag.system.sources import SourceOptions  # noqa: PLC0415 - as above
    from pytest_wheeltag.workplace import Workplace  # noqa: PLC0415

    place = Workplace(SourceOptions(_cache_folder(options)), os.environ, warn=_warn)
    environment = place.open_environment(Path(options.python))
    report = place.provisioner.uninstall(environment, options.names)
    for line in report.warnings:
        _warn(line)
    if options.json:
        _print_json({"environment": str(environment.prefix), "removed": list(report.removed)})
        return 0
    for each in report.removed:
        print(f"removed {each}")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from pytest_wheeltag.core.interpreter import parse_interpreter_spec  # noqa: PLC0415 - as above
    from pytest_wheeltag.reports.choices import choices_to_json, render_choices  # noqa: PLC0415

    place, request = _asked_for(options)
    specs = [parse_interpreter_spec(text, setting="--python") for text in options.python]
    fetched = []
    for interpreter in dict.fromkeys(each for spec in specs for each in place.finder.find_each(spec)):
        choices = place.provisioner.provide(request, interpreter).choices
        fetched.append(choices_to_json(choices, interpreter))
        if not options.json:
            lines = render_choices(choices, interpreter)
            print(*(f"{interpreter.label}: {line}" for line in lines), sep="\n")
    if options.json:
        _print_json({"fetched": fetched})
    return 0


def _conformance(options: argparse.Namespace) -> int:
    from pytest_wheeltag.core.scenarioresult import ConformanceReport  # noqa: PLC0415 - as above
    from pytest_wheeltag.reports.conformance import conformance_to_json, render_conformance  # noqa: PLC0415

    report = ConformanceReport(tuple(_play(options)))
    if options.json:
        _print_json(conformance_to_json(report))
    else:
        print(*render_conformance(report, is_verbose=options.verbose), sep="\n")
    if report.tally.is_unjudged:
        return EXIT_UNJUDGED
    return EXIT_FAILED if report.tally.failed else 0


def _play(options: argparse.Namespace) -> "Iterator[ScenarioResult]":
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - as above

    from pytest_wheeltag.conformance import list_parts, run_scenarios  # noqa: PLC0415
    from pytest_wheeltag.core.interpreter import parse_interpreter_spec  # noqa: PLC0415
    from pytest_wheeltag.repertoire import select_scenarios  # noqa: PLC0415
    from pytest_wheeltag.subjects.roster import parse_installer_spec  # noqa: PLC0415
    from pytest_wheeltag.trials import choose_interpreters, count_at_once, open_trial  # noqa: PLC0415

    place = _workplace(options)
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
            _tell(f"{who}: {parts} scenarios")
            results = run_scenarios(scenarios, interpreters, trial, at_once=count_at_once())
            yield from _show_progress(who, parts, results)


def _show_progress(who: str, parts: int, results: "Iterable[ScenarioResult]") -> "Iterator[ScenarioResult]":
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


def _pythons(options: argparse.Namespace) -> int:
    from pytest_wheeltag.reports.choices import interpreters_to_json, render_interpreters  # noqa: PLC0415 - as above
    from pytest_wheeltag.system.discovery import InterpreterFinder  # noqa: PLC0415
    from pytest_wheeltag.system.installs import this_machine  # noqa: PLC0415

    found = InterpreterFinder(_cache_folder(options), this_machine(os.environ)).find_all()
    if options.json:
        _print_json(interpreters_to_json(found))
    else:
        print(*render_interpreters(found), sep="\n")
    return 0 if found else EXIT_FAILED


def _cache(options: argparse.Namespace) -> int:
    from pytest_wheeltag.system.cache import clear_cache, measure_cache  # noqa: PLC0415 - as above

    folder = _cache_folder(options)
    is_clearing = options.action == "clear"
    rooms = clear_cache(folder) if is_clearing else measure_cache(folder) if options.action == "info" else ()
    if options.json:
        listed = [{"name": room.name, "files": room.files, "bytes": room.size} for room in rooms]
        _print_json({"cache": str(folder), "removed" if is_clearing else "rooms": listed})
        return 0
    print(folder)
    for room in rooms:
        print(f"{'removed ' * is_clearing}{room.name}: {room.files} files, {room.size / 1e6:.1f} MB")
    return 0


def _print_json(values: dict[str, Any]) -> None:
    print(json.dumps(values, indent=2, ensure_ascii=False))


def _cache_folder(options: argparse.Namespace) -> Path:
    from pytest_wheeltag.system.cache import locate_cache  # noqa: PLC0415 - as above

    return locate_cache(options.cache_dir and Path(options.cache_dir), os.environ)


def _workplace(options: argparse.Namespace) -> "Workplace":
    from pytest_wheeltag.system.index import Strategy  # noqa: PLC0415 - as above
    from pytest_wheeltag.system.sources import SourceOptions, parse_moment  # noqa: PLC0415 - as above
    from pytest_wheeltag.workplace import Workplace  # noqa: PLC0415

    moment = options.exclude_newer
    sources = SourceOptions(
        cache=_cache_folder(options),
        index_url=options.index_url,
        extra_index_urls=tuple(options.extra_index_url),
        find_links=tuple(options.find_links),
        no_index=options.no_index,
        strategy=Strategy(options.index_strategy) if options.index_strategy else None,
        is_offline=options.offline,
        exclude_newer=parse_moment(moment, setting="--exclude-newer") if moment else None,
        reads_uv=options.uv_settings,
    )
    variables = tuple(getattr(options, "build_env", ()))
    return Workplace(
        sources,
        os.environ,
        options=_provision_options(options),
        build_variables=variables,
        warn=_warn,
        tell=_tell,
    )


def _provision_options(options: argparse.Namespace) -> "ProvisionOptions":
    from pytest_wheeltag.supplies import ProvisionOptions  # noqa: PLC0415 - as above
    from pytest_wheeltag.system.compiler import parse_bytecode  # noqa: PLC0415
    from pytest_wheeltag.system.linker import LinkOptions  # noqa: PLC0415
    from pytest_wheeltag.system.links import parse_link_mode  # noqa: PLC0415

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


def _controls(options: argparse.Namespace) -> "Controls":
    from pytest_wheeltag.core.controls import Controls, NameControl  # noqa: PLC0415 - as above

    if not hasattr(options, "only_binary"):
        return Controls()
    return Controls(
        NameControl.of(options.only_binary, options.no_binary),
        NameControl.of(options.prefer_binary),
        NameControl.of(options.pre),
    )


def _upgrade(options: argparse.Namespace) -> "Upgrade":
    from pytest_wheeltag.core.present import Upgrade  # noqa: PLC0415 - as above

    if getattr(options, "force_reinstall", False):
        return Upgrade.REINSTALL
    if not getattr(options, "upgrade", False):
        return Upgrade.KEEP
    return Upgrade.EAGER if options.upgrade_strategy == "eager" else Upgrade.REQUESTED


def _warn_of(warnings: "Iterable[str]", place: "Workplace") -> None:
    from pytest_wheeltag.reports.terminal import group_warnings  # noqa: PLC0415 - as above

    for line in group_warnings((*place.opened.warnings, *warnings)):
        _warn(line)


def _tell(line: str) -> None:
    print(f"wheeltag: {line}", file=sys.stderr)


def _warn(line: str) -> None:
    print(f"wheeltag: warning: {line}", file=sys.stderr)


def _interpreter(options: argparse.Namespace, place: "Workplace") -> "Interpreter":
    from pytest_wheeltag.core.interpreter import parse_interpreter_spec  # noqa: PLC0415 - as above

    if options.python is None:
        return place.finder.ask(Path(sys.executable))
    return place.finder.find(parse_interpreter_spec(options.python, setting="--python"))


def _asked_for(options: argparse.Namespace, *, may_be_empty: bool = False) -> "tuple[Workplace, Request]":
    """Read all that is asked for; give it with the place where what requirements files say counts."""
    from pytest_wheeltag.core.askedfor import join_asked  # noqa: PLC0415 - as above
    from pytest_wheeltag.core.hashes import HashRule  # noqa: PLC0415
    from pytest_wheeltag.core.present import Upgrade  # noqa: PLC0415
    from pytest_wheeltag.system.commandline import CommandLine, read_command_line  # noqa: PLC0415

    place = _workplace(options)
    configured = (f"{key}={value}" for key, value in place.opened.configuration.config_settings)
    line = CommandLine(
        tuple(options.requirements),
        tuple(options.requirement_files),
        tuple(options.constraint),
        tuple(options.editable),
        tuple(options.group),
        tuple(options.extra),
        (*configured, *options.config_settings),
    )
    asked = join_asked(read_command_line(line, place.reader))
    rule = asked.request.hash_rule.then(HashRule.where(is_required=options.require_hashes))
    request = replace(asked.request, hash_rule=rule)
    # A file that asks for nothing is an answer, as with pip.
    if request.is_empty and not (may_be_empty or line.names_files):
        raise UsageError("REQUIREMENT", "nothing", "something to install: a requirement, or a file with `-r`")
    for warning in asked.warnings:
        _warn(warning)
    builds = place.read_build_constraints(options.build_constraint)
    upgrade = place.options.upgrade
    if upgrade is Upgrade.REQUESTED and not options.upgrade_strategy:
        upgrade = Upgrade(place.opened.configuration.upgrade_strategy)
    place = place.with_options(replace(place.options, build_constraints=builds, upgrade=upgrade))
    return place.heeding(asked.options), request


def _active_environment() -> Path:
    """Give the activated environment, else the one that runs this."""
    if active := os.environ.get("VIRTUAL_ENV"):
        return Path(active)
    return Path(sys.prefix if sys.prefix != sys.base_prefix else sys.executable)


_RUN = {
    "check": _check,
    "resolve": _resolve,
    "coverage": _coverage,
    "install": _install,
    "uninstall": _uninstall,
    "venv": _venv,
    "fetch": _fetch,
    "conformance": _conformance,
    "pythons": _pythons,
    "cache": _cache,
}
