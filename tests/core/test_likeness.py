from dataclasses import replace

from pytest_wheeltag.core.likeness import Holding, describe_differences, find_differences
from pytest_wheeltag.core.verdict import InstalledWheel

WHEEL = InstalledWheel("foo", "1.0", ("py2-none-any", "py3-none-any"))
INFO = "foo-1.0.dist-info"
FILES = {
    f"{INFO}/METADATA": "1",
    f"{INFO}/WHEEL": "2",
    "foo/a.py": "3",
    "foo/b.py": "4",
    "foo/c.py": "5",
    "foo/d.py": "6",
}
HERE = Holding(WHEEL, FILES)


def differing(wheel: InstalledWheel = WHEEL, **files: str) -> str:
    changed = {key.replace("__", "/") + ".py": value for key, value in files.items()}
    other = Holding(wheel, {path: each for path, each in (FILES | changed).items() if each})
    return describe_differences(find_differences(HERE, other), "elsewhere")


def test_what_is_the_same_differs_in_nothing() -> None:
    assert find_differences(HERE, HERE) == ()
    spelt = replace(WHEEL, tags=("py2.py3-none-any",), version="1", installer="uv", location="/x")
    assert differing(spelt) == ""


def test_tags_build_and_direct_url_are_told_with_both_sides() -> None:
    assert (
        differing(replace(WHEEL, tags=("py3-none-any",)))
        == "tags `py2.py3-none-any`, elsewhere `py3-none-any`"
    )
    assert (
        differing(replace(WHEEL, build="2"))
        == "tags `py2.py3-none-any`, elsewhere `py2.py3-none-any, build 2`"
    )
    assert differing(replace(WHEEL, direct_url="file:///x")) == "direct URL `none`, elsewhere `file:///x`"


def test_of_another_version_nothing_else_is_compared() -> None:
    assert (
        differing(replace(WHEEL, version="2.0", tags=("x",)), foo__a="9") == "version `1.0`, elsewhere `2.0`"
    )


def test_files_are_named_by_how_they_differ_three_of_each_and_code_first() -> None:
    assert differing(foo__a="9") == "other content in `foo/a.py`"
    assert differing(foo__a="") == "not there elsewhere: `foo/a.py`"
    assert differing(foo__e="9") == "missing `foo/e.py`"
    assert differing(foo__a="9", foo__b="9", foo__c="9", foo__d="9") == (
        "4 files differ, `foo/a.py`, `foo/b.py`, `foo/c.py` and 1 more"
    )
    other = Holding(WHEEL, {**FILES, f"{INFO}/METADATA": "9", "foo/a.py": "9"})
    found = describe_differences(find_differences(HERE, other), "elsewhere")
    assert found == f"other content in `foo/a.py`, `{INFO}/METADATA`"
