import json
import sys
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

# The stage is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Stage = Any

LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])
INFERIOR = f"wheeltag::{LABEL}::inferior"
FINE = f"wheeltag::{LABEL}::fine"


def test_an_inferior_wheel_fails_with_the_sentence_that_names_the_better_file(seed: Stage) -> None:
    result = seed.run("-v")

    minor = sys.version_info[1]
    result.assert_outcomes(passed=1, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            f"{INFERIOR} FAILED*",
            (
                f"inferior 1.0 on {LABEL}: installed `py3{minor - 1}-none-any`, better published "
                f"`py3{minor}-none-any` (rank * against * of *) in `inferior-1.0-py3{minor}-none-any.whl`"
            ),
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_everything_best_is_green(stage: Stage) -> None:
    stage.publish("fine", "py3-none-any")
    stage.environment(("fine", "py3-none-any"))

    result = stage.run()

    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            f"wheeltag: {LABEL} (1 distributions)",
            f"{LABEL}: 1 best (*",
            "1 passed, 0 failed, 0 skipped in 1 environment",
        ]
    )


def test_the_checks_stand_beside_the_tests(seed: Stage) -> None:
    seed.pytester.makepyfile("def test_own(): pass")

    result = seed.pytester.runpytest(*seed.arguments)

    result.assert_outcomes(passed=2, failed=1)


def test_only_imports_no_test_module(seed: Stage) -> None:
    seed.pytester.makepyfile("raise RuntimeError('imported')")

    seed.run().assert_outcomes(passed=1, failed=1)


@pytest.mark.parametrize(
    ("arguments", "outcomes"),
    [
        (["-k", "fine"], {"passed": 1, "deselected": 1}),
        (["-m", "wheeltag"], {"passed": 1, "failed": 1}),
        (["-m", "not wheeltag"], {"deselected": 2}),
        (["-x"], {"passed": 1, "failed": 1}),
        ([FINE], {"passed": 1, "deselected": 1}),
        ([INFERIOR], {"failed": 1, "deselected": 1}),
        ([f"wheeltag::{LABEL}"], {"passed": 1, "failed": 1}),
        (["wheeltag"], {"passed": 1, "failed": 1}),
        (["-n", "2"], {"passed": 1, "failed": 1}),
        (["--dist", "each", "--tx", "2*popen"], {"passed": 2, "failed": 2}),
        (["-p", "no:terminal"], {}),
    ],
)
def test_pytests_own_options_work(seed: Stage, arguments: list[str], outcomes: dict[str, int]) -> None:
    result = seed.run(*arguments)

    if outcomes:
        result.assert_outcomes(**outcomes)


def test_a_printed_id_given_back_needs_no_only(seed: Stage) -> None:
    seed.pytester.makepyfile("raise RuntimeError('imported')")

    result = seed.pytester.runpytest(*seed.arguments, FINE)

    result.assert_outcomes(passed=1, deselected=1)
    assert result.ret == pytest.ExitCode.OK


def test_a_printed_id_beside_a_test_file(seed: Stage) -> None:
    path = seed.pytester.makepyfile("def test_own(): pass")

    seed.pytester.runpytest(*seed.arguments, path, FINE).assert_outcomes(passed=2, deselected=1)


def test_a_mistaken_id_names_the_nearest(seed: Stage) -> None:
    result = seed.run(f"wheeltag::{LABEL}::fin")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *the nearest is `{FINE}`: `wheeltag::{LABEL}::fin`"])


def test_what_failed_last_runs_again_alone(seed: Stage) -> None:
    seed.run()

    result = seed.run("--lf")

    result.assert_outcomes(failed=1, deselected=1)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "workers"])
def test_what_failed_last_runs_again_alone_where_ids_have_brackets(
    seed: Stage, workers: tuple[str, ...]
) -> None:
    asked = ["--wheeltag-property=best", "--wheeltag-property=intact"]
    # Workers' reports come over a wire, on which pytest writes ids anew.
    run = seed.run_apart if workers else seed.run
    run(*asked, *workers).assert_outcomes(passed=3, failed=1)

    seed.run(*asked, "--lf").assert_outcomes(failed=1, deselected=3)


def test_collecting_asks_no_index(seed: Stage) -> None:
    result = seed.run("--collect-only", "-q")

    result.stdout.fnmatch_lines([FINE, INFERIOR])
    assert result.ret == pytest.ExitCode.OK
    assert not seed.index.requests


