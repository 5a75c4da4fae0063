"""Of the files that fall out, the one that came closest to being accepted."""

import re
from collections.abc import Iterable

from pytest_wheeltag.core.candidates import Reason, Rejection
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.text import printable

_CLOSENESS = {reason: place for place, reason in enumerate(Reason)}
_CPYTHON = re.compile(r"cp3(\d{1,3})")
_FAR = 1000


def nearest_miss(misses: Iterable[Rejection], interpreter: Interpreter) -> Rejection | None:
    """Give the file that came closest: by the reason, then by platform and Python, then the first."""
    platforms = frozenset(tag.rpartition("-")[2] for tag in interpreter.ranking.tags)
    minor = interpreter.version_info[1]
    return max(
        misses, key=lambda miss: (_CLOSENESS[miss.reason], *_likeness(miss, platforms, minor)), default=None
    )


def describe_miss(miss: Rejection) -> str:
    """Say in one clause which file fell out and why."""
    return f"{printable(miss.file.filename)}: {miss.reason}, {printable(miss.detail)}"


def describe_nearest(misses: Iterable[Rejection], interpreter: Interpreter) -> str:
    """Say in brackets what came closest, with a blank before; empty where nothing fell out."""
    miss = nearest_miss(misses, interpreter)
    return f" (the nearest miss is {describe_miss(miss)})" if miss else ""


def _likeness(miss: Rejection, platforms: frozenset[str], minor: int) -> tuple[bool, int]:
    """Tell whether a tag's platform is accepted, and how near its Python is: 0 for the same, -1 for the next."""
    pythons, _, rest = miss.detail.partition("-")
    is_here = not platforms.isdisjoint(rest.rpartition("-")[2].split("."))
    distances = [
        abs(int(found[1]) - minor) for each in pythons.split(".") if (found := _CPYTHON.fullmatch(each))
    ]
    return is_here, -min(distances, default=_FAR)
