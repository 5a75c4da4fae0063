"""The command line without pytest: ``wheeltag``, also ``python -m pytest_wheeltag``."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_wheeltag.errors import UsageError, WheeltagError

if TYPE_CHECKING:
    from pytest_wheeltag.core.interpreter import Interpreter
    from pytest_wheeltag.core.report import Scene
    from pytest_wheeltag.core.requirements import Request
    from pytest_wheeltag.core.verdict import Verdict
    from pytest_wheeltag.workplace import Workplace

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNJUDGED = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit status.

    0 is success, 1 a failed verdict or a failed command, 2 a usage error, 3 that nothing could be judged.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except UsageError as error:
        print(f"wheeltag: {error}", file=sys.stderr)
        return EXIT_USAGE
    except WheeltagError as error:
        print(f"wheeltag: {error}", file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:
        # The reader of a pipe went away (`wheeltag check | head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wheeltag", description="Is every installed wheel the best published one?"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    _add_check(commands)
    _add_resolve(commands)
    _add_pythons(commands)
    _add_cache(commands)
    return parser


Commands = Any
"""What ``add_subparsers`` gives: argparse keeps its type to itself."""


def _add_check(commands: Commands) -> None:
    check = _command(
        commands, "check", "audit environments: is each installed wheel the best published one", _check
    )
    check.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="an environment's folder or a python executable (default: the active environment)",
    )
    check.add_argument("--inherited", action="store_true", help="audit what the environment inherits too")
    check.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="FINDING",
        help="`VERDICT` or `NAME:VERDICT` that shall pass",
    )
    check.add_argument("--strict", action="store_true", help="what is skipped fails")
    check.add_argument("-v", "--verbose", action="store_true", help="show every verdict")
    _add_index_options(check)


def _add_resolve(commands: Commands) -> None:
    resolve = _command(commands, "resolve", "which files would be taken for an interpreter", _resolve)
    resolve.add_argument(
        "requirements",
        metavar="REQUIREMENT",
        nargs="+",
        help="like `flask>=3`; with --no-deps `NAME==VERSION`",
    )
    resolve.add_argument("--python", metavar="SPEC", help="the interpreter (default: the one that runs this)")
    resolve.add_argument(
        "--no-deps", action="store_true", help="choose files of pinned releases, without dependencies"
    )
    resolve.add_argument(
        "--constraint", action="append", default=[], metavar="FILE", help="a file of constraints (repeatable)"
    )
    _add_index_options(resolve)


def _add_pythons(commands: Commands) -> None:
    pythons = _command(
        commands, "pythons", "the interpreters found, with their labels and best tags", _pythons
    )
    pythons.add_argument("--cache-dir", metavar="DIR", help="the cache folder")


def _add_cache(commands: Commands) -> None:
    cache = _command(commands, "cache", "where the cache is, what it holds, empty it", _cache)
    cache.add_argument("action", choices=("dir", "info", "clear"))
    cache.add_argument("--cache-dir", metavar="DIR", help="the cache folder")


def _command(commands: Commands, name: str, summary: str, run: Any) -> argparse.ArgumentParser:  # noqa: ANN401 - one of the functions below
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + "."
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=run)
    return command


def _add_index_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("index options", "by default, what pip is configured with")
    group.add_argument("--index-url", metavar="URL", help="the index to ask")
    group.add_argument(
        "--extra-index-url", metavar="URL", action="append", help="a further index (repeatable)"
    )
    group.add_argument(
        "--find-links", metavar="PATH_OR_URL", action="append", help="a folder or page of files (repeatable)"
    )
    group.add_argument("--no-index", action="store_true", help="ask no index, only find-links")
    group.add_argument(
        "--index-strategy",
        choices=("merge", "first"),
        help="pool all indexes, or stop at the first that has the name",
    )
    group.add_argument("--offline", action="store_true", help="no network: cached answers only")
    group.add_argument(
        "--exclude-newer", metavar="DATE", help="ignore files uploaded later: a date or RFC 3339 time, UTC"
    )
    group.add_argument("--cache-dir", metavar="DIR", help="the cache folder")


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
    from pytest_wheeltag.core.requirements import parse_request  # noqa: PLC0415 - as above
    from pytest_wheeltag.core.resolution import parse_pin  # noqa: PLC0415
    from pytest_wheeltag.reports.choices import choices_to_json, render_choices  # noqa: PLC0415

    place = _workplace(options)
    interpreter = _interpreter(options, place)
    if options.no_deps:
        pins = [parse_pin(text) for text in options.requirements]
        choices = [place.provisioner.choose(pin, interpreter) for pin in pins]
    else:
        request = parse_request(options.requirements) & _read_constraints(options)
        choices = list(place.provisioner.resolve(request, interpreter).choices)
    if options.json:
        _print_json(choices_to_json(choices, interpreter))
    else:
        print(*render_choices(choices, interpreter), sep="\n")
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
    from pytest_wheeltag.system.sources import SourceOptions, parse_moment  # noqa: PLC0415 - as above
    from pytest_wheeltag.workplace import Workplace  # noqa: PLC0415

    moment = options.exclude_newer
    sources = SourceOptions(
        cache=_cache_folder(options),
        index_url=options.index_url,
        extra_index_urls=tuple(options.extra_index_url or ()),
        find_links=tuple(options.find_links or ()),
        no_index=options.no_index,
        strategy=options.index_strategy,
        is_offline=options.offline,
        exclude_newer=parse_moment(moment, setting="--exclude-newer") if moment else None,
    )
    return Workplace(sources, os.environ, warn=_warn)


def _warn(line: str) -> None:
    print(f"wheeltag: warning: {line}", file=sys.stderr)


def _interpreter(options: argparse.Namespace, place: "Workplace") -> "Interpreter":
    from pytest_wheeltag.core.interpreter import parse_interpreter_spec  # noqa: PLC0415 - as above

    if options.python is None:
        return place.finder.ask(Path(sys.executable))
    return place.finder.find(parse_interpreter_spec(options.python, setting="--python"))


def _read_constraints(options: argparse.Namespace) -> "Request":
    from pytest_wheeltag.core.requirements import Request, parse_constraints_file  # noqa: PLC0415 - as above

    constraints = []
    for path in options.constraint:
        try:
            constraints += parse_constraints_file(Path(path).read_text(encoding="utf-8"), path)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("--constraint", path, f"a text file in UTF-8 ({error})") from error
    return Request((), tuple(constraints))


def _active_environment() -> Path:
    """Give the activated environment, else the one that runs this."""
    if active := os.environ.get("VIRTUAL_ENV"):
        return Path(active)
    return Path(sys.prefix if sys.prefix != sys.base_prefix else sys.executable)
