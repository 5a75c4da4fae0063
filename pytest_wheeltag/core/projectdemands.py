"""What a project table asks for, with extras of its own, without the project itself."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.pyproject import ProjectTable
from pytest_wheeltag.core.requirements import Demand, parse_demand
from pytest_wheeltag.core.text import nearest_spelling, printable
from pytest_wheeltag.errors import UsageError

_EXPECTED_STATIC = "dependencies that are not dynamic, since only a build knows those (give the folder of the source tree instead)"


def project_demands(project: ProjectTable, extras: Iterable[str], origin: str) -> tuple[Demand, ...]:
    """Give the dependencies of a project, and those of its ``extras``, as demands of ``origin`` (PEP 621).

    An extra that is made of others, ``all = ["demo[a,b]"]`` in demo itself, stands for what they hold. Raises
    ``UsageError`` where dependencies are dynamic, and for an extra that there is not.
    """
    wanted = [canonicalize_name(each) for each in extras]
    needed = ("dependencies", *(("optional-dependencies",) if wanted else ()))
    dynamic = next((each for each in needed if each in project.dynamic), None)
    if dynamic:
        raise UsageError(origin, dynamic, _EXPECTED_STATIC)
    demands = [parse_demand(text, origin) for text in project.dependencies]
    return (*demands, *_expand(project, wanted, origin))


def _expand(project: ProjectTable, wanted: Iterable[NormalizedName], origin: str) -> Iterator[Demand]:
    ours = canonicalize_name(project.name)
    pending: deque[tuple[NormalizedName, Marker | None]] = deque((each, None) for each in wanted)
    seen: set[tuple[NormalizedName, str]] = set()
    while pending:
        extra, marker = pending.popleft()
        if (extra, str(marker)) in seen:
            continue
        seen.add((extra, str(marker)))
        for demand in _demands_of(project, extra, origin):
            bounded = _bounded(demand, marker)
            if demand.name == ours and demand.reference is None:
                pending.extend((each, bounded.marker) for each in sorted(demand.extras))
            else:
                yield bounded


def _demands_of(project: ProjectTable, extra: NormalizedName, origin: str) -> Iterator[Demand]:
    if extra not in project.extras:
        expected = f"an extra of {printable(project.name)} ({nearest_spelling(extra, project.extras)})"
        raise UsageError(origin, printable(extra), expected)
    for text in project.extras[extra]:
        yield parse_demand(text, f"{origin} [{extra}]")


def _bounded(demand: Demand, marker: Marker | None) -> Demand:
    """Give a demand that counts only where ``marker`` holds too."""
    if marker is None:
        return demand
    requirement = Requirement(str(demand.requirement))
    requirement.marker = marker & demand.marker if demand.marker else marker
    return replace(demand, requirement=requirement)
