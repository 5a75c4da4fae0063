import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.workshop import Answer

# The itinerary is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Itinerary = Any

LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])
HERE = f"--wheeltag-python={sys.executable}"
FOO = "--wheeltag-require=foo"
MISSING = "--wheeltag-python=3.99"


def test_a_missing_interpreter_named_on_the_command_line_fails_and_the_others_are_judged(
    itinerary: Itinerary,
) -> None:
    itinerary.publish("foo")

    result = itinerary.run(FOO, MISSING, HERE, "-v")

    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "wheeltag::cpython3.99::foo FAILED*",
            f"wheeltag::{LABEL}::foo PASSED*",
            "foo on cpython3.99: no such interpreter on this machine (found: *): `3.99`",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_one_that_is_no_interpreter_is_told_why(itinerary: Itinerary, tmp_path: Path) -> None:
    (tmp_path / "python").write_text("no program", encoding="utf-8")

    result = itinerary.run(FOO, f"--wheeltag-python={tmp_path / 'python'}")

    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [f"foo on {tmp_path / 'python'}: this python cannot be used, *: `{tmp_path / 'python'}`"]
    )


def test_a_missing_interpreter_of_an_ini_value_is_skipped(itinerary: Itinerary) -> None:
    itinerary.publish("foo")
    itinerary.pytester.makeini(f"[pytest]\nwheeltag_check_pythons =\n  3.99\n  {sys.executable}\n")

    result = itinerary.run(FOO, "-rs")

    result.assert_outcomes(passed=2, skipped=2)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["SKIPPED * wheeltag:*missing-python: foo on cpython3.99: no such interpreter*"]
    )
    itinerary.run(FOO, "--wheeltag-missing-python=fail").assert_outcomes(passed=2, failed=1, skipped=1)
    itinerary.run(FOO, "--wheeltag-strict").assert_outcomes(passed=2, failed=1, skipped=1)


def test_nothing_but_missing_interpreters_is_never_green(itinerary: Itinerary) -> None:
    result = itinerary.run(FOO, MISSING, "--wheeltag-missing-python=skip")

    result.assert_outcomes(skipped=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["nothing was judged (1 skipped), which is not a pass"])
    assert not itinerary.index.requests


def test_where_no_requirement_holds_nothing_was_judged_and_that_is_told(itinerary: Itinerary) -> None:
    result = itinerary.run("--wheeltag-require=foo; python_version < '3'", HERE)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["nothing was judged (0 skipped), which is not a pass"])


def test_a_requirement_that_cannot_be_had_fails_its_environment_alone(itinerary: Itinerary) -> None:
    minor = sys.version_info[1]
    itinerary.publish("foo", requires=[f"absent; python_version < '3.{minor}'", "fine"])
    itinerary.publish("fine")
    itinerary.publish("bar", requires=["absent"])

    good = itinerary.run(FOO, HERE)
    bad = itinerary.run(
        FOO, "--wheeltag-require=bar>=1", HERE, MISSING, "--wheeltag-missing-python=skip", "-v"
    )

    good.assert_outcomes(passed=2)
    bad.assert_outcomes(failed=2, skipped=4)
    assert bad.ret == pytest.ExitCode.TESTS_FAILED
    bad.stdout.fnmatch_lines(
        [
            f"foo on {LABEL}: wheeltag cannot install foo, bar>=1 on {LABEL}: cannot be resolved for {LABEL}, *`absent`"
        ]
    )
    bad.stdout.no_fnmatch_line("*Traceback*")


