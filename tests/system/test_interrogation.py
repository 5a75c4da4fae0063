import os
import shlex
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.errors import InterpreterError
from pytest_wheeltag.system.interrogation import ProbeLimits, interrogate, probe_environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the interpreters here are shell scripts")

QUICK = ProbeLimits(seconds=0.6, output_bytes=1 << 16, grace_seconds=0.2)
PATIENT = ProbeLimits()
ANSWER = "printf '\\n=== pytest-wheeltag probe 1 ===\\n%s\\n'"

Writer = Callable[[str], str]


@pytest.fixture
def script(tmp_path: Path) -> Writer:
    def write(body: str) -> str:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return write


def problem_of(executable: str, limits: ProbeLimits = PATIENT) -> str:
    with pytest.raises(InterpreterError) as caught:
        interrogate(executable, {"PATH": os.environ["PATH"]}, limits)
    assert "\n" not in str(caught.value)
    assert "\0" not in str(caught.value)
    return caught.value.problem


def test_gives_what_the_probe_prints() -> None:
    answer = interrogate(sys.executable, os.environ, PATIENT)
    assert answer["version"].startswith("3.")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("echo garbage", "it printed something else than its facts and ended with status 0"),
        ("exit 3", "it printed nothing and ended with status 3"),
        ("exit 127", "it printed nothing and ended with status 127"),
        ("echo '{}'", "it printed something else than its facts and ended with status 0"),
        (f"{ANSWER} garbage", "its answer is no JSON"),
        (f"{ANSWER} '[]'", "its answer is no JSON object"),
        ("kill -9 $$", "it was ended by signal 9"),
        (
            "printf '=== pytest-wheeltag probe 1 ===\\n{}'",
            "it printed something else than its facts and ended with status 0",
        ),
    ],
)
def test_tells_why_something_is_no_interpreter(script: Writer, body: str, problem: str) -> None:
    assert problem_of(script(body)) == problem


def test_a_deep_answer_is_no_json(script: Writer) -> None:
    deep = script(f"{ANSWER} $(head -c 50000 /dev/zero | tr '\\0' '[')")
    assert problem_of(deep) == "its answer is no JSON"


def test_a_file_that_is_missing_a_link_to_nowhere_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")
    assert problem_of(str(tmp_path / "none")) == "there is none"
    assert problem_of(str(tmp_path / "link")) == "its link leads nowhere"
    assert problem_of(str(tmp_path)) == "expected a file, found a folder"
    assert problem_of("/dev/null") == "expected a file, found a device"
    assert problem_of(f"{tmp_path}\0") == "its path holds a NUL"


def test_a_file_that_may_not_be_executed(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\n")
    assert problem_of(str(tmp_path / "python")) == "it may not be executed"


@pytest.mark.parametrize(
    "content",
    [
        os.urandom(64).replace(b"#!", b"  "),
        b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf3\x00" + bytes(44),
        b"",
    ],
    ids=["random", "another machine's", "empty"],
)
def test_a_file_that_is_no_program(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "python"
    path.write_bytes(content)
    path.chmod(0o755)
    assert problem_of(str(path)) == "it is no program for this machine"


def test_a_script_without_its_interpreter(tmp_path: Path) -> None:
    path = tmp_path / "python"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    assert problem_of(str(path)) == "the interpreter or loader that it names does not exist"


def test_one_that_hangs_is_killed_with_its_children(
    script: Writer, tmp_path: Path, is_gone: Callable[[int], bool]
) -> None:
    children = tmp_path / "children"
    hanging = script(f"sleep 300 & echo $! > {children}; sleep 300")
    started = time.monotonic()
    assert problem_of(hanging, QUICK) == "it did not answer within 0.6 s"
    assert time.monotonic() - started < 5
    assert is_gone(int(children.read_text()))


def test_one_that_closes_its_output_and_hangs_is_killed(script: Writer) -> None:
    started = time.monotonic()
    assert problem_of(script("exec >&-; sleep 300"), QUICK) == "it closed its output without an answer"
    assert time.monotonic() - started < 5


def test_the_limit_is_ten_seconds_and_one_megabyte() -> None:
    assert ProbeLimits().seconds == 10
    assert ProbeLimits().output_bytes == 1 << 20


def test_one_that_prints_without_end_is_killed_at_the_limit(script: Writer) -> None:
    started = time.monotonic()
    assert problem_of(script("yes | head -c 300000000")) == "it printed more than 1048576 bytes"
    assert time.monotonic() - started < 5


def test_what_goes_to_standard_error_is_not_kept(script: Writer) -> None:
    noisy = script(f"yes | head -c 3000000 >&2; {ANSWER} '{{\"a\": 1}}'")
    assert interrogate(noisy, os.environ, PATIENT) == {"a": 1}


def test_a_banner_does_no_harm(script: Writer) -> None:
    real = shlex.quote(sys.executable)
    answer = interrogate(script(f'echo Welcome to Python {{}}; exec {real} "$@"'), os.environ, PATIENT)
    assert answer["facts"]["implementation"] == sys.implementation.name


def test_an_answer_counts_though_the_process_stays(script: Writer) -> None:
    staying = script(f"{ANSWER} '{{\"a\": 1}}'; sleep 300")
    started = time.monotonic()
    assert interrogate(staying, os.environ, ProbeLimits(grace_seconds=0.1)) == {"a": 1}
    assert time.monotonic() - started < 5


def test_a_child_that_holds_the_output_open_is_not_waited_for(script: Writer) -> None:
    started = time.monotonic()
    leaving = script("sleep 300 & exit 4")
    assert problem_of(leaving, ProbeLimits(grace_seconds=0.1)) == "it printed nothing and ended with status 4"
    assert time.monotonic() - started < 5


def test_nothing_is_read_from_our_standard_input(script: Writer) -> None:
    assert problem_of(script("cat; exit 5")) == "it printed nothing and ended with status 5"


def test_the_environment_is_an_allow_list() -> None:
    given = {
        "PATH": "/bin",
        "PYTHONHOME": "/nowhere",
        "PYTHONPATH": "/nowhere",
        "_PYTHON_HOST_PLATFORM": "linux-z80",
        "__PYVENV_LAUNCHER__": "/nowhere",
        "PIP_INDEX_URL": "https://user:secret@index.example/simple/",
        "SystemRoot": r"C:\Windows",
    }
    assert probe_environment(given) == {"PATH": "/bin", "SystemRoot": r"C:\Windows", "LC_ALL": "C.UTF-8"}


def test_variables_that_would_mislead_an_interpreter_do_not(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit(9)")
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    misleading = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONHOME": str(tmp_path)}
    misleading |= {"_PYTHON_HOST_PLATFORM": "linux-z80", "PYTHONSTARTUP": str(tmp_path / "json.py")}
    assert interrogate(sys.executable, misleading, PATIENT) == interrogate(
        sys.executable, os.environ, PATIENT
    )


def test_no_descriptor_stays_open(script: Writer) -> None:
    def open_pipes() -> int:
        modes = []
        for descriptor in range(256):
            try:
                modes.append(os.fstat(descriptor).st_mode)
            except OSError:
                continue
        return sum(map(stat.S_ISFIFO, modes))

    before = open_pipes()
    problem_of(script("exit 3"))
    problem_of("/dev/null")
    interrogate(sys.executable, os.environ, PATIENT)
    assert open_pipes() <= before
