import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
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
from pytest_wheeltag.subjects.pdmproject import PdmProject, render_configuration
from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.workshop.imagined import imagine_interpreter

URL = parse_url("https://user:secret@index.example/simple/", setting="index-url")
LINKS = parse_url("file:///work/links", setting="find-links")
TREE = UnnamedDemand(parse_reference("file:///work/tree", "here", is_editable=True), "here", hint="foo")
EVERY = NameControl(frozenset((":all:",)))


def assigned(requirements: Sequence[str] = ("foo",)) -> Assignment:
    return Assignment(parse_request(requirements), imagine_interpreter(), (URL,))


def project(assignment: Assignment, version: str = "2.29.4") -> dict[str, Any]:
    return tomllib.loads(PdmProject(assignment, Version(version)).render(Path("/empty")))


def untold(assignment: Assignment, version: str = "2.29.4") -> list[str]:
    return list(PdmProject(assignment, Version(version)).find_untold())


def test_requirements_stand_in_the_project_table_and_editable_trees_in_pdms_own() -> None:
    asked = ["bar[a]>=1,!=1.5; python_version > '3.8'", "baz @ file:///work/baz-1.0.tar.gz"]
    request = Request((*parse_request(asked).requirements, TREE))

    found = project(replace(assigned(), request=request))

    assert [parse_demand(each) for each in found["project"]["dependencies"]] == list(map(parse_demand, asked))
    assert found["project"]["requires-python"] == "==3.11.7"
    assert found["tool"]["pdm"]["dev-dependencies"] == {"editable": ["-e file:///work/tree#egg=foo"]}


def test_the_first_source_takes_the_place_of_pypi_and_folders_of_links_are_sources() -> None:
    configuration = PipConfiguration(cert="/bundle.pem")
    assignment = replace(assigned(), find_links=(LINKS,), configuration=configuration)

    first, second = project(assignment)["tool"]["pdm"]["source"]

    assert first == {
        "name": "pypi",
        "url": "https://index.example/simple/",
        "type": "index",
        "verify_ssl": True,
        "username": "user",
        "password": "secret",
        "ca_certs": "/bundle.pem",
    }
    assert (second["name"], second["url"], second["type"]) == (
        "source-1",
        "file:///work/links",
        "find_links",
    )


def test_without_any_source_an_empty_folder_stands_where_pypi_would() -> None:
    (source,) = project(replace(assigned(), indexes=()))["tool"]["pdm"]["source"]

    assert (source["name"], source["url"], source["type"]) == ("pypi", "file:///empty", "find_links")


def test_a_host_that_is_trusted_is_not_verified() -> None:
    configuration = PipConfiguration(trusted_hosts=("index.example",))

    (source,) = project(replace(assigned(), configuration=configuration))["tool"]["pdm"]["source"]

    assert source["verify_ssl"] is False


def test_what_concerns_the_resolution_stands_in_its_table() -> None:
    moment = datetime(2026, 11, 1, 12, tzinfo=UTC)
    assignment = replace(assigned(), controls=Controls(prereleases=EVERY), exclude_newer=moment)

    assert project(assignment)["tool"]["pdm"]["resolution"] == {
        "allow-prereleases": True,
        "exclude-newer": "2026-11-01T12:00:00Z",
    }
    assert not untold(assignment)
    assert "resolution" not in project(assigned())["tool"]["pdm"]


def test_kinds_of_files_are_variables_and_config_settings_options() -> None:
    wheels = NameControl(frozenset(("foo", "bar")), frozenset((":all:",)))
    demand = replace(parse_demand("foo"), config_settings=(("level", "1"), ("flag", "a=b")))
    assignment = replace(assigned(), request=Request((demand,)), controls=Controls(wheels, EVERY))

    told = PdmProject(assignment, Version("2.29.4"))

    assert told.variables() == {
        "PDM_NO_BINARY": ":all:",
        "PDM_ONLY_BINARY": "bar,foo",
        "PDM_PREFER_BINARY": ":all:",
    }
    assert told.settings == ("--config-setting=level=1", "--config-setting=flag=a=b")
    assert not untold(assignment)


def test_its_configuration_says_where_the_cache_is_and_whether_it_links() -> None:
    assert tomllib.loads(render_configuration(Path("/cache"), has_install_cache=True)) == {
        "cache_dir": "/cache",
        "check_update": False,
        "install": {"cache": True},
        "python": {"use_venv": True},
    }


@pytest.mark.parametrize(
    ("changes", "version", "reason"),
    [
        ({"build_constraints": (parse_constraint("bar<2"),)}, "2.29.4", "it knows no build constraints"),
        ({"indexes": (parse_url("file:///a/simple/", setting="x"),)}, "2.29.4", "no index in a folder"),
        (
            {"controls": Controls(prereleases=NameControl(frozenset(("foo",))))},
            "2.29.4",
            "no pre-releases of single projects",
        ),
        (
            {
                "request": Request(
                    (parse_demand("bar"), replace(parse_demand("foo"), config_settings=(("level", "1"),)))
                )
            },
            "2.29.4",
            "all builds the same config settings",
        ),
        (
            {"request": Request((replace(TREE, marker=Marker("python_version > '3'")),))},
            "2.29.4",
            "no marker of the editable tree",
        ),
        (
            {"request": Request((replace(parse_demand("foo"), config_settings=(("level", "1"),)),))},
            "2.12.4",
            "before 2.13 .* config settings",
        ),
        ({"exclude_newer": datetime(2026, 11, 1, tzinfo=UTC)}, "2.26.8", "before 2.26.9 .* uploads"),
        ({"controls": Controls(wheels_first=EVERY)}, "2.4.9", "before 2.5 .* a preference for wheels"),
        ({"controls": Controls(NameControl(frozenset(), frozenset(("foo",))))}, "1.15.5", "before 2.0 .* no"),
    ],
)
def test_what_a_version_cannot_be_told_is_said(changes: dict[str, Any], version: str, reason: str) -> None:
    (found,) = untold(replace(assigned(), **changes), version)

    assert re.search(reason, found)
