"""What is covered: interpreters by platforms, with the distributions that lack a wheel or any file."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pytest_wheeltag.core.report import AuditReport, JudgedEnvironment, natural_order
from pytest_wheeltag.core.verdict import VerdictKind

_BY_KIND = {
    VerdictKind.BUILT: "sources",
    VerdictKind.UNINSTALLABLE: "missing",
    VerdictKind.UNREACHABLE: "unknown",
    VerdictKind.UNKNOWN: "unknown",
}


class CoverageState(StrEnum):
    """What a target would get: wheels alone, something built from source, not everything, nobody knows."""

    COVERED = "covered"
    SOURCE = "source"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CoverageCell:
    """One target: ``wheels`` counts what it would take as such; the others are names, sorted.

    ``sources`` would be built, of ``missing`` there is no file; of ``unknown`` the indexes did not tell.
    """

    target: str
    wheels: int
    sources: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def python(self) -> str:
        """The interpreter's part of the target, ``cp313t``."""
        return self.target.partition("-")[0]

    @property
    def platform(self) -> str:
        """The platform's part of the target."""
        return self.target.partition("-")[2]

    @property
    def state(self) -> CoverageState:
        """The worst that can be said of it."""
        if self.missing:
            return CoverageState.NONE
        if self.unknown:
            return CoverageState.UNKNOWN
        return CoverageState.SOURCE if self.sources else CoverageState.COVERED


@dataclass(frozen=True)
class Coverage:
    """The cells of all targets of a report, by their number."""

    cells: tuple[CoverageCell, ...] = ()

    @cached_property
    def pythons(self) -> tuple[str, ...]:
        """The interpreters, CPython first, the oldest first."""
        return _sorted(cell.python for cell in self.cells)

    @cached_property
    def platforms(self) -> tuple[str, ...]:
        """The platforms, by name."""
        return _sorted(cell.platform for cell in self.cells)

    @property
    def totals(self) -> Mapping[CoverageState, int]:
        """How many targets are in each state, none left out."""
        counts = Counter(cell.state for cell in self.cells)
        return {state: counts[state] for state in CoverageState}

    def find(self, python: str, platform: str) -> CoverageCell | None:
        """Give the cell of an interpreter on a platform, None where it was not asked about."""
        return self._places.get((python, platform))

    @cached_property
    def _places(self) -> Mapping[tuple[str, str], CoverageCell]:
        return {(cell.python, cell.platform): cell for cell in reversed(self.cells)}

    def lacking(self, part: str) -> Mapping[str, tuple[CoverageCell, ...]]:
        """Give the cells in which a distribution is among the ``sources``, ``missing`` or ``unknown``, by its name."""
        found: dict[str, list[CoverageCell]] = {}
        for cell in self.cells:
            for name in getattr(cell, part):
                found.setdefault(name, []).append(cell)
        return {name: tuple(found[name]) for name in sorted(found)}


def measure_coverage(report: AuditReport) -> Coverage:
    """Gather what a report says of targets; environments of other kinds are left out."""
    return Coverage(tuple(_measure(each) for each in report.environments if each.scene.kind == "target"))


def _measure(judged: JudgedEnvironment) -> CoverageCell:
    parts: dict[str, list[str]] = {"wheels": [], "sources": [], "missing": [], "unknown": []}
    for verdict in judged.verdicts:
        parts[_BY_KIND.get(verdict.kind, "wheels")].append(verdict.name)
    wheels, *others = (tuple(sorted(names)) for names in parts.values())
    return CoverageCell(judged.scene.identifier, len(wheels), *others)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(names), key=natural_order))