def test_only_selected_distributions_are_asked_about(seed: Stage) -> None:
    seed.run(FINE)

    assert [request.path for request in seed.index.requests] == ["/simple/fine/"]


def test_workers_share_one_snapshot(seed: Stage) -> None:
    seed.run_apart("-n", "2")

    assert seed.index.count("fine") <= 2
    assert seed.index.count("inferior") <= 2


def test_junit_carries_message_and_finding(seed: Stage) -> None:
    path = seed.pytester.path / "junit.xml"

    seed.run(f"--junitxml={path}")

    text = path.read_text(encoding="utf-8")
    assert f'classname="wheeltag.{LABEL}" name="inferior"' in text
    assert "better published" in text
    assert "&quot;kind&quot;: &quot;inferior&quot;" in text


def test_the_json_report_says_the_same_and_keeps_its_schema(seed: Stage) -> None:
    report = seed.report()

    schema = json.loads(files("pytest_wheeltag.reports").joinpath("schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    assert report["summary"] == {"passed": 1, "failed": 1, "skipped": 0}
    (environment,) = report["environments"]
    assert (environment["id"], environment["kind"]) == (LABEL, "audited")
    assert environment["installer"] is None
    assert environment["order"] is None
    fine, inferior = environment["distributions"]
    minor = sys.version_info[1]
    assert (fine["name"], fine["verdict"], fine["outcome"]) == ("fine", "best", "passed")
    assert (inferior["verdict"], inferior["outcome"], inferior["accepted"]) == ("inferior", "failed", False)
    assert inferior["installed"]["tags"] == [f"py3{minor - 1}-none-any"]
    assert inferior["best"]["filename"] == f"inferior-1.0-py3{minor}-none-any.whl"
    assert inferior["best"]["rank"] < inferior["installed"]["rank"] <= environment["interpreter"]["tags"]


def test_the_same_run_gives_the_same_bytes_with_and_without_workers(seed: Stage) -> None:
    paths = [seed.pytester.path / name for name in ("one.json", "two.json", "three.json")]

    seed.run(f"--wheeltag-json={paths[0]}")
    seed.run(f"--wheeltag-json={paths[1]}", "-n", "2")
    seed.run(f"--wheeltag-json={paths[2]}", "--dist", "each", "--tx", "2*popen")

    assert len({path.read_bytes() for path in paths}) == 1


def test_several_environments_are_told_apart_and_shown_as_a_table(seed: Stage) -> None:
    seed.environment(("fine", "py3-none-any"))

    result = seed.run("-v")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            f"wheeltag::{LABEL}@2::fine PASSED*",
            f"*{LABEL}  {LABEL}@2",
            "fine *best *best",
            "inferior *INFERIOR *-",
        ]
    )


def test_an_accepted_finding_passes_and_is_shown_with_its_reason(seed: Stage) -> None:
    seed.pytester.makeini("[pytest]\nwheeltag_accept = Inferior: inferior: the mirror lacks the other\n")

    result = seed.run()

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*inferior 1.0 on*(accepted: the mirror lacks the other)"])
    assert seed.report()["environments"][0]["distributions"][1]["accepted"] is True


def test_nothing_judged_is_never_green(stage: Stage) -> None:
    stage.environment(("private", "py3-none-any"))

    result = stage.run("-rs")

    result.assert_outcomes(skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "nothing was judged (1 skipped), which is not a pass",
            "SKIPPED * wheeltag:*unlisted: private 1.0 on*: no index knows this version*",
        ]
    )


def test_an_empty_environment_is_not_green(stage: Stage) -> None:
    stage.environment()

    result = stage.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["nothing was judged*"])


def test_strict_fails_what_would_be_skipped(stage: Stage) -> None:
    stage.environment(("private", "py3-none-any"))

    stage.run("--wheeltag-strict").assert_outcomes(failed=1)


def test_warnings_are_lines_and_never_raised(stage: Stage) -> None:
    stage.publish("odd", "py2.py3-none-any")
    stage.environment(("odd", "py3-none-any"))

    result = stage.run("-W", "error")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["warning: odd 1.0*WHEEL says `py3-none-any`*odd-1.0-py2.py3-none-any.whl*"])


def test_a_distribution_that_goes_meanwhile_is_a_finding(seed: Stage) -> None:
    seed.pytester.makeconftest(
        f"""
        import shutil
        def pytest_collection_finish(session):
            shutil.rmtree({str(seed.environments[0].site_packages / "fine-1.0.dist-info")!r})
        """
    )

    result = seed.run()

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["fine on*: it was there when the checks were collected and is gone now"])
