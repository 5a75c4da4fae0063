"""The coverage of targets: a table of interpreters by platforms, what lacks a file or a wheel where, JSON."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_wheeltag.core.coverage import Coverage, CoverageCell, CoverageState
from pytest_wheeltag.core.report import AuditReport
from pytest_wheeltag.core.verdict import Outcome
from pytest_wheeltag.reports.terminal import align

_LACKS = {"missing": "no file", "sources": "built from source", "unknown": "not known"}
_TOTALS = {
    CoverageState.COVERED: "take wheels alone",
    CoverageState.SOURCE: "build from source",
    CoverageState.NONE: "lack a file",
    CoverageState.UNKNOWN: "are not known",
}


def render_coverage(coverage: Coverage, width: int) -> Iterator[str]:
    """Give the table, then each distribution with the targets that have no file of it or build it, then the totals.

    Where the table is wider than ``width`` characters, each platform is a line of its own. Without targets nothing
    is given.
    """
    if not coverage.cells:
        return
    table = list(_table(coverage))
    yield from table if max(map(len, table)) <= width else _lines(coverage)
    for part, title in _LACKS.items():
        for name, cells in coverage.lacking(part).items():
            yield f"{title}: {name} on {_places(cells, coverage)}"
    counts = (f"{number} {_TOTALS[state]}" for state, number in coverage.totals.items() if number)
    yield f"{len(coverage.cells)} target{'s' * (len(coverage.cells) != 1)}: {', '.join(counts)}"


def render_lacks(report: AuditReport, *, is_verbose: bool = False) -> Iterator[str]:
    """Give why something failed or was skipped, one line for each distribution, that of its first target.

    ``is_verbose``: every verdict of every target.
    """
    seen: set[str] = set()
    for verdict in (verdict for each in report.environments for verdict in each.verdicts):
        is_new = verdict.outcome is not Outcome.PASSED and verdict.name not in seen
        if is_verbose or is_new:
            seen.add(verdict.name)
            yield f"{verdict.outcome.upper()} {verdict.kind}: {verdict.message}"


def _table(coverage: Coverage) -> Iterator[str]:
    rows = [
        [platform, *(_shown(coverage.find(python, platform)) for python in coverage.pythons)]
        for platform in coverage.platforms
    ]
    yield from align([["", *coverage.pythons], *rows])


def _lines(coverage: Coverage) -> Iterator[str]:
    for platform in coverage.platforms:
        found: dict[str, list[str]] = {}
        for python in coverage.pythons:
            if cell := coverage.find(python, platform):
                found.setdefault(_shown(cell), []).append(python)
        parts = (f"{shown} on {' '.join(pythons)}" for shown, pythons in found.items())
        yield f"{platform}: {'; '.join(parts)}"


def _shown(cell: CoverageCell | None) -> str:
    if cell is None:
        return "-"
    match cell.state:
        case CoverageState.COVERED:
            return "ok"
        case CoverageState.SOURCE:
            return f"{len(cell.sources)} built"
        case CoverageState.NONE:
            return f"{len(cell.missing)} NONE"
        case CoverageState.UNKNOWN:
            return f"{len(cell.unknown)} ?"


def _places(cells: Sequence[CoverageCell], coverage: Coverage) -> str:
    """Name targets in few words: platforms that have the same interpreters together, all interpreters unsaid."""
    if len(cells) == len(coverage.cells):
        return "every target"
    pythons: dict[str, list[str]] = {}
    for cell in cells:
        pythons.setdefault(cell.platform, []).append(cell.python)
    platforms: dict[str, list[str]] = {}
    for platform, named in pythons.items():
        platforms.setdefault(_those(named, platform, coverage), []).append(platform)
    return "; ".join(f"{', '.join(together)}{named}" for named, together in platforms.items())


def _those(named: Iterable[str], platform: str, coverage: Coverage) -> str:
    mine = [python for python in coverage.pythons if python in set(named)]
    every = [python for python in coverage.pythons if coverage.find(python, platform)]
    return "" if mine == every else f" ({' '.join(mine)})"


def coverage_to_json(coverage: Coverage) -> dict[str, Any]:
    """Give the table as plain JSON values."""
    return {
        "interpreters": list(coverage.pythons),
        "platforms": list(coverage.platforms),
        "targets": [_cell(each) for each in coverage.cells],
        "totals": {str(state): number for state, number in coverage.totals.items()},
    }


def _cell(cell: CoverageCell) -> dict[str, Any]:
    return {
        "target": cell.target,
        "interpreter": cell.python,
        "platform": cell.platform,
        "state": str(cell.state),
        "wheels": cell.wheels,
        "sources": list(cell.sources),
        "missing": list(cell.missing),
        "unknown": list(cell.unknown),
    }
