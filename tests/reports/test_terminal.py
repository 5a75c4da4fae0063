from dataclasses import replace

from pytest_wheeltag.core.report import (
    AbsentPackage,
    AuditReport,
    LockSummary,
    Scene,
    collect_report,
    summarize_interpreter,
)
from pytest_wheeltag.core.verdict import Outcome, Property, Verdict, VerdictKind
from pytest_wheeltag.reports.terminal import align, render_findings, render_summary, render_totals
from pytest_wheeltag.workshop.imagined import imagine_interpreter

OLD = Scene("cpython3.10", "audited", summarize_interpreter(imagine_interpreter("3.10.13")), path="/old")
NEW = Scene("cpython3.11", "audited", summarize_interpreter(imagine_interpreter("3.11.7")), path="/new")


def found(name: str, kind: VerdictKind = VerdictKind.BEST, *warnings: str) -> Verdict:
    return Verdict(name, "1.0", kind, kind.outcome, f"{name}: the message", warnings=warnings)


def lines(report: AuditReport, *, is_verbose: bool = False) -> list[str]:
    return list(render_summary(report, is_verbose=is_verbose))


def test_one_environment_is_one_line_of_counts() -> None:
    report = collect_report([(OLD, found("a")), (OLD, found("b")), (OLD, found("c", VerdictKind.INFERIOR))])

    assert lines(report) == ["cpython3.10: 1 inferior, 2 best (/old)"]
    assert render_totals(report) == "2 passed, 1 failed, 0 skipped in 1 environment"


def judged_by(*absent: AbsentPackage, is_telling: bool = True, misfits: tuple[str, ...] = ()) -> AuditReport:
    lock = LockSummary("uv.lock", "uv.lock", "1.3", "ab", is_telling, absent, misfits)
    return collect_report([(replace(OLD, lock=lock), found("a"))])


def test_what_a_lock_holds_and_is_not_installed_is_a_warning() -> None:
    needed = [AbsentPackage(name, "1.0", is_needed=True) for name in "bcdefgh"]
    others = [AbsentPackage("x", None, is_needed=False)]
    warning = "warning: cpython3.10 lacks what uv.lock holds: b 1.0, c 1.0, d 1.0, e 1.0, f 1.0 and 2 more"
    note = "cpython3.10 lacks what uv.lock holds, which extras, groups or markers may leave out: x"
    counts = "cpython3.10: 1 best (/old, judged by uv.lock)"

    assert lines(judged_by(*needed, *others)) == [counts, warning]
    assert lines(judged_by(*needed, *others), is_verbose=True) == [counts, warning, note]
    assert lines(judged_by(*others, is_telling=False)) == [counts, note]
    assert lines(judged_by(misfits=("not for this one",))) == [counts, "warning: not for this one"]


def test_several_environments_are_a_table() -> None:
    report = collect_report(
        [
            (OLD, found("a")),
            (NEW, found("a")),
            (OLD, found("b")),
            (NEW, found("b", VerdictKind.INFERIOR)),
            (NEW, found("c", VerdictKind.DIRECT)),
        ]
    )

    assert lines(report)[:4] == [
        "   cpython3.10  cpython3.11",
        "a  best         best",
        "b  best         INFERIOR",
        "c  -            direct",
    ]


def test_a_long_table_shows_what_stands_out() -> None:
    fine = [(scene, found(f"a{number:02}")) for number in range(20) for scene in (OLD, NEW)]
    report = collect_report([*fine, (OLD, found("b")), (NEW, found("b", VerdictKind.INFERIOR))])

    assert lines(report)[:3] == [
        "           cpython3.10  cpython3.11",
        "b          best         INFERIOR",
        "(20 more)  as wanted    as wanted",
    ]
    assert len(lines(report, is_verbose=True)) == len(lines(report)) + 19
    assert lines(collect_report(fine))[1] == "(all 20)  as wanted    as wanted"


def test_a_warning_about_many_distributions_is_one_line() -> None:
    names = [f"d{number}" for number in range(7)]
    verdicts = [
        found(name, VerdictKind.BEST, f"{name}: it is on two indexes", "the cache is damaged")
        for name in names
    ]
    report = collect_report((OLD, verdict) for verdict in verdicts)

    assert lines(report)[1:] == [
        "warning: d0, d1, d2, d3, d4 and 2 more: it is on two indexes",
        "warning: the cache is damaged",
    ]


def test_doubts_are_warnings_and_accepted_findings_are_shown() -> None:
    accepted = Verdict(
        "b", "1.0", VerdictKind.INFERIOR, Outcome.PASSED, "b: old (accepted: known)", accepted=True
    )
    report = collect_report([(OLD, found("a", VerdictKind.AMBIGUOUS)), (OLD, accepted)])

    assert lines(report)[1:] == ["warning: a: the message", "b: old (accepted: known)"]


def test_all_findings_are_failures_and_skips_unless_everything_is_wanted() -> None:
    report = collect_report(
        [(OLD, found("a")), (OLD, found("b", VerdictKind.INFERIOR)), (OLD, found("c", VerdictKind.UNLISTED))]
    )

    assert list(render_findings(report))[:2] == [
        "FAILED inferior: b: the message",
        "SKIPPED unlisted: c: the message",
    ]
    assert "PASSED best: a: the message" in render_findings(report, is_verbose=True)


def test_nothing_judged_is_said() -> None:
    report = collect_report([(OLD, found("a", VerdictKind.UNLISTED))])

    assert render_totals(report) == "nothing was judged (1 skipped), which is not a pass"


def test_columns_are_aligned_and_nothing_is_no_error() -> None:
    assert list(align([["a", "bb"], ["ccc", "d"]])) == ["a    bb", "ccc  d"]
    assert list(align([])) == []


def test_several_properties_are_rows_of_their_own() -> None:
    def both(scene: Scene, kind: VerdictKind) -> list[tuple[Scene, Verdict]]:
        intact = replace(found("a", VerdictKind.INTACT), property=Property.INTACT)
        return [(scene, found("a", kind)), (scene, intact)]

    report = collect_report([*both(OLD, VerdictKind.BEST), *both(NEW, VerdictKind.INFERIOR)])

    assert lines(report)[:3] == [
        "            cpython3.10  cpython3.11",
        "a [best]    best         INFERIOR",
        "a [intact]  intact       intact",
    ]
