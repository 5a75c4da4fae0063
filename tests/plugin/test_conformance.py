"""``--wheeltag-conformance`` from outside; scenarios of the tests' own, so that some fail."""

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_wheeltag.repertoire import load_scenarios

LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])
HERE = f"--wheeltag-python={sys.executable}"
SCENARIO = """
title = "The title of it"
class = "order"
property = "{property}"
guards = "a rule"
roles = ["one"]
artefacts.pure.wheel = "foo-1.0-py3-none-any.whl"
artefacts.other.wheel = "foo-1.0-py2.py3-none-any.whl"
steps = [
    {{ publish = ["pure"] }},
    {{ install = "foo", on = "one", expect.foo = "pure" }},
    {{ install = "foo", on = "one", expect.foo = "{expected}" }},
]
"""
TWO_ROLES = SCENARIO.replace('roles = ["one"]', 'roles = ["one", "two"]')


class Theatre:
    """Scenario files, and pytest run over them."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.paths: list[Path] = []

    def write(self, name: str, *, expected: str = "pure", asked: str = "best", text: str = SCENARIO) -> None:
        path = self.pytester.path / f"{name}.toml"
        path.write_text(text.format(property=asked, expected=expected), encoding="utf-8")
        self.paths.append(path)

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest("--wheeltag-only", *self.arguments, *arguments)

    @property
    def arguments(self) -> list[str]:
        scenarios = [f"--wheeltag-scenario-file={path}" for path in self.paths]
        return ["--wheeltag-conformance", HERE, *scenarios]

    def report(self, *arguments: str) -> dict[str, Any]:
        path = self.pytester.path / "report.json"
        self.run(f"--wheeltag-json={path}", *arguments)
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return loaded


@pytest.fixture
def theatre(pytester: pytest.Pytester) -> Theatre:
    return Theatre(pytester)


def test_every_scenario_is_an_item_and_collecting_asks_nobody(pytester: pytest.Pytester) -> None:
    nothing = "--wheeltag-index-url=http://127.0.0.1:9/simple/"
    result = pytester.runpytest("--wheeltag-conformance", "--collect-only", "-q", nothing, HERE)

    assert result.ret == pytest.ExitCode.OK
    single = [each for each in load_scenarios() if len(each.roles) == 1]
    ids = [line for line in result.outlines if line.startswith("wheeltag::")]
    assert len(ids) == len(load_scenarios())
    assert f"wheeltag::wheeltag::{single[0].identifier}[{LABEL}]" in ids
    assert "wheeltag::wheeltag::order-pyxy-upwards" in ids


def test_what_passes_is_told_by_class_and_property(theatre: Theatre) -> None:
    theatre.write("mine")

    result = theatre.run("--wheeltag-installer=wheeltag", "-m", "wheeltag")

    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            f"wheeltag: wheeltag: 1 scenarios on {LABEL}",
            "class  property  wheeltag *",
            "order  best      1 passed",
            "1 passed, 0 failed, 0 skipped in the scenarios of wheeltag *",
        ]
    )
    result.stdout.no_fnmatch_line("*in 0 environments*")


def test_a_failure_says_what_was_expected_and_what_it_guards(theatre: Theatre) -> None:
    theatre.write("mine", expected="other")

    result = theatre.run()

    result.assert_outcomes(failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            f"wheeltag * on mine[[]{LABEL}]: The title of it",
            f"installed on {LABEL}, after {LABEL}: `foo`: expected `other`, found `pure`; with an empty cache too",
            "guards: a rule",
            "order  best      1 FAILED",
        ]
    )


def test_json_and_junit_carry_the_results(theatre: Theatre) -> None:
    theatre.write("bad", expected="other")
    theatre.write("good", asked="transparent")
    junit = theatre.pytester.path / "junit.xml"

    report = theatre.report(f"--junitxml={junit}")

    schema = json.loads(files("pytest_wheeltag.reports").joinpath("schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    assert report["environments"] == []
    (installer,) = report["conformance"]["installers"]
    assert report["conformance"]["summary"] == {"passed": 1, "failed": 1, "skipped": 0}
    assert [(each["id"], each["outcome"], each["verdict"]) for each in installer["scenarios"]] == [
        ("bad", "failed", "inferior"),
        ("good", "passed", None),
    ]
    assert installer["scenarios"][0]["interpreters"] == [LABEL]
    assert installer["scenarios"][0]["fails_with_empty_cache"] is True
    text = junit.read_text(encoding="utf-8")
    assert text.count('name="wheeltag_conformance"') == 2
    assert "expected `other`, found `pure`" in text


def test_workers_collect_the_same_and_leave_nothing(theatre: Theatre) -> None:
    for number in range(4):
        theatre.write(f"mine-{number}", expected="other" if number == 0 else "pure")
    base = theatre.pytester.path / "temporary"

    result = theatre.run("-n", "2", f"--basetemp={base}")

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["3 passed, 1 failed, 0 skipped in the scenarios of wheeltag *"])
    assert not list(base.rglob("wheeltag"))


def test_equal_results_of_several_workers_count_once(theatre: Theatre) -> None:
    theatre.write("mine")
    report = theatre.report("-n", "2", "--dist", "each")
    assert report["conformance"]["summary"] == {"passed": 1, "failed": 0, "skipped": 0}


def test_a_printed_id_selects(theatre: Theatre) -> None:
    theatre.write("mine")
    theatre.write("other", expected="other")

    result = theatre.run(f"wheeltag::wheeltag::mine[{LABEL}]")
    result.assert_outcomes(passed=1, deselected=1)

    result = theatre.run("wheeltag::wheeltag::mime")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*the nearest is `wheeltag::wheeltag::mine[[]{LABEL}]`*"])


def test_what_is_asked_of_environments_chooses_no_interpreters_for_scenarios(theatre: Theatre) -> None:
    theatre.write("mine", text=TWO_ROLES)
    files = [each for each in theatre.arguments if each != HERE]

    def collected(*arguments: str) -> list[str]:
        result = theatre.pytester.runpytest(*files, "--collect-only", "-q", "--wheeltag-only", *arguments)
        return [line for line in result.outlines if line.startswith("wheeltag::wheeltag::")]

    asked = ["--wheeltag-require=foo", "--wheeltag-index-url=http://127.0.0.1:9/simple/"]
    assert collected(*asked) == collected() != []


def test_what_failed_last_runs_again_alone(theatre: Theatre) -> None:
    theatre.write("mine")
    theatre.write("other", expected="other")
    theatre.run().assert_outcomes(passed=1, failed=1)

    theatre.run("--lf").assert_outcomes(failed=1, deselected=1)


@pytest.mark.parametrize("entry", ["inferior", "mine:inferior", "mine: inferior: we know"])
def test_a_failure_may_be_accepted(entry: str, theatre: Theatre) -> None:
    theatre.write("mine", expected="other")

    result = theatre.run(f"--wheeltag-accept={entry}")

    result.assert_outcomes(passed=1)
    reason = " (accepted: we know)" if "know" in entry else " (accepted)"
    result.stdout.fnmatch_lines([f"wheeltag *: mine[[]{LABEL}]: *with an empty cache too{reason}"])


def test_another_accept_entry_accepts_nothing(theatre: Theatre) -> None:
    theatre.write("mine", expected="other")
    theatre.run("--wheeltag-accept=mine:opaque", "--wheeltag-accept=yours:inferior").assert_outcomes(failed=1)


def test_nothing_played_is_never_green(theatre: Theatre) -> None:
    theatre.write("mine", text=TWO_ROLES)

    result = theatre.run("-rs")

    result.assert_outcomes(skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "nothing was judged (1 skipped), which is not a pass",
            "*needs 2 interpreters of one implementation*",
        ]
    )


def test_strict_fails_what_is_skipped(theatre: Theatre) -> None:
    theatre.write("mine", text=TWO_ROLES)
    theatre.write("yours")
    theatre.run().assert_outcomes(skipped=1, passed=1)
    theatre.run("--wheeltag-strict").assert_outcomes(failed=1, passed=1)


@pytest.mark.parametrize(("policy", "outcome"), [("fail", "failed"), ("skip", "skipped")])
def test_an_interpreter_that_is_missing_is_an_item(policy: str, outcome: str, theatre: Theatre) -> None:
    theatre.write("mine")

    result = theatre.run("--wheeltag-python=3.99", f"--wheeltag-missing-python={policy}", "-v")

    result.assert_outcomes(**{"passed": 1, outcome: 1})
    result.stdout.fnmatch_lines([f"*wheeltag::wheeltag::[[]cpython3.99] {outcome.upper()}*"])


def test_environments_are_judged_beside_it(theatre: Theatre, stage: Any) -> None:  # noqa: ANN401 - a class of conftest.py
    theatre.write("mine")
    stage.publish("foo", "py3-none-any")
    stage.environment(("foo", "py3-none-any"))

    result = stage.run(*theatre.arguments[:1], *theatre.arguments[2:], f"--wheeltag-python={sys.executable}")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "1 passed, 0 failed, 0 skipped in 1 environment",
            "1 passed, 0 failed, 0 skipped in the scenarios of *",
        ]
    )


def test_ini_values_count_where_checks_are_asked_for(theatre: Theatre) -> None:
    theatre.write("mine")
    theatre.pytester.makeini(
        "[pytest]\nwheeltag_conformance = true\nwheeltag_scenario_files = mine.toml\n"
        f"wheeltag_check_pythons = {sys.executable}\n"
    )
    theatre.pytester.makepyfile("def test_nothing(): pass")

    theatre.pytester.runpytest().assert_outcomes(passed=1)
    theatre.pytester.runpytest("--wheeltag-check").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--wheeltag-check", "--wheeltag-scenario-file=mine.toml"], "`--wheeltag-conformance` beside it"),
        (
            ["--wheeltag-conformance", "--wheeltag-scenario-file=none.toml"],
            "--wheeltag-scenario-file: expected a scenario in TOML (No such",
        ),
        (["--wheeltag-conformance", "--wheeltag-scenario-file=odd.toml"], "odd: expected"),
        (
            ["--wheeltag-conformance", "--wheeltag-installer=npm"],
            "--wheeltag-installer: expected an installer",
        ),
    ],
)
def test_mistakes_are_usage_errors(arguments: list[str], message: str, theatre: Theatre) -> None:
    (theatre.pytester.path / "mine.toml").write_text("", encoding="utf-8")
    (theatre.pytester.path / "odd.toml").write_text("color = 'red'", encoding="utf-8")

    result = theatre.pytester.runpytest(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