def test_an_index_that_refuses_is_told_in_one_line(itinerary: Itinerary) -> None:
    itinerary.index.answer("foo", Answer.of_status(403))

    result = itinerary.run(FOO, HERE)

    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [f"foo on {LABEL}: wheeltag cannot install foo on {LABEL}: *403*: `{itinerary.index.url}foo/`"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_environments_go_with_the_session(itinerary: Itinerary) -> None:
    itinerary.publish("foo")

    result = itinerary.run(FOO, HERE, HERE, "--wheeltag-orders=both")

    result.assert_outcomes(passed=4)
    result.stdout.no_fnmatch_line("*kept*")
    assert not itinerary.environments()
    assert not list((itinerary.pytester.path.parent / "basetemp").rglob("course-*"))


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "workers"])
def test_one_whose_check_failed_is_kept_and_told(itinerary: Itinerary, workers: list[str]) -> None:
    itinerary.publish("foo")
    itinerary.pytester.makeconftest(
        """
        import pytest_wheeltag.subjects.wheeltag as ours
        provision = ours.WheeltagSubject.provision
        def damage(self, prefix, *others):
            account = provision(self, prefix, *others)
            if prefix.name.startswith("1-"):
                (next(prefix.glob("**/site-packages/foo/__init__.py"))).unlink()
            return account
        ours.WheeltagSubject.provision = damage
        def pytest_unconfigure():
            ours.WheeltagSubject.provision = provision
        """
    )

    result = itinerary.run(FOO, HERE, HERE, "--wheeltag-property=intact", *workers)

    result.assert_outcomes(passed=3, failed=1)
    (kept,) = itinerary.environments()
    assert kept.name == f"1-{LABEL}"
    result.stdout.fnmatch_lines(
        [
            (
                f"foo 1.0 on {LABEL}: not as RECORD lists it: expected a file, found none: `foo/__init__.py`; "
                f"installed first on {LABEL}, then on {LABEL}"
            ),
            f"kept, since a check failed: {kept}",
        ]
    )


def test_an_installer_that_says_yes_and_does_nothing_is_not_believed(
    itinerary: Itinerary, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if os.name != "posix":
        pytest.skip("the stand-in for pip is a shell script")
    pip = tmp_path / "path" / "pip"
    pip.parent.mkdir()
    pip.write_text("#!/bin/sh\necho 'pip 99.0 from nowhere (python 3)'\n", encoding="utf-8")
    pip.chmod(0o755)
    monkeypatch.setenv("PATH", f"{pip.parent}{os.pathsep}{os.environ['PATH']}")

    result = itinerary.run(FOO, HERE, "--wheeltag-installer=pip")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            f"foo on {LABEL}: the installer reports success, and it is not there",
            f"{LABEL}: 1 uninstallable (by pip 99.0)",
        ]
    )


def test_a_doubtful_wheel_is_refused_where_that_is_asked(itinerary: Itinerary) -> None:
    itinerary.publish("foo", wheel_tags=["py2.py3-none-any"])

    itinerary.run(FOO, HERE).assert_outcomes(passed=2)
    result = itinerary.run(FOO, HERE, "--wheeltag-strict-wheels")

    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [f"foo on {LABEL}: wheeltag cannot install foo on {LABEL}: foo-1.0-py3-none-any.whl is refused*"]
    )


