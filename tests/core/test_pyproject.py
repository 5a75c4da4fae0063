import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from pytest_wheeltag.core.pyproject import (
    LEGACY_BACKEND,
    BuildSystem,
    ProjectTable,
    parse_build_system,
    parse_project,
    resolve_groups,
)
from pytest_wheeltag.errors import PyprojectError, UsageError

WHERE = "foo-1.0/pyproject.toml"
BUILD = "[build-system]\nrequires = []\n"
PROJECT = "[project]\nname = 'Foo.Bar'\n"


@pytest.mark.parametrize("text", [None, "", "[project]\nname = 'foo'\n", "[tool.x]\nbuild-system = 1\n"])
def test_a_tree_that_does_not_say_how_is_built_by_setuptools_as_of_old(text: str | None) -> None:
    expected = BuildSystem(("setuptools>=40.8.0",), "setuptools.build_meta:__legacy__", ())

    assert parse_build_system(text, WHERE) == expected


def test_a_table_without_a_backend_keeps_its_own_requirements() -> None:
    text = "[build-system]\nrequires = ['setuptools', 'wheel', 'cython <3']\n"

    assert parse_build_system(text, WHERE) == BuildSystem(
        ("setuptools", "wheel", "cython <3"), LEGACY_BACKEND
    )


def test_a_build_system_is_read_whole() -> None:
    text = """
        [build-system]
        requires = ["a>=1", "b @ https://index.example/b.tar.gz", "c; os_name == 'nt'"]
        build-backend = "backend.api:hooks.main"
        backend-path = [".", "tools/build/"]
        unknown = 1
    """

    assert parse_build_system(text, WHERE) == BuildSystem(
        ("a>=1", "b @ https://index.example/b.tar.gz", "c; os_name == 'nt'"),
        "backend.api:hooks.main",
        (".", "tools/build/"),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("build-system = 1", "expected a table in `build-system`, found a number"),
        ("[[build-system]]", "expected a table in `build-system`, found an array"),
        (
            "[build-system]",
            "expected a list of requirements (PEP 518) in `build-system.requires`, found none",
        ),
        ("[build-system]\nrequires = 'a'", "expected a list of texts in `build-system.requires`, found `a`"),
        (
            "[build-system]\nrequires = ['a', 1]",
            "expected a list of texts in `build-system.requires`, found a number in it",
        ),
        (
            "[build-system]\nrequires = ['a ~']",
            "expected requirements (PEP 508) in `build-system.requires`, found `a ~`",
        ),
        (f"[build-system]\nrequires = ['a{'b' * 20_000}']", "expected requirements (PEP 508)"),
        (
            f"{BUILD}build-backend = true",
            "expected a text in `build-system.build-backend`, found a truth value",
        ),
        (f"{BUILD}backend-path = 'x'", "expected a list of texts in `build-system.backend-path`, found `x`"),
        (
            f"{BUILD}backend-path = [2020-02-02]",
            "expected a list of texts in `build-system.backend-path`, found a date or time in it",
        ),
        ("[build-system", "expected TOML, found a mistake"),
        ("a = 1\na = 2", "expected TOML, found a mistake"),
        ("\ufeff[build-system]", "expected TOML, found a mistake"),
        (f"a = {'1' * 5000}", "expected TOML, found a mistake"),
        ("a = " + "[" * 5000, "expected TOML, found a mistake"),
        ("a." * 5000 + "b = 1", "expected keys of at most 32 parts, found `a.a."),
        (r'"\"" . ' * 50 + "b = 1", "expected keys of at most 32 parts"),
        ("[" + "'a'\t.\t" * 50 + "b]", "expected keys of at most 32 parts"),
        ("#" * 1_000_001, "expected at most 1000000 characters, found 1000001"),
    ],
)
def test_a_file_that_does_not_say_it_well_is_refused_in_one_line(text: str, problem: str) -> None:
    with pytest.raises(PyprojectError, match=re.escape(f"{WHERE} cannot be used, {problem}")) as caught:
        parse_build_system(text, WHERE)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("backend", ["", "a b", "a:", ":a", "a..b", "a:b:c", "os;x", "a/b", "-m a", "a\\nb"])
def test_a_backend_is_a_module_and_perhaps_an_object_in_it(backend: str) -> None:
    with pytest.raises(PyprojectError, match="expected `MODULE` or `MODULE:OBJECT`"):
        parse_build_system(f'{BUILD}build-backend = "{backend}"', WHERE)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/usr", "..", "../x", "a/../..", "a/../../b/c", "C:/x", "c:x", "\\\\x", "..\\\\x", "a\\u0000b"],
)
def test_backends_from_outside_of_the_tree_are_refused(path: str) -> None:
    with pytest.raises(PyprojectError, match="expected folders inside the source tree"):
        parse_build_system(f'{BUILD}backend-path = ["{path}"]', WHERE)


