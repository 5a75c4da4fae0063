import os
import sys
import time
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.invocation import Invocation
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.errors import InapplicableError, UninstallableError
from pytest_wheeltag.subjects.attempt import Attempt, Terms, invoke, last_word
from pytest_wheeltag.subjects.seclusion import Seclusion, seclude

SECLUSION = Seclusion({"PATH": os.defpath, "TOLD": "it"}, ("secret",))


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def attempt(running_interpreter: Interpreter) -> Attempt:
    return Attempt(InstallerName("imagined", "1.0"), running_interpreter, parse_request(["foo<2"]), SECLUSION)


def test_both_streams_are_kept_and_nothing_is_seen_but_what_was_told(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(os.environ.get('HOME'), os.environ['TOLD'], os.getcwd(), flush=True);"
        "print(sys.stdin.read(), 'error', file=sys.stderr); sys.exit(3)"
    )

    invocation = invoke(python(code), SECLUSION, Terms(tmp_path))

    assert invocation.output.split() == ["None", "it", str(tmp_path), "error"]
    assert invocation.status == 3
    assert invocation.command == tuple(python(code))


def test_secrets_are_in_neither_command_nor_output() -> None:
    invocation = invoke([*python("import sys; print(sys.argv)"), "secret", "--config-setting=a=b"], SECLUSION)

    assert "secret" not in repr(invocation)
    assert invocation.command[-2:] == ("****", "--config-setting=a=****")


def test_what_a_command_leaves_among_temporary_files_is_gone_afterwards(tmp_path: Path) -> None:
    code = "import tempfile; folder = tempfile.mkdtemp(); open(folder + '/left', 'w').close(); print(folder)"

    left = Path(invoke(python(code), seclude(os.environ, tmp_path)).output.strip())

    assert left.is_relative_to(tmp_path)
    assert not left.exists()
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]


def test_of_much_output_the_end_is_kept() -> None:
    invocation = invoke(python("print('x' * 10_000_000 + 'end')"), SECLUSION)

    assert invocation.status == 0
    assert invocation.output.endswith("xend\n")
    assert invocation.output.startswith("…\nxxx")
    assert len(invocation.output) < 100_000


def test_who_listens_hears_every_line_of_much_output() -> None:
    heard: list[str] = []

    invoke(python("for n in range(100_000): print('line', n)"), SECLUSION, Terms(hear=heard.append))

    assert heard == [f"line {n}" for n in range(100_000)]


@pytest.mark.parametrize("command", ["/no/such/program", "nul\0"])
def test_what_cannot_be_started_has_failed(command: str) -> None:
    invocation = invoke([command], SECLUSION)

    assert invocation.status
    assert "it cannot be started" in invocation.output


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_what_is_not_done_in_time_ends_with_all_that_it_started(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    child = f"import time, pathlib; time.sleep(3); pathlib.Path({str(alive)!r}).touch()"
    code = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    )
    started = time.monotonic()

    invocation = invoke(python(code), SECLUSION, Terms(seconds=1))

    assert invocation.status
    assert last_word(invocation) == "error: it was not done after 1 seconds"
    assert time.monotonic() - started < 30
    time.sleep(3)
    assert not alive.exists()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_child_that_is_left_behind_does_not_keep_us(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print('done')"
    started = time.monotonic()

    assert invoke(python(code), SECLUSION, Terms(tmp_path)).output == "done\n"
    assert time.monotonic() - started < 30


def test_each_command_is_kept_and_the_first_that_fails_ends_the_attempt(attempt: Attempt) -> None:
    attempt.run(*python("print('one')"))
    assert attempt.ask(*python("raise SystemExit(1)")).status == 1

    with pytest.raises(UninstallableError) as caught:
        attempt.run(*python("print('ERROR: no such thing'); raise SystemExit(2)"))

    label = attempt.fail("").interpreter
    assert str(caught.value) == f"imagined 1.0 cannot install foo<2 on {label}: ERROR: no such thing"
    assert caught.value.invocations == attempt.invocations
    assert [each.status for each in attempt.invocations] == [0, 1, 2]


def test_what_an_installer_cannot_be_told_is_an_error_of_its_own(attempt: Attempt) -> None:
    error = attempt.refuse("it knows no hashes")

    assert isinstance(error, InapplicableError)
    assert str(error).endswith(": it knows no hashes")


@pytest.mark.parametrize(
    ("output", "word"),
    [
        ("Looking\nERROR: one\nmore\nERROR: two\n", "ERROR: one; ERROR: two"),
        (
            "Resolved\n  \N{MULTIPLICATION SIGN} No solution found:\n  ╰─▶ Because foo is not there\n      it ends.\n",
            "No solution found:; Because foo is not there; it ends.",
        ),
        ("Using CPython\nerror: Failed\n  Caused by: reason\n", "error: Failed; Caused by: reason"),
        ("a\nb\n", "a; b"),
        ("a\x1b[31mb\n", "a\\x1b[31mb"),
        ("", "exit status 4"),
    ],
)
def test_the_last_word_is_the_error_with_its_causes(output: str, word: str) -> None:
    assert last_word(Invocation((), output, 4)) == word
