"""Targets as items: interpreters that are not here, asked from outside."""

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

# The stage is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Stage = Any

LINUX = "cp312-manylinux_2_28_x86_64"


@pytest.fixture
def published(stage: Stage) -> Stage:
    """Publish foo, which has a file for every target, and bar, which it requires, for Windows alone."""
    stage.index.add(stage.make_wheel("foo", tag="py3-none-any", requires=["bar"]))
    stage.publish("bar", "cp312-cp312-win_amd64")
    return stage


def options(*targets: str) -> list[str]:
    return ["--wheeltag-require=foo", *(f"--wheeltag-target={each}" for each in targets)]


def test_each_target_has_an_item_per_requirement_and_one_for_the_dependencies(published: Stage) -> None:
    result = published.run(*options("cp312-win_amd64", LINUX), "-v")

    result.stdout.fnmatch_lines(
        [
            "*wheeltag::cp312-win_amd64::foo PASSED*",
            "*wheeltag::cp312-win_amd64::[[]dependencies[]] PASSED*",
            f"*wheeltag::{LINUX}::foo PASSED*",
            f"*wheeltag::{LINUX}::[[]dependencies[]] FAILED*",
            f"bar 1.0 on {LINUX}: no published file is compatible (the nearest miss is bar-1.0-cp312-*",
        ]
    )
    result.assert_outcomes(passed=3, failed=1)


def test_the_summary_is_a_table_of_what_is_covered(published: Stage) -> None:
    result = published.run(*options("cp312-win_amd64", LINUX))

    result.stdout.fnmatch_lines(
        [
            "                       cp312",
            "manylinux_2_28_x86_64  1 NONE",
            "win_amd64              ok",
            "no file: bar on manylinux_2_28_x86_64",
            "2 targets: 1 take wheels alone, 1 lack a file",
            "3 passed, 1 failed, 0 skipped in 2 environments",
        ]
    )


def test_the_json_report_holds_targets_and_the_table_and_keeps_its_schema(published: Stage) -> None:
    report = published.report(*options(LINUX))

    schema = json.loads(files("pytest_wheeltag.reports").joinpath("schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    (environment,) = report["environments"]
    assert (environment["id"], environment["kind"]) == (LINUX, "target")
    assert environment["interpreter"]["executable"] is None
    assert environment["interpreter"]["version"] == "3.12"
    assert environment["installer"] is None
    assert [(each["name"], each["verdict"]) for each in environment["distributions"]] == [
        ("bar", "uninstallable"),
        ("foo", "best"),
    ]
    assert report["coverage"]["targets"][0]["missing"] == ["bar"]


def test_a_report_without_targets_has_no_table(seed: Stage) -> None:
    assert "coverage" not in seed.report()


def test_what_is_accepted_passes(published: Stage) -> None:
    result = published.run(*options(LINUX), "--wheeltag-accept=bar:uninstallable")
    result.assert_outcomes(passed=2)


def test_a_printed_id_can_be_given_back(published: Stage) -> None:
    result = published.run(*options("cp312-*"), f"wheeltag::{LINUX}::foo")
    result.assert_outcomes(passed=1, deselected=31)


def test_targets_stand_beside_interpreters_that_are_here_and_are_asked_best_alone(stage: Stage) -> None:
    stage.publish("foo", "py3-none-any")
    stage.environment(("foo", "py3-none-any"))

    result = stage.run(*options(LINUX), "--wheeltag-property=best", "--wheeltag-property=intact", "-v")

    result.stdout.fnmatch_lines(["*[[]intact[]]::foo PASSED*", f"*wheeltag::{LINUX}::foo PASSED*"])
    result.assert_outcomes(passed=4)


def test_workers_ask_the_same(published: Stage) -> None:
    pytest.importorskip("xdist")
    result = published.run(*options("cp312-win*"), "-n2")
    result.stdout.fnmatch_lines(["3 targets: 1 take wheels alone, 2 lack a file"])


def test_ini_values_name_targets_too(published: Stage) -> None:
    published.pytester.makeini(f"[pytest]\nwheeltag_targets =\n    {LINUX}\nwheeltag_requires =\n    foo\n")
    published.run().assert_outcomes(passed=1, failed=1)


def test_a_lock_is_looked_up_without_an_index(stage: Stage) -> None:
    file = '{url = "https://files.example/bar-1-cp312-cp312-win_amd64.whl", hashes = {sha256 = "00"}}'
    package = f'{{name = "bar", version = "1", wheels = [{file}]}}'
    path = stage.pytester.path / "pylock.toml"
    path.write_text(f'lock-version = "1.0"\ncreated-by = "hand"\npackages = [{package}]\n', encoding="utf-8")

    result = stage.run(f"--wheeltag-lock={path}", "--wheeltag-target=cp312-win*")

    result.stdout.fnmatch_lines(["no file: bar on win32, win_arm64"])
    result.assert_outcomes(passed=1, failed=2)
    assert not stage.index.requests


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--wheeltag-target=cp312-win32"], "expected something that it would take"),
        (options("cp312-linux_x86_64"), "expected a portable platform, which tells its C library"),
        (options("cp312-win64"), "expected a platform that there can be"),
        (
            [*options("cp312-win32"), "--wheeltag-property=intact"],
            "`best`, which alone can be asked of targets",
        ),
    ],
)
def test_a_mistake_is_a_usage_error(stage: Stage, arguments: list[str], expected: str) -> None:
    result = stage.run_apart(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{expected}*"])