@pytest.mark.parametrize("path", [".", "./", "a", "a/b", "a/..", "a/../b", "./a//b/", "..a", "a..", "ab:c"])
def test_backends_from_inside_of_the_tree_are_taken(path: str) -> None:
    assert parse_build_system(f'{BUILD}backend-path = ["{path}"]', WHERE).backend_path == (path,)


@given(st.lists(st.sampled_from(["..", ".", "a", "b", ""])))
def test_backend_path_refers_to_a_location_within_the_source_tree(parts: list[str]) -> None:
    """Directories in backend-path MUST refer to a location within the source tree (PEP 517)."""
    depth, lowest = 0, 0
    for part in parts:
        depth += -1 if part == ".." else int(bool(part.strip(".")))
        lowest = min(lowest, depth)
    text = f'{BUILD}backend-path = ["x{"/".join(["", *parts])}"]'
    try:
        is_taken = bool(parse_build_system(text, WHERE).backend_path)
    except PyprojectError:
        is_taken = False
    assert is_taken == (lowest >= -1)


def test_a_project_is_what_its_table_declares() -> None:
    text = f"""{PROJECT}
        version = "1.0.0-rc1"
        requires-python = ">= 3.8"
        dependencies = ["a>=1", "b; os_name == 'posix'"]
        dynamic = ["readme", "classifiers"]
        license = {{ text = "MIT" }}
        [project.optional-dependencies]
        All_of-it = ["foo.bar[some]"]
        some = []
    """

    assert parse_project(text, WHERE) == ProjectTable(
        "Foo.Bar",
        "1.0.0rc1",
        ">=3.8",
        ("a>=1", "b; os_name == 'posix'"),
        {"all-of-it": ("foo.bar[some]",), "some": ()},  # type: ignore[dict-item] # normalised as they stand
        frozenset({"readme", "classifiers"}),
    )


def test_what_a_project_does_not_say_is_empty() -> None:
    assert parse_project(PROJECT, WHERE) == ProjectTable("Foo.Bar")
    assert parse_project("[tool.poetry]\nname = 'foo'", WHERE) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[project]", "expected the project's name (PEP 621) in `project.name`, found none"),
        ("[project]\nname = '-x'", "expected the project's name in `project.name`, found `-x`"),
        (f"{PROJECT}version = 'new'", "expected a version (PEP 440) in `project.version`, found `new`"),
        (f"{PROJECT}version = 1.0", "expected a text in `project.version`, found a number"),
        (f"{PROJECT}version = '{'1' * 5000}'", "expected a version (PEP 440) in `project.version`"),
        (
            f"{PROJECT}requires-python = 'newest'",
            "expected versions (PEP 440) in `project.requires-python`, found `newest`",
        ),
        (
            f"{PROJECT}dependencies = {{}}",
            "expected a list of texts in `project.dependencies`, found a table",
        ),
        (f"{PROJECT}dependencies = ['one two']", "expected requirements (PEP 508) in `project.dependencies`"),
        (
            f"{PROJECT}dependencies = [" + "'a'," * 10_001 + "]",
            "expected at most 10000 requirements in `project.dependencies`, found 10001",
        ),
        (
            f"{PROJECT}optional-dependencies = ['a']",
            "expected a table in `project.optional-dependencies`, found an array",
        ),
        (
            f"{PROJECT}optional-dependencies.x = ['one two']",
            "expected requirements (PEP 508) in `project.optional-dependencies.x`, found `one two`",
        ),
        (
            f'{PROJECT}optional-dependencies."a\\u001b[m" = []',
            r"expected names of extras in `project.optional-dependencies`, found `a\x1b[m`",
        ),
        (
            f"{PROJECT}optional-dependencies.a-b = []\noptional-dependencies.A_B = []",
            "expected each extra once in `project.optional-dependencies`, found `a-b` twice",
        ),
        (
            f"{PROJECT}dynamic = ['name']",
            "expected fields other than `name` (PEP 621) in `project.dynamic`, found it",
        ),
    ],
)
def test_a_project_that_does_not_say_it_well_is_refused_in_one_line(text: str, problem: str) -> None:
    with pytest.raises(PyprojectError, match=re.escape(f"{WHERE} cannot be used, {problem}")) as caught:
        parse_project(text, WHERE)

    assert str(caught.value).isprintable()


