"""What was asked for, read from text: requirements and constraints, each with where it came from."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UsageError

COMMAND_LINE = "the command line"

# As pip has it: a `#` inside a word is no comment.
_COMMENT = re.compile(r"(^|\s+)#.*$")
_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_MAX_LINE_CHARACTERS = 10_000
_SHOWN_CHARACTERS = 200
_EXPECTED = "a requirement by name, like `NAME`, `NAME[EXTRA]>=1.0` or `NAME==1.0; MARKER`"
_EXPECTED_LINE = f"{_EXPECTED}, or a comment (options, URLs, paths and continued lines are not supported)"
_EXPECTED_CONSTRAINT = "a requirement by name without extras, like `NAME<2.0`, or a comment"


@dataclass(frozen=True)
class Demand:
    """A requirement by name (dependency specifiers) and who makes it.

    ``origin`` names a place (``the command line``, ``requirements.txt:3``) or a release (``flask 3.0``).
    """

    requirement: Requirement
    origin: str

    @cached_property
    def name(self) -> NormalizedName:
        """The normalised name of the project that is asked for."""
        return canonicalize_name(self.requirement.name)

    @cached_property
    def extras(self) -> frozenset[NormalizedName]:
        """The normalised names of the extras that are asked for."""
        return frozenset(map(canonicalize_name, self.requirement.extras))

    @cached_property
    def text(self) -> str:
        """The requirement without its marker, fit to be shown."""
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return printable(f"{self.requirement.name}{extras}{self.requirement.specifier}"[:_SHOWN_CHARACTERS])

    def __str__(self) -> str:
        return f"`{self.text}` (asked for by {self.origin})"


@dataclass(frozen=True)
class Request:
    """What an environment shall hold, in the order asked for, and what bounds it without asking for anything."""

    requirements: tuple[Demand, ...]
    constraints: tuple[Demand, ...] = ()

    def __and__(self, other: "Request") -> "Request":
        """Ask for both."""
        return Request(self.requirements + other.requirements, self.constraints + other.constraints)


def parse_request(
    requirements: Iterable[str], constraints: Iterable[str] = (), origin: str = COMMAND_LINE
) -> Request:
    """Parse requirements and constraints as somebody, the ``origin``, gave them; raises ``UsageError``, which names it."""
    return Request(
        tuple(parse_demand(text, origin) for text in requirements),
        tuple(parse_constraint(text, origin) for text in constraints),
    )


def parse_demand(text: str, origin: str = COMMAND_LINE) -> Demand:
    """Parse one requirement by name (dependency specifiers); raises ``UsageError``, which names ``origin``."""
    return _parse(text, origin, _EXPECTED)


def parse_constraint(text: str, origin: str = COMMAND_LINE) -> Demand:
    """Parse one constraint: a requirement by name without extras; raises ``UsageError``."""
    demand = _parse(text, origin, _EXPECTED_CONSTRAINT)
    if demand.extras:
        raise UsageError(origin, _shown(text), _EXPECTED_CONSTRAINT)
    return demand


def parse_requirements_file(text: str, filename: str) -> tuple[Demand, ...]:
    """Parse a plain requirements file: requirements by name, comments and blank lines.

    Raises ``UsageError`` for anything else, such as options, URLs and paths, naming ``filename`` and line.
    """
    return tuple(_parse(line, place, _EXPECTED_LINE) for line, place in _lines(text, filename))


def parse_constraints_file(text: str, filename: str) -> tuple[Demand, ...]:
    """Parse a plain constraints file, as ``parse_requirements_file``; extras are refused too."""
    return tuple(parse_constraint(line, place) for line, place in _lines(text, filename))


def _lines(text: str, filename: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if content := _COMMENT.sub("", line).strip():
            yield content, f"{filename}:{number}"


def _parse(text: str, origin: str, expected: str) -> Demand:
    try:
        if len(text) > _MAX_LINE_CHARACTERS:
            raise UsageError(origin, _shown(text), expected)
        requirement = Requirement(text.strip())
    except (InvalidRequirement, ValueError, RecursionError) as error:
        raise UsageError(origin, _shown(text), expected) from error
    # `foo.whl` is a valid name, but means a file, to pip too.
    if requirement.url is not None or requirement.name.lower().endswith(_ARCHIVES):
        raise UsageError(origin, _shown(text), expected)
    return Demand(requirement, origin)


def _shown(text: str) -> str:
    # What is no requirement may be an address, and hold a password or a token.
    without_user = re.sub(r"//.*@", "//", text.strip(), flags=re.DOTALL)
    public = without_user.partition("?")[0] if "://" in without_user else without_user
    return printable(public[:_SHOWN_CHARACTERS])
