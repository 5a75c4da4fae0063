"""The command line without pytest: ``wheeltag``, also ``python -m pytest_wheeltag``."""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_wheeltag.arguments import parse_arguments
from pytest_wheeltag.errors import UsageError, WheeltagError

if TYPE_CHECKING:
    from pytest_wheeltag.core.interpreter import Interpreter
    from pytest_wheeltag.core.report import Scene
    from pytest_wheeltag.core.requirements import Demand, Request
    from pytest_wheeltag.core.verdict import Verdict
    from pytest_wheeltag.provision import InstallReport, ProvisionOptions
    from pytest_wheeltag.system.environment import Environment
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
    if report.tally.is_unjudged or report.is_only_unreachable:
        return EXIT_UNJUDGED
    return EXIT_FAILED if report.tally.failed else 0


def _audit(options: argparse.Namespace) -> "Iterator[tuple[Scene, Verdict]]":
    from pytest_wheeltag.core.report import audited_scene, tell_apart  # noqa: PLC0415 - as above
    from pytest_wheeltag.core.verdict import Policy, parse_acceptance  # noqa: PLC0415

    policy = Policy(
        tuple(parse_acceptance(each, setting="--accept") for each in options.accept), options.strict
    )
    place = _workplace(options)
    paths = [Path(path) for path in options.paths] or [_active_environment()]
    environments = [place.finder.find_environment(path) for path in paths]
    identifiers = tell_apart(each.interpreter.label for each in environments)
    for identifier, environment in zip(identifiers, environments, strict=True):
        scene = audited_scene(identifier, environment)
        for verdict in place.auditor.audit(environment, inherited=options.inherited):
            yield scene, policy.apply(verdict)


def _resolve(options: argparse.Namespace) -> int:
    from pytest_wheeltag.reports.choices import choices_to_json, render_choices  # noqa: PLC0415 - as above

    place = _workplace(options)
    request = _request(options)
    interpreter = _interpreter(options, place)
    resolution = place.provisioner.resolve(request, interpreter)
    if options.json:
        _print_json(choices_to_json(resolution.choices, interpreter))
    else:
        print(*render_choices(resolution.choices, interpreter), sep="\n")
    _warn_of(resolution.warnings, place)
    return 0


def _install(options: argparse.Namespace) -> int:
    place = _workplace(options)
    request = _request(options)
    environment = place.open_environment(Path(options.python))
    report = place.provisioner.install(environment, request)
    _show_installation(options, environment, report, place)
    return 0


def _venv(options: argparse.Namespace) -> int:
    from pytest_wheeltag.system.environment import Environment  # noqa: PLC0415 - as above

    place = _workplace(options)
    request = _request(options)
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
    removed = place.provisioner.uninstall(environment, options.names)
    if options.json:
        _print_json({"environment": str(environment.prefix), "removed": list(removed)})
        return 0
    for each in removed:
        print(f"removed {each}")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from pytest_wheeltag.core.interpreter import parse_interpreter_spec  # noqa: PLC0415 - as above
    from pytest_wheeltag.reports.choices import choices_to_json, render_choices  # noqa: PLC0415

    place = _workplace(options)
    request = _request(options)
    specs = [parse_interpreter_spec(text, setting="--python") for text in options.python]
    fetched = []
    for interpreter in dict.fromkeys(each for spec in specs for each in place.finder.find_each(spec)):
        choices = place.provisioner.fetch(request, interpreter)
        fetched.append(choices_to_json(choices, interpreter))
        if not options.json:
            lines = render_choices(choices, interpreter)
            print(*(f"{interpreter.label}: {line}" for line in lines), sep="\n")
    if options.json:
        _print_json({"fetched": fetched})
    return 0


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
        strategy=Strategy(options.index_strategy or Strategy.MERGE),
        is_offline=options.offline,
        exclude_newer=parse_moment(moment, setting="--exclude-newer") if moment else None,
    )
    return Workplace(sources, os.environ, options=_provision_options(options), warn=_warn)


def _provision_options(options: argparse.Namespace) -> "ProvisionOptions":
    from pytest_wheeltag.provision import ProvisionOptions  # noqa: PLC0415 - as above
    from pytest_wheeltag.system.linker import LinkOptions  # noqa: PLC0415
    from pytest_wheeltag.system.links import parse_link_mode  # noqa: PLC0415

    given, variable = getattr(options, "link_mode", None), os.environ.get("WHEELTAG_LINK_MODE")
    setting = "--link-mode" if given else "WHEELTAG_LINK_MODE"
    mode = parse_link_mode(given or variable or "auto", setting=setting)
    is_alone = getattr(options, "no_deps", False)
    return ProvisionOptions(with_dependencies=not is_alone, links=LinkOptions(mode))


def _warn_of(warnings: "Iterable[str]", place: "Workplace") -> None:
    from pytest_wheeltag.reports.terminal import group_warnings  # noqa: PLC0415 - as above

    for line in group_warnings((*place.opened.warnings, *warnings)):
        _warn(line)


def _warn(line: str) -> None:
    print(f"wheeltag: warning: {line}", file=sys.stderr)


def _interpreter(options: argparse.Namespace, place: "Workplace") -> "Interpreter":
    from pytest_wheeltag.core.interpreter import parse_interpreter_spec  # noqa: PLC0415 - as above

    if options.python is None:
        return place.finder.ask(Path(sys.executable))
    return place.finder.find(parse_interpreter_spec(options.python, setting="--python"))


def _request(options: argparse.Namespace) -> "Request":
    from pytest_wheeltag.core.requirements import Request, parse_constraints_file, parse_request  # noqa: PLC0415 - as above

    constraints: list[Demand] = []
    for path in options.constraint:
        try:
            constraints += parse_constraints_file(Path(path).read_text(encoding="utf-8"), path)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("--constraint", path, f"a text file in UTF-8 ({error})") from error
    return parse_request(options.requirements) & Request((), tuple(constraints))


def _active_environment() -> Path:
    """Give the activated environment, else the one that runs this."""
    if active := os.environ.get("VIRTUAL_ENV"):
        return Path(active)
    return Path(sys.prefix if sys.prefix != sys.base_prefix else sys.executable)


_RUN = {
    "check": _check,
    "resolve": _resolve,
    "install": _install,
    "uninstall": _uninstall,
    "venv": _venv,
    "fetch": _fetch,
    "pythons": _pythons,
    "cache": _cache,
}