GROUPS = """
[dependency-groups]
Test_All = ["pytest>8", {include-group = "cov"}, {include-group = "Typing.Stubs"}, "pytest>8"]
cov = ["coverage[toml] ; python_version >= '3.8'"]
typing-stubs = [{include-group = "cov"}, "mypy"]
broken = ["one two", {set-phasers-to = "stun"}]
empty = []
"""


def test_groups_are_resolved_in_order_with_those_that_they_include() -> None:
    coverage = str(Requirement("coverage[toml]; python_version >= '3.8'"))

    assert resolve_groups(GROUPS, ["test.all"], WHERE) == ("pytest>8", coverage, coverage, "mypy", "pytest>8")
    assert resolve_groups(GROUPS, ["COV", "empty", "cov"], WHERE) == (coverage, coverage)
    assert resolve_groups(GROUPS, [], WHERE) == ()


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (GROUPS, "tset-all", "the nearest is `test-all`"),
        (GROUPS, "x" * 500, "the nearest is `"),
        ("", "test", "there is none"),
    ],
)
def test_an_unknown_group_names_the_nearest(text: str, name: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_groups(text, [name], WHERE)

    assert str(caught.value).startswith(f"dependency groups of {WHERE}: expected a group's name ({expected}")
    assert str(caught.value).endswith(f"found: `{name[:200]}`")


@pytest.mark.parametrize(
    ("groups", "problem"),
    [
        (
            "a = [{include-group='a'}]",
            "expected groups that end in `dependency-groups.a`, found a circle, `a` includes `a`",
        ),
        (
            "a = [{include-group='B'}]\nb = [{include-group='c'}]\nc = [{include-group='b'}]",
            "expected groups that end in `dependency-groups.b`, found a circle, `b` includes `c` includes `b`",
        ),
        (
            "a = [{include-group='tests'}]\ntest = []",
            "expected to include known groups in `dependency-groups.a`, found `tests` (the nearest is `test`)",
        ),
        ("a = []\ndev-x = []\nDEV_X = []", "expected each group once in `dependency-groups`, found Duplicate"),
        ("a = ['one two']", "expected requirements (PEP 735) in `dependency-groups.a`, found Expected"),
        ("a = 'b'", "expected requirements (PEP 735) in `dependency-groups.a`, found Dependency group 'a'"),
        ("a = {b = 1}", "expected requirements (PEP 735) in `dependency-groups.a`, found"),
        ("a = [1]", "expected requirements (PEP 735) in `dependency-groups.a`, found Invalid"),
        ("a = [{include-group=1}]", "expected requirements (PEP 735) in `dependency-groups.a`, found"),
        ("a = [{include='b'}]\nb = []", "expected requirements (PEP 735) in `dependency-groups.a`, found"),
        ("a = ['b; " + "(" * 900 + "']", "expected requirements (PEP 735) in `dependency-groups.a`, found"),
        (
            "".join(f"a{'' if i == 0 else i} = [{{include-group='a{i + 1}'}}]\n" for i in range(300)) + "a300=[]",
            "expected at most 50 groups in each other in `dependency-groups.a51`, found more",
        ),
        (
            "".join(f"a{'' if i == 0 else i} = [{{include-group='a{i + 1}'}},{{include-group='a{i + 1}'}}]\n" for i in range(30))
            + "a30=['x']",
            "expected at most 10000 requirements in `dependency-groups.a16`, found more",
        ),
    ],
)  # fmt: skip
def test_groups_that_cannot_be_resolved_are_refused_in_one_line(groups: str, problem: str) -> None:
    with pytest.raises(PyprojectError) as caught:
        resolve_groups(f"[dependency-groups]\n{groups}", ["a"], WHERE)

    assert str(caught.value).startswith(f"{WHERE} cannot be used, {problem}")
    assert str(caught.value).isprintable()


def test_groups_that_nobody_asked_for_may_be_broken() -> None:
    assert resolve_groups(GROUPS, ["typing-stubs"], WHERE)[1:] == ("mypy",)


def test_groups_are_a_table() -> None:
    with pytest.raises(PyprojectError, match="expected a table in `dependency-groups`, found an array"):
        resolve_groups("dependency-groups = []", ["a"], WHERE)


@given(st.text(max_size=60))
def test_no_text_raises_anything_else(text: str) -> None:
    for prefix in ("", "[build-system]\n", "[project]\n", "[dependency-groups]\na = "):
        try:
            parse_build_system(prefix + text, WHERE)
            parse_project(prefix + text, WHERE)
            resolve_groups(prefix + text, ["a"], WHERE)
        except (PyprojectError, UsageError) as error:
            assert str(error).isprintable()  # noqa: PT017 - whatever is raised, if anything, is one line
