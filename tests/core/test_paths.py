import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.finding import Severity
from pytest_wheeltag.core.paths import (
    components,
    describe_unsafe,
    find_collisions,
    find_conflicts,
    find_unportable,
    find_unsafe,
    is_interpreter_name,
    parents,
)

# Anything but half surrogates, which no UTF-8 holds, and the end of a line.
PATHS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    "path", ["a", "a/b.py", "a b/c", "é/ü", "..a/b..", "...", ".hidden", "x" * 255, "ab:c", "ab:/c"]
)
def test_plain_paths_are_safe(path: str) -> None:
    assert describe_unsafe(path) is None


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", ".", "a/./b", "..", "a/../b", "a\\b", "C:", "c:x", "a/C:/b", "a\0", "a\nb", "\x7f",
     "\x85", "\u2028", "é" * 128],
)  # fmt: skip
def test_hostile_paths_are_unsafe(path: str) -> None:
    assert describe_unsafe(path)
    assert [each.severity for each in find_unsafe(components(["fine", path]))] == [Severity.REFUSED]


@given(st.text(max_size=40))
def test_a_safe_path_stays_inside(path: str) -> None:
    """No component of a safe path leads up, nowhere, or elsewhere."""
    if describe_unsafe(path) is None:
        parts = path.split("/")
        assert not set(parts) & {"", ".", ".."}
        assert not set(path) & {"\\", "\0", "\n", "\r"}
        assert all(len(part.encode("utf-8", "surrogatepass")) <= 255 for part in parts)


@pytest.mark.parametrize(
    "name", ["CON", "nul.txt", "Aux", "com1", "LPT9.x", "COM¹", "a.", "a ", "a?b", "a:b", "prn .x"]
)
def test_names_that_windows_cannot_hold(name: str) -> None:
    parts = components([f"x/{name}/y"])
    assert [each.severity for each in find_unportable(parts, windows=True)] == [Severity.REFUSED]
    assert [each.severity for each in find_unportable(parts, windows=False)] == [Severity.NOTED]


@pytest.mark.parametrize("name", ["CONFIG", "console.py", "com10", "auxiliary", "a.b", ".a", "nul_"])
def test_names_that_windows_can_hold(name: str) -> None:
    assert not list(find_unportable(components([name]), windows=True))


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        (["a", "a"], []),
        (["a"], ["a"]),
        (["a", "a/b"], []),
        (["a/b", "a/b/c/d"], []),
        ([], ["a", "a"]),
        (["a"], ["a/b"]),
    ],
)
def test_conflicts(files: list[str], folders: list[str]) -> None:
    assert [each.severity for each in find_conflicts(files, folders)] == [Severity.REFUSED]


def test_no_conflicts() -> None:
    assert not list(find_conflicts(["a/b", "a/c", "ab"], ["a", "d"]))
    assert parents(["a/b/c", "a/d", "e"]) == {"a", "a/b"}


@pytest.mark.parametrize(
    ("one", "other"), [("a", "A"), ("é", "e\u0301"), ("x/a", "X/b"), ("ß", "SS"), ("ﬁ", "FI")]
)
def test_collisions(one: str, other: str) -> None:
    assert [each.severity for each in find_collisions([one, other], folds_case=True)] == [Severity.REFUSED]
    assert [each.severity for each in find_collisions([one, other], folds_case=False)] == [Severity.NOTED]


@given(st.sets(PATHS, max_size=8))
def test_no_collision_where_lower_case_and_ascii_differ(paths: set[str]) -> None:
    plain = {path.lower() for path in paths if path.isascii()}
    assert not list(find_collisions(plain, folds_case=True))


@pytest.mark.parametrize(
    "name",
    ["python", "Python3", "python3.13", "python3.13t", "pythonw", "PYTHON.EXE", "python_d.exe", "python311.dll",
     "pypy3.9", "pypy3-c", "libpypy3-c.so", "python.", "python3. ", "python.bat", "pythonw3.13t.exe"],
)  # fmt: skip
def test_interpreter_names(name: str) -> None:
    assert is_interpreter_name(name)


@pytest.mark.parametrize(
    "name", ["ipython", "python-config", "python3-config", "pythonic", "bpython", "py", "pythonx"]
)
def test_other_names(name: str) -> None:
    assert not is_interpreter_name(name)
