"""What is found wrong with a wheel, and how bad that is."""

from dataclasses import dataclass
from enum import StrEnum

from pytest_wheeltag.core.text import quoted

_TAKE_ANOTHER = "take another file or tell its publisher"


class Severity(StrEnum):
    """What follows from a finding."""

    REFUSED = "the wheel is refused"
    DOUBTFUL = "a warning, a refusal where strict wheels are asked for"
    NOTED = "a warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a wheel.

    ``where`` is the entry or part, ``problem`` one clause on what was expected and found, ``remedy`` what to do;
    all are fit to be printed.
    """

    severity: Severity
    where: str
    problem: str
    remedy: str = _TAKE_ANOTHER


def refused(where: str, problem: str, remedy: str = _TAKE_ANOTHER) -> Finding:
    """Give the finding for which a wheel is refused."""
    return Finding(Severity.REFUSED, where, problem, remedy)


def doubtful(where: str, problem: str) -> Finding:
    """Give the finding that is a warning, and a refusal where strict wheels are asked for."""
    return Finding(Severity.DOUBTFUL, where, problem, "take another file, or do without strict wheels")


def noted(where: str, problem: str) -> Finding:
    """Give the finding that is no more than a warning."""
    return Finding(Severity.NOTED, where, problem)


def entry(path: str) -> str:
    """Name an entry of the archive, however hostile its path is."""
    return f"entry {quoted(path)}"


def several(paths: list[str]) -> str:
    """Name the first of several paths and count the others."""
    others = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{quoted(paths[0])}{others}"
