import json
from dataclasses import replace

from pytest_wheeltag.core.report import (
    AbsentPackage,
    InstallerName,
    LockSummary,
    Scene,
    Tally,
    collect_report,
    pack,
    summarize_interpreter,
    tell_apart,
    unpack,
)
from pytest_wheeltag.core.verdict import Outcome, Verdict, VerdictKind, WheelIdentity
from pytest_wheeltag.workshop.imagined import imagine_interpreter

SUMMARY = summarize_interpreter(imagine_interpreter("3.11.7"))
SCENE = Scene("cpython3.11", "audited", SUMMARY, path="/env")


def found(name: str, kind: VerdictKind = VerdictKind.BEST, version: str = "1.0") -> Verdict:
    side = WheelIdentity(("py3-none-any",), "1", 3, f"{name}-1.0-1-py3-none-any.whl", "0" * 64)
    return Verdict(name, version, kind, kind.outcome, "message", installed=side, best=side, warnings=("odd",))


def test_a_finding_travels_as_builtins_and_comes_back_the_same() -> None:
    lock = LockSummary("uv.lock", "uv.lock", "1.3", "ab", absent=(AbsentPackage("a", None, is_needed=True),))
    scene = Scene(
        "x", "provisioned", SUMMARY, "/env", InstallerName("uv", "0.6.7"), ("a", "b"), "sha256:0", lock
    )

    packed = pack(scene, found("foo"))

    assert unpack(json.loads(json.dumps(packed))) == (scene, found("foo"))
    assert {type(value) for value in packed["verdict"].values()} <= {str, bool, list, dict, type(None)}


def test_a_report_is_in_order_and_counts_equal_findings_once() -> None:
    other = Scene("cpython3.10", "audited", SUMMARY)
    findings = [(SCENE, found("foo")), (SCENE, found("bar")), (other, found("foo")), (SCENE, found("foo"))]

    report = collect_report(findings)

    assert [each.scene.identifier for each in report.environments] == ["cpython3.10", "cpython3.11"]
    assert [verdict.name for verdict in report.environments[1].verdicts] == ["bar", "foo"]
    assert report.tally == Tally(passed=3)
    assert collect_report(reversed(findings)) == report


def test_one_finding_of_an_environment_tells_its_lock() -> None:
    lock = LockSummary("uv.lock", "uv.lock", "1.3", "ab")

    report = collect_report(
        [(SCENE, found("a")), (replace(SCENE, lock=lock), found("b")), (SCENE, found("c"))]
    )

    (judged,) = report.environments
    assert (judged.scene.lock, len(judged.verdicts)) == (lock, 3)


def test_versions_are_sorted_as_numbers() -> None:
    labels = ["cpython3.9", "cpython3.9@2", "cpython3.10[given]", "cpython3.10[reversed]", "pypy3.9"]

    report = collect_report((Scene(label, "audited", SUMMARY), found("foo")) for label in reversed(labels))

    assert [each.scene.identifier for each in report.environments] == labels


def test_only_skips_are_not_judged() -> None:
    assert collect_report([]).tally.is_unjudged
    assert collect_report([(SCENE, found("foo", VerdictKind.UNLISTED))]).tally.is_unjudged
    assert not collect_report([(SCENE, found("foo", VerdictKind.INFERIOR))]).tally.is_unjudged


def test_only_unreachable_failures_are_told_from_others() -> None:
    unreachable, inferior = found("a", VerdictKind.UNREACHABLE), found("b", VerdictKind.INFERIOR)

    assert collect_report([(SCENE, unreachable), (SCENE, found("c"))]).is_only_unreachable
    assert not collect_report([(SCENE, unreachable), (SCENE, inferior)]).is_only_unreachable
    assert not collect_report([(SCENE, found("c"))]).is_only_unreachable


def test_labels_that_repeat_are_numbered() -> None:
    assert tell_apart(["a", "b", "a", "a"]) == ("a", "b", "a@2", "a@3")


def test_outcomes_are_counted_by_entry() -> None:
    kinds = [VerdictKind.BEST, VerdictKind.BUILT, VerdictKind.INFERIOR, VerdictKind.UNLISTED]
    report = collect_report((SCENE, found(kind.value, kind)) for kind in kinds)

    assert report.tally == Tally(passed=2, failed=1, skipped=1)
    assert Outcome.FAILED in {verdict.outcome for each in report.environments for verdict in each.verdicts}
