import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.references import parse_reference
from pytest_wheeltag.core.requirements import (
    Request,
    UnnamedDemand,
    parse_constraint,
    parse_demand,
    parse_request,
)
from pytest_wheeltag.subjects.assignment import Assignment
from pytest_wheeltag.subjects.poetryproject import PoetryProject
from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.urls import Url, parse_url
from pytest_wheeltag.workshop.imagined import imagine_interpreter

URL = parse_url("https://user:secret@index.example/simple/", setting="index-url")
OTHER = parse_url("https://other.example/simple/", setting="index-url")
TREE = UnnamedDemand(parse_reference("file:///work/a%20tree", "here", is_editable=True), "here", hint="foo")


def assigned(requirements: Sequence[str] = ("foo",)) -> Assignment:
    return Assignment(parse_request(requirements), imagine_interpreter(), (URL, OTHER))


def project(assignment: Assignment, version: str) -> dict[str, Any]:
    return tomllib.loads(PoetryProject(assignment, Version(version)).render())


def untold(assignment: Assignment, version: str = "2.5") -> list[str]:
    return list(PoetryProject(assignment, Version(version)).find_untold())


def test_since_2_0_requirements_stand_in_the_project_table() -> None:
    asked = ["foo[a]>=1,!=1.5; python_version > '3.8'", "bar @ https://index.example/bar-1.0.tar.gz"]

    found = project(assigned(asked), "2.5.1")

    assert [parse_demand(each) for each in found["project"]["dependencies"]] == list(map(parse_demand, asked))
    assert found["project"]["requires-python"] == "==3.11.7"
    assert found["tool"]["poetry"]["package-mode"] is False
    assert "dependencies" not in found["tool"]["poetry"]


def test_an_editable_tree_is_enriched_in_poetrys_own_table() -> None:
    found = project(replace(assigned(), request=Request((TREE,))), "2.5.1")

    assert found["project"]["dependencies"] == ["foo"]
    assert found["tool"]["poetry"]["dependencies"] == {"foo": {"path": "/work/a tree", "develop": True}}


def test_before_2_0_requirements_stand_in_poetrys_own_table() -> None:
    asked = [
        "foo[b,a]>=1,!=1.5; python_version > '3.8'",
        "bar @ https://index.example/bar-1.0.tar.gz",
        "baz @ file:///work/baz-1.0-py3-none-any.whl",
        "tree @ file:///work/tree",
        "two<2; python_version < '3.9'",
        "two; python_version >= '3.9'",
    ]

    found = project(assigned(asked), "1.8.5")

    assert "project" not in found
    assert found["tool"]["poetry"]["dependencies"] == {
        "python": "3.11.7",
        "foo": {"version": "!=1.5,>=1", "extras": ["a", "b"], "markers": 'python_version > "3.8"'},
        "bar": {"url": "https://index.example/bar-1.0.tar.gz"},
        "baz": {"path": "/work/baz-1.0-py3-none-any.whl"},
        "tree": {"path": "/work/tree", "develop": False},
        "two": [
            {"version": "<2", "markers": 'python_version < "3.9"'},
            {"version": "*", "markers": 'python_version >= "3.9"'},
        ],
    }


