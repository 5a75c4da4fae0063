import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.core.invocation import Invocation
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.scenario import Claim, Class, Scenario
from pytest_wheeltag.core.scenarioresult import ConformanceReport, ScenarioResult
from pytest_wheeltag.core.verdict import Outcome
from pytest_wheeltag.reports.conformance import conformance_to_json, render_conformance

Try = Callable[..., tuple[int, str, str]]
OURS, OTHER = InstallerName("wheeltag", "1.0"), InstallerName("other", "2.0")


def scenario(identifier: str, class_: Class, claim: Claim = Claim.TRANSPARENT) -> Scenario:
    return Scenario(identifier, f"The title of {identifier}", class_, claim, "a rule", ("one",), {}, ())


INVOCATION = Invocation(("other", "install"), "no", 1)
REPORT = ConformanceReport(
    (
        ScenarioResult(OURS, scenario("order-b", Class.ORDER), ("cpython3.11",), Outcome.PASSED),
        ScenarioResult(
            OURS, scenario("built-a", Class.BUILT), ("cpython3.10", "cpython3.11"), Outcome.PASSED
        ),
        ScenarioResult(
            OTHER,
            scenario("order-b", Class.ORDER),
            ("cpython3.11",),
            Outcome.FAILED,
            "wrong",
            False,
            (INVOCATION,),
        ),
        ScenarioResult(OTHER, scenario("order-a", Class.ORDER), ("cpython3.11",), Outcome.PASSED),
        ScenarioResult(
            OTHER, scenario("links-a", Class.LINKS, Claim.INTACT), (), Outcome.SKIPPED, "needs more"
        ),
    )
)


def test_installers_stand_side_by_side_and_failures_say_what_they_guard() -> None:
    assert list(render_conformance(REPORT)) == [
        "FAILED other 2.0: order-b[cpython3.11]: The title of order-b",
        "    wrong",
        "    guards: a rule",
        "class  property     wheeltag 1.0  other 2.0",
        "built  transparent  1 passed      -",
        "links  intact       -             1 skipped",
        "order  transparent  1 passed      1 passed, 1 FAILED",
        "3 passed, 1 failed, 1 skipped in the scenarios of wheeltag 1.0, other 2.0",
    ]
    verbose = list(render_conformance(REPORT, is_verbose=True))
    assert "PASSED wheeltag 1.0: built-a[cpython3.10-cpython3.11]: The title of built-a" in verbose
    assert verbose[verbose.index("FAILED other 2.0: order-b[cpython3.11]: The title of order-b") + 3] == (
        "    $ other install"
    )
    assert verbose[verbose.index("SKIPPED other 2.0: links-a: The title of links-a") + 1] == "    needs more"


def test_json_has_every_result_by_installer_and_id() -> None:
    first, second = conformance_to_json(REPORT)["installers"]

    assert [each["id"] for each in second["scenarios"]] == ["links-a", "order-a", "order-b"]
    assert (first["name"], first["version"], first["scenarios"][0]["interpreters"]) == (
        "wheeltag",
        "1.0",
        ["cpython3.10", "cpython3.11"],
    )
    assert second["scenarios"][2] == {
        "id": "order-b",
        "title": "The title of order-b",
        "class": "order",
        "property": "transparent",
        "guards": "a rule",
        "interpreters": ["cpython3.11"],
        "outcome": "failed",
        "message": "wrong",
        "fails_with_empty_cache": False,
        "verdict": "opaque",
        "accepted": False,
        "commands": [{"command": ["other", "install"], "status": 1, "output": "no"}],
    }


def test_the_command_plays_what_is_chosen(attempt: Try) -> None:
    status, out, err = attempt("conformance", "--class=hashes", "--scenario=hashes-index-other")

    assert status == 0, err
    assert "hashes  faithful  2 passed" in out or "hashes  faithful  1 passed" in out
    assert "wheeltag: wheeltag" in err

    status, out, _ = attempt("conformance", "--scenario=later-version", "--json")
    (installer,) = json.loads(out)["installers"]
    assert (status, installer["name"]) == (0, "wheeltag")
    assert {each["outcome"] for each in installer["scenarios"]} == {"passed"}


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--class=chaos", "--class: expected one of built, choice, content"),
        ("--scenario=order-pyxy-upward", "the nearest is `order-pyxy-upwards`"),
        ("--installer=npm", "--installer: expected an installer, one of"),
        ("--python=snake", "--python: expected"),
    ],
)
def test_what_there_is_not_is_a_usage_error(argument: str, message: str, attempt: Try) -> None:
    status, _, err = attempt("conformance", argument)
    assert (status, err.count("\n")) == (2, 1)
    assert message in err


@pytest.mark.parametrize("scenario", ["order-pyxy-upwards", "hashes-cached-other", "locks-hash-other"])
def test_of_an_installer_that_is_not_there_nothing_is_said(
    scenario: str, attempt: Try, tmp_path: Path
) -> None:
    """Not even where a refusal is what is expected."""
    nowhere = ["--no-index", f"--find-links={tmp_path}"]
    status, out, err = attempt("conformance", "--installer=pip==99", f"--scenario={scenario}", *nowhere)

    assert (status, out) == (1, "")
    assert err.splitlines()[-1].startswith("wheeltag: wheeltag cannot install pip==99 on ")


def test_too_few_interpreters_judge_nothing(attempt: Try) -> None:
    status, out, _ = attempt(
        "conformance", "--scenario=order-pyxy-upwards", f"--python={sys.executable}", "--verbose"
    )

    assert status == 3
    assert "needs 2 interpreters of one implementation, each of another version" in out


OWN = """
title = "Mine"
class = "order"
property = "best"
guards = "a rule"
roles = ["one"]
artefacts.wheel.wheel = "foo-1.0-py3-none-any.whl"
steps = [{ publish = ["wheel"] }, { install = "foo", on = "one", expect.foo = "wheel" }]
"""


def test_scenarios_of_ones_own_are_played(attempt: Try, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(OWN, encoding="utf-8")

    status, out, err = attempt("conformance", "--scenario-file=mine.toml", "--verbose")

    assert status == 0, err
    assert "wheeltag: wheeltag" in err
    assert ": 1 scenarios" in err
    assert "mine[" in out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            None,
            "--scenario-file: expected a scenario in TOML (No such file or directory), found: `mine.toml`",
        ),
        ("\udcff", "--scenario-file: expected a scenario in TOML (it is no UTF-8), found: `mine.toml`"),
        (OWN.replace("title", "titel"), "mine: expected"),
    ],
)
def test_what_is_no_scenario_is_a_usage_error(
    text: str | None, message: str, attempt: Try, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8", errors="surrogateescape")
    status, _, err = attempt("conformance", "--scenario-file=mine.toml")
    assert (status, err.count("\n")) == (2, 1)
    assert message in err


def test_progress_is_told_on_a_terminal_alone(attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, err = attempt("conformance", "--scenario=later-version")
    assert "1 of 1" not in err

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    _, _, err = attempt("conformance", "--scenario=later-version")
    assert "1 of 1, 0 failed" in err
    assert err.endswith("\r\x1b[K")
