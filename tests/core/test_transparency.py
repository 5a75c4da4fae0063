from pytest_wheeltag.core.likeness import Holding
from pytest_wheeltag.core.transparency import judge_transparency
from pytest_wheeltag.core.verdict import InstalledWheel, VerdictKind

WHEEL = InstalledWheel("foo", "1.0", ("py3-none-any",))
INFO = {"foo-1.0.dist-info/METADATA": "1"}


def hold(**files: str) -> Holding:
    return Holding(WHEEL, INFO | {f"foo/{name}.py": digest for name, digest in files.items()})


def refuse() -> Holding | None:
    raise AssertionError


def test_what_is_the_same_is_not_installed_a_second_time() -> None:
    found = judge_transparency(hold(a="1"), hold(a="1"), refuse)

    assert (found.kind, found.clause) == (
        VerdictKind.TRANSPARENT,
        "the same with an empty cache, file by file",
    )


def test_what_differs_from_two_that_are_alike_depends_on_the_cache() -> None:
    found = judge_transparency(hold(a="1"), hold(a="2"), lambda: hold(a="2"))

    assert found.kind is VerdictKind.OPAQUE
    assert found.clause == "depends on the cache: other content in `foo/a.py`"
    assert found.warnings == ()


def test_what_differs_between_two_builds_is_left_out() -> None:
    found = judge_transparency(hold(a="1", b="1"), hold(a="2", b="1"), lambda: hold(a="3", b="1"))

    assert found.kind is VerdictKind.TRANSPARENT
    assert found.warnings == ("foo 1.0: two builds with an empty cache differ, left out: `foo/a.py`",)


def test_where_no_code_is_left_to_compare_nothing_is_said_of_the_cache() -> None:
    found = judge_transparency(hold(a="1"), hold(a="2"), lambda: hold(a="3"))

    assert found.kind is VerdictKind.IRREPRODUCIBLE


def test_files_that_nobody_tells_are_not_called_the_same() -> None:
    found = judge_transparency(Holding(WHEEL, {}), Holding(WHEEL, {}), refuse)

    assert found.kind is VerdictKind.UNKNOWN
    assert "no RECORD that can be read" in found.clause


def test_files_that_only_one_side_tells_differ() -> None:
    found = judge_transparency(Holding(WHEEL, {}), hold(a="1"), lambda: hold(a="1"))

    assert found.kind is VerdictKind.OPAQUE
