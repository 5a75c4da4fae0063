"""What each command of the command line takes, as data, and the parser that is made of it."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any


@dataclass(frozen=True)
class Argument:
    """One option or positional argument: its names, and what ``add_argument`` takes beside them."""

    names: tuple[str, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Command:
    """One command: its name, one sentence on what it does, what it takes beside ``--json``."""

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    options_of_index: bool = False


def _take(*names: str, **settings: Any) -> Argument:  # noqa: ANN401 - those of add_argument
    return Argument(names, settings)


def _list(name: str, **settings: Any) -> Argument:  # noqa: ANN401 - as above
    return Argument((name,), {"action": "append", "default": [], **settings})


_REQUIREMENTS = _take("requirements", metavar="REQUIREMENT", nargs="+", help="like `flask>=3`")
_CONSTRAINT = _list("--constraint", metavar="FILE", help="a file of constraints (repeatable)")
_NO_DEPS = _take("--no-deps", action="store_true", help="leave dependencies out")
_LINK_MODE = _take(
    "--link-mode",
    metavar="MODE",
    help="how files are taken from the cache: auto, reflink, hardlink or copy (also WHEELTAG_LINK_MODE)",
)
_ENVIRONMENT = _take(
    "--python", metavar="PATH", required=True, help="the environment: its folder or its python"
)
_CACHE = _take("--cache-dir", metavar="DIR", help="the cache folder (also WHEELTAG_CACHE_DIR)")

_INDEX_OPTIONS = (
    _take("--index-url", metavar="URL", help="the index to ask"),
    _list("--extra-index-url", metavar="URL", help="a further index (repeatable)"),
    _list("--find-links", metavar="PATH_OR_URL", help="a folder or page of files (repeatable)"),
    _take("--no-index", action="store_true", help="ask no index, only find-links"),
    _take(
        "--index-strategy",
        choices=("merge", "first"),
        help="pool all indexes, or stop at the first that has the name",
    ),
    _take("--offline", action="store_true", help="no network: cached answers only"),
    _take(
        "--exclude-newer", metavar="DATE", help="ignore files uploaded later: a date or RFC 3339 time, UTC"
    ),
    _CACHE,
)

COMMANDS = (
    Command(
        "check",
        "audit environments: is each installed wheel the best published one",
        (
            _take(
                "paths",
                metavar="PATH",
                nargs="*",
                help="an environment's folder or a python executable (default: the active environment)",
            ),
            _take("--inherited", action="store_true", help="audit what the environment inherits too"),
            _list("--accept", metavar="FINDING", help="`VERDICT` or `NAME:VERDICT` that shall pass"),
            _take("--strict", action="store_true", help="what is skipped fails"),
            _take("-v", "--verbose", action="store_true", help="show every verdict"),
        ),
        options_of_index=True,
    ),
    Command(
        "resolve",
        "which files would be taken for an interpreter",
        (
            _REQUIREMENTS,
            _take("--python", metavar="SPEC", help="the interpreter (default: the one that runs this)"),
            _NO_DEPS,
            _take("--only-binary", action="store_true", help="wheels only, which is all that is taken yet"),
            _CONSTRAINT,
        ),
        options_of_index=True,
    ),
    Command(
        "install",
        "install from the cache or an index into an environment that nobody else filled",
        (_REQUIREMENTS, _ENVIRONMENT, _NO_DEPS, _CONSTRAINT, _LINK_MODE),
        options_of_index=True,
    ),
    Command(
        "uninstall",
        "take distributions out of an environment that nobody else filled",
        (
            _take("names", metavar="NAME", nargs="+", help="a distribution"),
            _ENVIRONMENT,
            _CACHE,
        ),
    ),
    Command(
        "venv",
        "make an environment, with what it shall hold",
        (
            _take("directory", metavar="DIR", help="its folder, absent or empty"),
            _take("requirements", metavar="REQUIREMENT", nargs="*", help="like `flask>=3`"),
            _take("--python", metavar="SPEC", required=True, help="the interpreter to make it of"),
            _NO_DEPS,
            _CONSTRAINT,
            _LINK_MODE,
        ),
        options_of_index=True,
    ),
    Command(
        "fetch",
        "bring into the cache what interpreters need, for later runs with --offline",
        (
            _REQUIREMENTS,
            _list("--python", metavar="SPEC", required=True, help="an interpreter, or `all` (repeatable)"),
            _NO_DEPS,
            _CONSTRAINT,
        ),
        options_of_index=True,
    ),
    Command("pythons", "the interpreters found, with their labels and best tags", (_CACHE,)),
    Command(
        "cache",
        "where the cache is, what it holds, empty it",
        (_take("action", choices=("dir", "info", "clear")), _CACHE),
    ),
)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read a command line; ``command`` of what it gives is the command's name.

    Options may stand anywhere. Prints help or the mistake and raises ``SystemExit`` as argparse does.
    """
    parser = argparse.ArgumentParser(
        prog="wheeltag", description="Is every installed wheel the best published one?"
    )
    parser.add_argument("--version", action="version", version=f"wheeltag {version('pytest-wheeltag')}")
    listed = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    parsers = {command.name: _make_parser(listed, command) for command in COMMANDS}
    chosen = parsers.get(arguments[0]) if arguments else None
    if chosen is None:
        return parser.parse_args(arguments)
    # Plain parsing takes no requirement after an option that follows one.
    return chosen.parse_intermixed_args(arguments[1:])


def _make_parser(listed: Any, command: Command) -> argparse.ArgumentParser:  # noqa: ANN401 - argparse keeps the type to itself
    description = f"{command.summary[0].upper()}{command.summary[1:]}."
    made: argparse.ArgumentParser = listed.add_parser(
        command.name, help=command.summary, description=description
    )
    made.set_defaults(command=command.name)
    _add(made, (*command.arguments, _take("--json", action="store_true", help="print JSON")))
    if command.options_of_index:
        _add(
            made.add_argument_group("index options", "by default, what pip is configured with"),
            _INDEX_OPTIONS,
        )
    return made


def _add(group: Any, arguments: Sequence[Argument]) -> None:  # noqa: ANN401 - a parser or a group of one
    for argument in arguments:
        group.add_argument(*argument.names, **argument.settings)
