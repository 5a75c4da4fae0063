"""The commands that a wheel asks for in entry_points.txt."""

import re
from collections.abc import Collection, Container, Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass

from pytest_wheeltag.core.distinfo import DistInfoError, decode
from pytest_wheeltag.core.paths import fold, is_interpreter_name
from pytest_wheeltag.core.text import quoted

_WHERE = "entry_points.txt"
_GROUPS = ("console_scripts", "gui_scripts")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_MAX_NAME_CHARACTERS = 200
# What setuptools once shipped as files; pip leaves them out in favour of its own launchers.
_WRAPPER_SUFFIXES = (".exe", "-script.py", "-script.pyw", ".pya")


@dataclass(frozen=True)
class EntryPoint:
    """A command that a wheel asks for (entry points specification): ``module:attribute`` called without arguments.

    Both are dotted Python names; ``is_gui`` means that no console window belongs to it.
    """

    name: str
    module: str
    attribute: str
    is_gui: bool = False


def parse_entry_points(data: bytes) -> tuple[EntryPoint, ...]:
    """Parse the commands of entry_points.txt, console scripts first; raises ``DistInfoError``.

    Other groups are read over: what they hold is for whoever looks for it.
    """
    parser = _read(decode(data, _WHERE))
    found = tuple(
        _parse_entry_point(name, value, is_gui=group == "gui_scripts")
        for group in _GROUPS
        if parser.has_section(group)
        for name, value in parser.items(group)
    )
    repeated = {point.name for point in found if point.is_gui} & {
        point.name for point in found if not point.is_gui
    }
    if repeated:
        raise DistInfoError(_WHERE, f"expected each name once, found {quoted(min(repeated))} in both groups")
    return found


def _read(text: str) -> ConfigParser:
    # No section may lend its values to the others: a newline is no section's name.
    parser = ConfigParser(delimiters=("=",), interpolation=None, default_section="\n")
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case, as the library advises
    try:
        parser.read_string(text, _WHERE)
    except ConfigError as error:
        raise DistInfoError(
            _WHERE, f"expected sections of `name = value`, found {_describe(error)}"
        ) from error
    return parser


def _describe(error: ConfigError) -> str:
    line = getattr(error, "lineno", None) or next((each[0] for each in getattr(error, "errors", ())), None)
    kind = re.sub(r"(?<!^)([A-Z])", r" \1", type(error).__name__.removesuffix("Error")).lower()
    return f"a mistake ({kind}) in line {line}"


def _parse_entry_point(name: str, value: str, *, is_gui: bool) -> EntryPoint:
    _check_name(name)
    # The extras that an object reference may name last are deprecated: read over, as pip does.
    reference = value.rpartition("[")[0] if value.endswith("]") else value
    module, colon, attribute = (part.strip() for part in reference.partition(":"))
    if not (colon and _is_dotted_name(module) and _is_dotted_name(attribute)):
        problem = f"expected `module:attribute` for {quoted(name)}, found {quoted(value)}"
        raise DistInfoError(_WHERE, problem)
    return EntryPoint(name, module, attribute, is_gui)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME_CHARACTERS:
        raise DistInfoError(_WHERE, f"expected a plain name of a command, found {quoted(name)}")
    if is_interpreter_name(name):
        raise DistInfoError(_WHERE, f"expected no interpreter's name for a command, found {quoted(name)}")


def _is_dotted_name(text: str) -> bool:
    return all(map(str.isidentifier, text.split(".")))


def find_twins(points: Collection[EntryPoint]) -> Iterator[tuple[str, str]]:
    """Find names of commands that are one where the file system folds letter case."""
    folded: dict[str, str] = {}
    for point in points:
        other = folded.setdefault(fold(point.name), point.name)
        if other != point.name:
            yield other, point.name


def is_wrapper(name: str, commands: Container[str]) -> bool:
    """Tell whether a shipped script is left out, since the launcher of one of the ``commands`` takes its place."""
    stem = next((name.removesuffix(end) for end in _WRAPPER_SUFFIXES if name.endswith(end)), name)
    return name in commands or stem in commands