@pytest.mark.parametrize(
    ("version", "first", "second"),
    [
        ("1.4.2", {"default": True}, {"secondary": False}),
        ("1.5.0", {"priority": "default"}, {"priority": "primary"}),
        ("1.8.0", {"priority": "primary"}, {"priority": "primary"}),
        ("2.5.1", {"priority": "primary"}, {"priority": "primary"}),
    ],
)
def test_the_indexes_take_the_place_of_pypi_in_every_version_and_show_no_password(
    version: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    one, two = project(assigned(), version)["tool"]["poetry"]["source"]

    assert one == {"name": one["name"], "url": "https://index.example/simple/", **first}
    assert two == {"name": two["name"], "url": "https://other.example/simple/", **second}


def test_a_source_has_another_name_at_another_address_and_the_same_at_the_same() -> None:
    def names(*urls: Url) -> list[str]:
        found = project(replace(assigned(), indexes=urls), "2.5.1")["tool"]["poetry"]["source"]
        return [each["name"] for each in found]

    one, two = names(URL, OTHER)

    assert one != two
    assert names(OTHER) == [two]


def test_without_any_index_none_is_there_rather_than_pypi() -> None:
    (source,) = project(replace(assigned(), indexes=()), "2.5.1")["tool"]["poetry"]["source"]

    assert source["url"].startswith("http://127.0.0.1:9/")


def test_a_project_that_is_no_package_is_one_for_versions_that_know_no_other() -> None:
    old, new = (project(assigned(), each)["tool"]["poetry"] for each in ("1.7.1", "1.8.0"))

    assert old.items() >= {"name": "wheeltag-project", "version": "0", "authors": []}.items()
    assert new["package-mode"] is False
    assert "name" not in new


def test_credentials_certificates_and_kinds_of_files_are_variables() -> None:
    configuration = PipConfiguration(cert="/bundle.pem", trusted_hosts=("other.example",))
    controls = Controls(NameControl(frozenset(("foo", "bar")), frozenset((":all:",))))
    assignment = replace(assigned(), configuration=configuration, controls=controls)

    one, two = project(assignment, "2.5.1")["tool"]["poetry"]["source"]
    first, second = (each["name"].upper().replace("-", "_") for each in (one, two))

    assert PoetryProject(assignment, Version("2.5.1")).variables() == {
        f"POETRY_HTTP_BASIC_{first}_USERNAME": "user",
        f"POETRY_HTTP_BASIC_{first}_PASSWORD": "secret",
        f"POETRY_CERTIFICATES_{first}_CERT": "/bundle.pem",
        f"POETRY_CERTIFICATES_{second}_CERT": "false",
        "POETRY_INSTALLER_NO_BINARY": ":all:",
        "POETRY_INSTALLER_ONLY_BINARY": "bar,foo",
    }


def test_config_settings_and_build_constraints_are_told_by_name() -> None:
    settings = (("level", "1"), ("flag", "a"), ("flag", "b"))
    demand = replace(parse_demand("foo"), config_settings=settings)
    assignment = replace(
        assigned(), request=Request((demand,)), build_constraints=(parse_constraint("setuptools<80"),)
    )

    told = PoetryProject(assignment, Version("2.5.1"))
    constraints = tomllib.loads(told.render([canonicalize_name("bar")]))["tool"]["poetry"][
        "build-constraints"
    ]

    assert tomllib.loads(told.render_settings()) == {
        "installer": {"build-config-settings": {"foo": {"level": "1", "flag": ["a", "b"]}}}
    }
    bound = {"setuptools": {"version": "<80"}}
    assert constraints == {"bar": bound, "foo": bound}
    assert not untold(assignment)
    assert untold(assignment, "2.0") == [
        "before 2.1 it cannot be told config settings",
        "before 2.3 it cannot be told build constraints",
    ]


@pytest.mark.parametrize(
    ("changes", "version", "reason"),
    [
        ({"find_links": (OTHER,)}, "2.5", "no folders or pages of links: `https://other.example/simple/`"),
        ({"indexes": (parse_url("file:///a/simple/", setting="x"),)}, "2.5", "no index in a folder"),
        ({"controls": Controls(wheels_first=NameControl(frozenset((":all:",))))}, "2.5", "no preference"),
        ({"controls": Controls(NameControl(frozenset(("foo",))))}, "1.8.5", "before 2.0 .* only wheels"),
        ({}, "1.1.15", "before 1.2 .* without pip"),
        (
            {"controls": Controls(NameControl(frozenset((":all:",)), frozenset(("foo",))))},
            "2.1",
            "before 2.2 .* exceptions",
        ),
    ],
)
def test_what_a_version_cannot_be_told_is_said(changes: dict[str, Any], version: str, reason: str) -> None:
    (found,) = untold(replace(assigned(), **changes), version)

    assert re.search(reason, found)
