"""The report on a terminal: what stands out, a table where several environments were judged, and the totals."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from packaging.utils import is_normalized_name

from pytest_wheeltag.core.report import AbsentPackage, AuditReport, JudgedEnvironment, Scene
from pytest_wheeltag.core.verdict import Outcome, Property, Verdict, VerdictKind

_GAP = "  "
_NAMES_SHOWN = 5
_FEW_ROWS = 12
_AS_WANTED = tuple(each.kind for each in Property)


def render_summary(report: AuditReport, *, is_verbose: bool = False) -> Iterator[str]:
    """Give the lines of a summary.

    One environment is one line of counts; several are a table, interpreters across, of the distributions
    whose verdict is not the one wanted everywhere (``is_verbose``, or where they are few: all). Warnings and accepted
    findings follow. Targets have a table of their own, see ``render_coverage``.
    """
    here = tuple(each for each in report.environments if each.scene.kind != "target")
    if len(here) > 1:
        yield from _table(here, is_verbose=is_verbose)
    for judged in here:
        yield _counts(judged)
        yield from _lock_notes(judged.scene, is_verbose=is_verbose)
    yield from _notes(report)


def render_findings(report: AuditReport, *, is_verbose: bool = False) -> Iterator[str]:
    """Give the whole report as lines: failures and skips (``is_verbose``: every verdict), summary, totals."""
    for verdict in (verdict for each in report.environments for verdict in each.verdicts):
        if is_verbose or verdict.outcome is not Outcome.PASSED:
            yield f"{verdict.outcome.upper()} {verdict.kind}: {verdict.message}"
    yield from render_summary(report, is_verbose=is_verbose)
    yield render_totals(report)


def render_totals(report: AuditReport) -> str:
    """Give the one line of totals."""
    tally = report.tally
    if tally.is_unjudged:
        return f"nothing was judged ({tally.skipped} skipped), which is not a pass"
    places = len(report.environments)
    return (
        f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped "
        f"in {places} environment{'s' * (places != 1)}"
    )


def _table(environments: Sequence[JudgedEnvironment], *, is_verbose: bool) -> Iterator[str]:
    columns = [{(each.name, each.property): each for each in judged.verdicts} for judged in environments]
    keys = sorted({key for column in columns for key in column})
    is_whole = is_verbose or len(keys) <= _FEW_ROWS
    shown = [key for key in keys if is_whole or any(_stands_out(column.get(key)) for column in columns)]
    has_several = len({asked for _, asked in keys}) > 1
    rows = [
        [
            f"{name} [{asked}]" if has_several else name,
            *(_cell(column.get((name, asked))) for column in columns),
        ]
        for name, asked in shown
    ]
    if hidden := len(keys) - len(shown):
        rows.append([f"({hidden} more)" if shown else f"(all {hidden})", *("as wanted" for _ in columns)])
    yield from align([["", *(each.scene.identifier for each in environments)], *rows])


def _stands_out(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.kind not in _AS_WANTED


def _cell(verdict: Verdict | None) -> str:
    if verdict is None:
        return "-"
    if verdict.outcome is Outcome.FAILED:
        return str(verdict.kind).upper()
    return f"{verdict.kind} (accepted)" if verdict.accepted else str(verdict.kind)


def align(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Give rows of cells as lines with aligned columns."""
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield _GAP.join(padded).rstrip()


def _counts(judged: JudgedEnvironment) -> str:
    counts = Counter(verdict.kind for verdict in judged.verdicts)
    listed = ", ".join(f"{counts[kind]} {kind}" for kind in VerdictKind if counts[kind])
    scene = judged.scene
    made_by = f"by {scene.installer.name} {scene.installer.version}" if scene.installer else scene.path
    judged_by = f", judged by {scene.lock.origin}" if scene.lock else ""
    return f"{scene.identifier}: {listed or 'no distribution'} ({made_by}{judged_by})"


def _lock_notes(scene: Scene, *, is_verbose: bool) -> Iterator[str]:
    """Say what a lock holds and its environment does not; what nobody need have asked for where ``is_verbose``."""
    if scene.lock is None:
        return
    yield from (f"warning: {line}" for line in scene.lock.misfits)
    needed = [each for each in scene.lock.absent if each.is_needed]
    others = [each for each in scene.lock.absent if not each.is_needed]
    place = f"{scene.identifier} lacks what {scene.lock.origin} holds"
    if needed:
        yield f"warning: {place}: {_listed(needed)}"
    if others and (is_verbose or not scene.lock.is_telling):
        yield f"{place}, which extras, groups or markers may leave out: {_listed(others)}"


def _listed(absent: Sequence[AbsentPackage]) -> str:
    shown = ", ".join(f"{each.name} {each.version or ''}".rstrip() for each in absent[:_NAMES_SHOWN])
    more = len(absent) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _notes(report: AuditReport) -> Iterator[str]:
    verdicts = [verdict for each in report.environments for verdict in each.verdicts]
    doubts = [each.message for each in verdicts if each.kind is VerdictKind.AMBIGUOUS and not each.accepted]
    warnings = group_warnings(warning for verdict in verdicts for warning in verdict.warnings)
    yield from (f"warning: {line}" for line in dict.fromkeys([*doubts, *warnings]))
    yield from (each.message for each in verdicts if each.accepted)


def group_warnings(warnings: Iterable[str]) -> Iterator[str]:
    """Give each warning once: those that differ in the distribution's name before the colon are one line that names them all."""
    names: dict[str, dict[str, None]] = {}
    for warning in warnings:
        name, separator, clause = warning.partition(": ")
        is_named = bool(separator) and is_normalized_name(name)
        names.setdefault(clause if is_named else warning, {}).update({name: None} if is_named else {})
    for clause, concerned in names.items():
        shown = ", ".join(list(concerned)[:_NAMES_SHOWN])
        more = f" and {len(concerned) - _NAMES_SHOWN} more" if len(concerned) > _NAMES_SHOWN else ""
        yield f"{shown}{more}: {clause}" if concerned else clause
