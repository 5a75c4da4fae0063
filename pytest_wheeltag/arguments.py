"""What each command of the command line takes, as data, and the parser that is made of it."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

ALL = ":all:"
_MEANING_ALL = frozenset({"--only-binary", "--prefer-binary", "--pre"})


@dataclass(frozen=True)
class Argument:
    """One option or positional argument: its names, and what ``add_argument`` takes beside them."""

    names: tuple[str, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class ArgumentGroup:
    """Options that are listed together: a title, a sentence that is true of all, the options."""

    title: str
    sentence: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Command:
    """One command: its name, one sentence on what it does, what it takes beside ``--json``."""

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    groups: tuple[ArgumentGroup, ...] = ()


def _take(*names: str, **settings: Any) -> Argument:  # noqa: ANN401 - those of add_argument
    return Argument(names, settings)


def _list(name: str, **settings: Any) -> Argument:  # noqa: ANN401 - as above
    return Argument((name,), {"action": "append", "default": [], **settings})


def _files(*names: str, **settings: Any) -> Argument:  # noqa: ANN401 - as above
    return Argument(names, {"action": "append", "default": [], "metavar": "FILE", **settings})


_REQUIREMENTS = _take(
    "requirements",
    metavar="REQUIREMENT",
    nargs="*",
    help="like `flask>=3`, `name @ https://…`, or the path of a wheel, a source archive or a source tree",
)
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

_ASKED_FOR = ArgumentGroup(
    "what to install, besides",
    "as pip has them; FILE may be an address",
    (
        _files(
            "-r",
            "--requirement",
            "--requirements",
            dest="requirement_files",
            help="a requirements file, a pylock.toml, or the dependencies of a pyproject.toml (repeatable)",
        ),
        _files("-c", "--constraint", dest="constraint", help="a file of constraints (repeatable)"),
        Argument(
            ("-e", "--editable"),
            {
                "action": "append",
                "default": [],
                "metavar": "PATH",
                "help": "a source tree that stays where it is (repeatable)",
            },
        ),
        _list("--group", metavar="[PATH:]NAME", help="a dependency group of a pyproject.toml (repeatable)"),
        _list(
            "--extra", metavar="NAME", help="an extra of a pyproject.toml or lock given with -r (repeatable)"
        ),
        _take("--require-hashes", action="store_true", help="take nothing whose hash was not given"),
    ),
)

_KINDS_OF_FILES = ArgumentGroup(
    "which files are taken",
    "NAMES are projects with commas between them, or `:all:`, which is what the option means without `=NAMES`",
    (
        _list("--only-binary", metavar="NAMES", help="build nothing from source"),
        _list("--no-binary", metavar="NAMES", help="take no wheels, build from source (needs NAMES)"),
        _list("--prefer-binary", metavar="NAMES", help="an older wheel is better than a newer source"),
        _list("--pre", metavar="NAMES", help="take pre-releases like others"),
    ),
)

_BUILDS = ArgumentGroup(
    "how sources are built",
    "each in an environment of its own, and kept for everything that the build depends on",
    (
        Argument(
            ("-C", "--config-settings", "--config-setting"),
            {
                "action": "append",
                "default": [],
                "metavar": "KEY=VALUE",
                "dest": "config_settings",
                "help": "for the build backends of what is asked for here (repeatable)",
            },
        ),
        _files("--build-constraint", help="a file of constraints for what builds require (repeatable)"),
        _list(
            "--build-env", metavar="NAME", help="a further environment variable that builds see (repeatable)"
        ),
    ),
)

_INDEX = (
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
    _take("--uv-settings", action="store_true", help="obey uv's variables (UV_INDEX and so on) over pip's"),
    _CACHE,
)
_INDEX_OPTIONS = ArgumentGroup("index options", "by default, what pip is configured with", _INDEX)
_REQUEST_GROUPS = (_ASKED_FOR, _KINDS_OF_FILES, _BUILDS, _INDEX_OPTIONS)

_UPGRADES = (
    _take("-U", "--upgrade", action="store_true", help="upgrade what is asked for and installed already"),
    _take(
        "--upgrade-strategy",
        choices=("only-if-needed", "eager"),
        help="with --upgrade, leave dependencies that will do (default), or upgrade them too",
    ),
    _take("--force-reinstall", action="store_true", help="install anew what is installed already"),
)
_BYTECODE = _take(
    "--bytecode",
    metavar="WHICH",
    help="compile `all` modules with the environment's python, as pip does, or `none` (default)",
)

_TARGET_HELP = (
    "an interpreter elsewhere, `cp313-manylinux_2_28_x86_64`, a pattern like `cp31?-win*`, or `all`"
)
_VERDICTS = (
    _list("--accept", metavar="FINDING", help="`VERDICT` or `NAME:VERDICT` that shall pass"),
    _take("--strict", action="store_true", help="what is skipped fails"),
    _take("-v", "--verbose", action="store_true", help="show every verdict"),
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
            _take(
                "--lock",
                metavar="FILE",
                help="a lock that says what is published, in place of the indexes: pylock.toml, uv.lock, poetry.lock or pdm.lock",
            ),
            _take("--inherited", action="store_true", help="audit what the environment inherits too"),
            *_VERDICTS,
        ),
        groups=(_INDEX_OPTIONS,),
    ),
    Command(
        "resolve",
        "which files would be taken for an interpreter",
        (
            _REQUIREMENTS,
            _take("--python", metavar="SPEC", help="the interpreter (default: the one that runs this)"),
            _list("--target", metavar="TARGET", help=f"in place of it, {_TARGET_HELP} (repeatable)"),
            _NO_DEPS,
        ),
        groups=_REQUEST_GROUPS,
    ),
    Command(
        "coverage",
        "for which interpreters and platforms there are wheels of everything",
        (
            _REQUIREMENTS,
            _list("--target", metavar="TARGET", help=f"{_TARGET_HELP} (repeatable; default: `all`)"),
            _take(
                "--lock",
                metavar="FILE",
                help="a pylock.toml, uv.lock, poetry.lock or pdm.lock, in place of requirements and indexes",
            ),
            _NO_DEPS,
            *_VERDICTS,
        ),
        groups=_REQUEST_GROUPS,
    ),
    Command(
        "install",
        "install from the cache, an index, files or sources into an environment, all or nothing",
        (_REQUIREMENTS, _ENVIRONMENT, _NO_DEPS, *_UPGRADES, _LINK_MODE, _BYTECODE),
        groups=_REQUEST_GROUPS,
    ),
    Command(
        "uninstall",
        "take distributions out of an environment, all or nothing",
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
            _REQUIREMENTS,
            _take("--python", metavar="SPEC", required=True, help="the interpreter to make it of"),
            _NO_DEPS,
            _LINK_MODE,
            _BYTECODE,
        ),
        groups=_REQUEST_GROUPS,
    ),
    Command(
        "fetch",
        "bring into the cache what interpreters need, for later runs with --offline",
        (
            _REQUIREMENTS,
            _list("--python", metavar="SPEC", required=True, help="an interpreter, or `all` (repeatable)"),
            _NO_DEPS,
        ),
        groups=_REQUEST_GROUPS,
    ),
    Command(
        "conformance",
        "play the built-in scenarios against installers: is their cache transparent",
        (
            _list(
                "--installer",
                metavar="NAME",
                help="`wheeltag` (default), `pip`, `uv`, `uv-sync`, `poetry`, `pdm`, `pdm-cache`, also with `==VERSION` (repeatable)",
            ),
            _list(
                "--class", metavar="NAME", dest="classes", help="only the scenarios of a class (repeatable)"
            ),
            _list("--scenario", metavar="ID", dest="scenarios", help="only this scenario (repeatable)"),
            _list(
                "--scenario-file",
                metavar="PATH",
                dest="scenario_files",
                help="a scenario of one's own, instead of the built-in ones (repeatable)",
            ),
            _list(
                "--python",
                metavar="SPEC",
                help="an interpreter, or `all` (repeatable; default: the one that runs this and its neighbour)",
            ),
            _take("-v", "--verbose", action="store_true", help="show every result"),
        ),
        groups=(_INDEX_OPTIONS,),
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
    return chosen.parse_intermixed_args(_complete(arguments[1:]))


def _complete(arguments: Sequence[str]) -> list[str]:
    """Give options that need no names theirs: `--only-binary foo` asks for foo, `--only-binary :all:` is pip's spelling."""
    followers = (*arguments[1:], "")
    return [
        f"{each}={ALL}" if each in _MEANING_ALL and not follower.startswith(":") else each
        for each, follower in zip(arguments, followers, strict=False)
    ]


def _make_parser(listed: Any, command: Command) -> argparse.ArgumentParser:  # noqa: ANN401 - argparse keeps the type to itself
    description = f"{command.summary[0].upper()}{command.summary[1:]}."
    made: argparse.ArgumentParser = listed.add_parser(
        command.name, help=command.summary, description=description
    )
    made.set_defaults(command=command.name)
    _add(made, (*command.arguments, _take("--json", action="store_true", help="print JSON")))
    for group in command.groups:
        _add(made.add_argument_group(group.title, group.sentence), group.arguments)
    return made


def _add(group: Any, arguments: Sequence[Argument]) -> None:  # noqa: ANN401 - a parser or a group of one
    for argument in arguments:
        group.add_argument(*argument.names, **argument.settings)
