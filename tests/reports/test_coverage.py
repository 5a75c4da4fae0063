from pytest_wheeltag.core.coverage import Coverage, CoverageCell
from pytest_wheeltag.reports.coverage import coverage_to_json, render_coverage

COVERAGE = Coverage(
    (
        CoverageCell("cp310-win32", 3),
        CoverageCell("cp310-win_arm64", 1, sources=("b",), missing=("a",)),
        CoverageCell("cp311-win32", 1, sources=("a", "b")),
        CoverageCell("cp311-win_arm64", 2, missing=("a",)),
        CoverageCell("pp311-win32", 0, unknown=("a", "b", "c")),
    )
)
LACKS = [
    "no file: a on win_arm64",
    "built from source: a on win32 (cp311)",
    "built from source: b on win_arm64 (cp310); win32 (cp311)",
    "not known: a on win32 (pp311)",
    "not known: b on win32 (pp311)",
    "not known: c on win32 (pp311)",
    "5 targets: 1 take wheels alone, 1 build from source, 2 lack a file, 1 are not known",
]


def test_a_table_of_interpreters_by_platforms() -> None:
    assert list(render_coverage(COVERAGE, 80)) == [
        "           cp310   cp311    pp311",
        "win32      ok      2 built  3 ?",
        "win_arm64  1 NONE  1 NONE   -",
        *LACKS,
    ]


def test_where_there_is_no_room_each_platform_is_a_line() -> None:
    assert list(render_coverage(COVERAGE, 20)) == [
        "win32: ok on cp310; 2 built on cp311; 3 ? on pp311",
        "win_arm64: 1 NONE on cp310 cp311",
        *LACKS,
    ]


def test_what_holds_everywhere_is_said_in_two_words() -> None:
    everywhere = Coverage((CoverageCell("cp310-win32", 0, sources=("a",)),))
    assert "built from source: a on every target" in list(render_coverage(everywhere, 80))


def test_without_targets_there_is_nothing() -> None:
    assert not list(render_coverage(Coverage(), 80))


def test_as_json() -> None:
    values = coverage_to_json(COVERAGE)
    assert values["interpreters"] == ["cp310", "cp311", "pp311"]
    assert values["platforms"] == ["win32", "win_arm64"]
    assert values["totals"] == {"covered": 1, "source": 1, "none": 2, "unknown": 1}
    assert values["targets"][1] == {
        "target": "cp310-win_arm64",
        "interpreter": "cp310",
        "platform": "win_arm64",
        "state": "none",
        "wheels": 1,
        "sources": ["b"],
        "missing": ["a"],
        "unknown": [],
    }
