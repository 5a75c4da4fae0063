import pytest

from pytest_wheeltag.core.projectdemands import project_demands
from pytest_wheeltag.core.pyproject import ProjectTable, parse_project
from pytest_wheeltag.errors import UsageError

TEXT = """
[project]
name = "De.mo"
dependencies = ["foo>=1", "bar; os_name == 'a'"]
[project.optional-dependencies]
Fast_Path = ["quick"]
all = ["de-mo[fast-path,docs]", "more"]
docs = ["maker", "demo-theme", "De_Mo[fast-path]; python_version < '3.9'"]
loop = ["de-mo[loop]", "once"]
"""


def project(text: str = TEXT) -> ProjectTable:
    found = parse_project(text, "pyproject.toml")
    assert found is not None
    return found


def demands(*extras: str) -> list[str]:
    found = project_demands(project(), extras, "pyproject.toml")
    return [f"{each.text}; {each.marker}" if each.marker else each.text for each in found]


def test_a_project_asks_for_its_dependencies_and_for_those_of_extras() -> None:
    assert demands() == ["foo>=1", 'bar; os_name == "a"']
    assert demands("fast.path") == [*demands(), "quick"]
    (*_, last) = project_demands(project(), ["all"], "pyproject.toml")
    assert last.origin == "pyproject.toml [fast-path]"


def test_an_extra_that_is_made_of_others_stands_for_what_they_hold() -> None:
    conditional = 'quick; python_version < "3.9"'
    assert demands("all")[2:] == ["more", "maker", "demo-theme", "quick", conditional]
    assert demands("loop")[2:] == ["once"]


def test_markers_of_nested_extras_hold_together() -> None:
    text = '[project]\nname = "x"\n[project.optional-dependencies]\n'
    text += "a = [\"x[b]; os_name == 'a'\"]\nb = [\"y; os_name == 'b' or os_name == 'c'\"]\n"
    (demand,) = project_demands(project(text), ["a"], "p")
    assert str(demand.marker) == 'os_name == "a" and (os_name == "b" or os_name == "c")'


def test_an_extra_that_there_is_not_is_an_error_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"^p: expected an extra of De\.mo \(the nearest is `docs`\), found: `doc`$"
    ):
        project_demands(project(), ["doc"], "p")
    with pytest.raises(UsageError, match="there is none"):
        project_demands(project('[project]\nname = "x"'), ["doc"], "p")


def test_what_is_dynamic_is_only_known_once_it_is_built() -> None:
    table = project('[project]\nname = "x"\ndynamic = ["optional-dependencies"]\ndependencies = ["y"]')
    assert len(project_demands(table, [], "p")) == 1
    with pytest.raises(UsageError, match=r"^p: .*folder of the source tree.*`optional-dependencies`$"):
        project_demands(table, ["z"], "p")
    with pytest.raises(UsageError, match=r"found: `dependencies`$"):
        project_demands(project('[project]\nname = "x"\ndynamic = ["dependencies"]'), [], "p")