def test_a_report_that_cannot_be_written_is_one_line_and_not_green(
    itinerary: Itinerary, tmp_path: Path
) -> None:
    itinerary.publish("foo")
    path = tmp_path / "reports" / "report.json"
    # Somebody is faster: a file is now where the folder shall be.
    itinerary.pytester.makeconftest(
        f"""
        import pathlib
        def pytest_collection_finish():
            pathlib.Path({str(path.parent)!r}).touch()
        """
    )

    result = itinerary.run(FOO, HERE, f"--wheeltag-json={path}")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"report: it cannot be written, *: `{path}`"])
    result.stderr.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            [HERE],
            f"--wheeltag-python: expected something to install in it, see `--wheeltag-require`, found: `{sys.executable}`",
        ),
        ([FOO, "--wheeltag-python=x3"], "--wheeltag-python: expected an interpreter like *found: `x3`"),
        ([FOO, "--wheeltag-installer=conda"], "--wheeltag-installer: expected an installer, *found: `conda`"),
        (
            [FOO, "--wheeltag-property=opaque"],
            "--wheeltag-property: expected `best` or `transparent` or `faithful` or `agreeing` or `intact`, found: `opaque`",
        ),
        (
            [
                FOO,
                "--wheeltag-orders=all",
                *[HERE, MISSING, "--wheeltag-python=3.98"],
                "--wheeltag-python=3.97",
                "--wheeltag-python=3.96",
            ],
            "--wheeltag-orders: expected `both` for more than 4 interpreters, found: `all`",
        ),
        (
            ["--wheeltag-require=foo bar"],
            "--wheeltag-require: expected a requirement by name, *found: `foo bar`",
        ),
        (
            ["--wheeltag-require=./foo-1.0-py3-none-any.whl"],
            "--wheeltag-require: expected a path where there is a wheel*",
        ),
        (
            ["--wheeltag-require=foo; os_name ~= 'posix'", HERE],
            "--wheeltag-require: expected a marker that can be decided, *",
        ),
        (
            ["--wheeltag-requirements=absent.txt"],
            "--wheeltag-requirements: expected a file that can be read *absent.txt`",
        ),
        (
            ["--wheeltag-requirements=~no-such-user/x.txt"],
            "--wheeltag-requirements: expected a path in a home folder that there is, found: `~no-such-user/x.txt`",
        ),
        (
            ["--wheeltag-requirements=wanted.txt"],
            "*wanted.txt:2: expected a file that can be read *found: `more.txt`",
        ),
        (
            [FOO, "--wheeltag-constraint=bounds.txt"],
            "*bounds.txt:1: expected a requirement by name without extras, *found: `bar[[]x]`",
        ),
        (
            [FOO, "--wheeltag-json=wanted.txt/x.json"],
            "--wheeltag-json: expected a file that can be written, found: *",
        ),
        (
            [FOO, "--wheeltag-cache-dir=wanted.txt"],
            "cache folder: expected a folder that can be made and written to *wanted.txt`",
        ),
        (
            [FOO, HERE, f"wheeltag::{LABEL}::fo"],
            f"no check has this id, the nearest is `wheeltag::{LABEL}::foo`: `wheeltag::{LABEL}::fo`",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_4(
    itinerary: Itinerary, arguments: list[str], line: str
) -> None:
    (itinerary.pytester.path / "wanted.txt").write_text("foo\n-r more.txt\n", encoding="utf-8")
    (itinerary.pytester.path / "bounds.txt").write_text("bar[x]\n", encoding="utf-8")

    result = itinerary.run(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {line}"])
    assert len([each for each in result.errlines if each]) == 1
    assert not itinerary.environments()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("wheeltag_orders = some", "wheeltag_orders: expected `given` or `both` or `all`, found: `some`"),
        (
            "wheeltag_missing_python = pass",
            "wheeltag_missing_python: expected `skip` or `fail`, found: `pass`",
        ),
        ("wheeltag_link_mode = weld", "wheeltag_link_mode: expected *`copy`, found: `weld`"),
        ("wheeltag_installer = conda", "wheeltag_installer: expected an installer, *found: `conda`"),
        ("wheeltag_properties = good", "wheeltag_properties: expected `best` or *`intact`, found: `good`"),
        (
            "wheeltag_properties = faithful",
            (
                "wheeltag_properties: expected `best` or `intact` of environments that are there already; for the others "
                "add `--wheeltag-require` and leave out `--wheeltag-env`, found: `faithful`"
            ),
        ),
        (
            "wheeltag_max_rounds = many",
            "wheeltag_max_rounds: expected a whole number*many*",
        ),
        (
            "wheeltag_deadline_seconds = 0",
            "wheeltag_deadline_seconds: expected a whole number from 1 upwards, found: `0`",
        ),
        (
            "wheeltag_max_unpacked = 1.5",
            "wheeltag_max_unpacked: expected a whole number*1.5*",
        ),
        ("wheeltag_requires = foo==", "wheeltag_requires: expected a requirement by name, *found: `foo==`"),
    ],
)
def test_a_mistaken_ini_value_is_one_line_and_exit_status_4(
    itinerary: Itinerary, line: str, message: str
) -> None:
    itinerary.pytester.makeini(f"[pytest]\n{line}\n")

    result = itinerary.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_bounds_are_settings(itinerary: Itinerary) -> None:
    itinerary.publish("foo", files={"foo.txt": "x" * 3000})
    itinerary.pytester.makeini("[pytest]\nwheeltag_max_unpacked = 2000\n")

    result = itinerary.run(FOO, HERE)

    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines([f"foo on {LABEL}: *foo-1.0-py3-none-any.whl is refused*2000*"])
