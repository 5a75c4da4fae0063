from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.references import parse_reference
from pytest_wheeltag.core.requirements import (
    Request,
    UnnamedDemand,
    parse_constraint,
    parse_demand,
    parse_request,
)
from pytest_wheeltag.subjects.assignment import Assignment, assign, render_requirement
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex
from pytest_wheeltag.workshop.imagined import imagine_interpreter

DIGEST = "0" * 64
FOLDER = "file:///work/foo-1.0"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (parse_request(["foo"], ["bar<2"]), "it knows no constraints"),
        (replace(parse_request(["foo"]), hash_rule=HashRule.REQUIRED), "the hashes of files"),
        (
            parse_request([f"foo @ https://index.example/foo-1.0.tar.gz#sha256={DIGEST}"]),
            "it does not check the hash in the address of foo @ https://index.example/foo-1.0.tar.gz",
        ),
        (parse_request(["foo===1.0"]), "it knows no arbitrary equality, as in foo===1.0"),
    ],
)
def test_what_no_project_can_hold_is_said_and_not_dropped(request_: Request, reason: str) -> None:
    found = list(Assignment(request_, imagine_interpreter()).find_untold())

    assert len(found) == 1
    assert reason in found[0]


def test_what_a_project_can_hold_leaves_nothing_unsaid() -> None:
    request = parse_request(["foo[a,b]>=1,!=1.5; python_version > '3.8'", f"bar @ {FOLDER}"])

    assert not list(Assignment(request, imagine_interpreter()).find_untold())


@pytest.mark.parametrize(
    "text",
    [
        "foo",
        "foo==1.0",
        "foo[a,b]!=1.5,>=1",
        'foo<2; python_version < "3.12"',
        f"foo @ {FOLDER}",
        'foo[a]@ https://index.example/foo-1.0.tar.gz#subdirectory=part ; sys_platform == "linux"',
    ],
)
def test_a_requirement_is_written_as_it_was_asked_for(text: str) -> None:
    written = parse_demand(render_requirement(parse_demand(text)))

    assert written == parse_demand(text)


def test_what_lies_at_a_path_is_named_after_its_file() -> None:
    demand = UnnamedDemand(parse_reference("file:///work/Foo_Bar-1.0.tar.gz", "here"), "here")

    assert render_requirement(demand) == "foo-bar @ file:///work/Foo_Bar-1.0.tar.gz"


def test_an_assignment_holds_all_that_a_place_says(
    place: Workplace, index: LocalIndex, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    sources = replace(place.sources, find_links=(str(tmp_path),))
    controls = Controls(NameControl(frozenset(("foo",)), frozenset(("bar",))))
    bounds = (parse_constraint("setuptools<80"),)
    options = replace(place.options, controls=controls, build_constraints=bounds)
    request = parse_request(["foo"])

    found = assign(replace(place, sources=sources, options=options), running_interpreter, request)

    assert [url.secret for url in found.indexes] == [index.url.rstrip("/") + "/"]
    assert [url.target for url in found.find_links] == [tmp_path.as_uri()]
    assert (found.controls, found.build_constraints, found.request) == (controls, bounds, request)


def test_offline_only_what_lies_on_this_disk_is_told(
    place: Workplace, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    sources = replace(place.sources, find_links=(str(tmp_path),), is_offline=True)

    found = assign(replace(place, sources=sources), running_interpreter, parse_request(["foo"]))

    assert not found.indexes
    assert len(found.find_links) == 1
