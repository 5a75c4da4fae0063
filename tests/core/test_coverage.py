from pytest_wheeltag.core.coverage import CoverageCell, CoverageState, measure_coverage
from pytest_wheeltag.core.foreign import parse_target
from pytest_wheeltag.core.report import Scene, collect_report, summarize_interpreter, target_scene
from pytest_wheeltag.core.verdict import Verdict, VerdictKind
from pytest_wheeltag.workshop.imagined import imagine_interpreter

HERE = Scene("cpython3.11", "audited", summarize_interpreter(imagine_interpreter()))


def scene(target: str) -> Scene:
    return target_scene(parse_target(target))


def found(name: str, kind: VerdictKind = VerdictKind.BEST) -> Verdict:
    return Verdict(name, "1.0", kind, kind.outcome, "")


COVERAGE = measure_coverage(
    collect_report(
        [
            (HERE, found("here", VerdictKind.INFERIOR)),
            (scene("cp310-win32"), found("a")),
            (scene("cp310-win32"), found("b", VerdictKind.DIRECT)),
            (scene("cp39-win32"), found("b", VerdictKind.BUILT)),
            (scene("cp39-win32"), found("a", VerdictKind.BUILT)),
            (scene("cp39-win_arm64"), found("a", VerdictKind.UNINSTALLABLE)),
            (scene("cp39-win_arm64"), found("b", VerdictKind.BUILT)),
            (scene("pp311-win_amd64"), found("a", VerdictKind.UNREACHABLE)),
        ]
    )
)


def test_each_target_is_a_cell_and_what_is_here_is_none() -> None:
    assert COVERAGE.cells == (
        CoverageCell("cp39-win32", 0, sources=("a", "b")),
        CoverageCell("cp39-win_arm64", 0, sources=("b",), missing=("a",)),
        CoverageCell("cp310-win32", 2),
        CoverageCell("pp311-win_amd64", 0, unknown=("a",)),
    )


def test_the_state_is_the_worst_that_can_be_said() -> None:
    assert [cell.state for cell in COVERAGE.cells] == ["source", "none", "covered", "unknown"]
    assert COVERAGE.totals == dict.fromkeys(CoverageState, 1)


def test_interpreters_and_platforms_are_in_order() -> None:
    assert COVERAGE.pythons == ("cp39", "cp310", "pp311")
    assert COVERAGE.platforms == ("win32", "win_amd64", "win_arm64")
    assert COVERAGE.find("cp310", "win_arm64") is None


def test_what_lacks_a_wheel_is_named_with_its_targets() -> None:
    lacking = COVERAGE.lacking("sources")
    assert {name: [cell.target for cell in cells] for name, cells in lacking.items()} == {
        "a": ["cp39-win32"],
        "b": ["cp39-win32", "cp39-win_arm64"],
    }
    assert list(COVERAGE.lacking("missing")) == ["a"]
