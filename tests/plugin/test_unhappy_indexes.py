from typing import Any

import pytest

from pytest_wheeltag.workshop import Answer

# The stage is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Stage = Any

PAGE = b'{"meta": {"api-version": "1.1"}, "name": "fine", "files": [{"filename": "fine-1.0'
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(Answer.of_status(401), ["401"], id="401"),
        pytest.param(Answer.of_status(403), ["403"], id="403"),
        pytest.param(Answer.of_status(500), ["500"], id="500"),
        pytest.param(Answer(200, {"Content-Type": JSON}, PAGE), ["JSON", "offset"], id="truncated page"),
        pytest.param(
            Answer(200, {"Content-Type": JSON}, b"<!DOCTYPE html><html>hello</html>"),
            ["json", "<!DOCTYPE html>"],
            id="HTML sent as JSON",
        ),
    ],
)
def test_an_index_that_does_not_answer_well_is_one_clear_line(
    seed: Stage, answer: Answer, words: list[str]
) -> None:
    seed.index.answer("fine", answer)

    result = seed.run("-v")

    result.assert_outcomes(failed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    (line,) = {line for line in result.outlines if line.startswith("fine 1.0 on ")}
    assert all(word in line for word in words)
    assert line.endswith(f"`{seed.index.url}fine/`")
    result.stdout.no_fnmatch_line("*Traceback*")
    # The other distribution is judged all the same.
    result.stdout.fnmatch_lines(["inferior 1.0 on *better published*"])


def test_an_index_that_is_not_there(seed: Stage) -> None:
    result = seed.run("--wheeltag-index-url=http://127.0.0.1:9/simple/")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["fine 1.0 on *`http://127.0.0.1:9/simple/fine/`"])
    result.stdout.no_fnmatch_line("*Traceback*")
    verdicts = {
        each["verdict"]
        for each in seed.report("--wheeltag-index-url=http://127.0.0.1:9/simple/")["environments"][0][
            "distributions"
        ]
    }
    assert verdicts == {"unreachable"}


def test_offline_and_nothing_cached_is_unknown_and_not_green(seed: Stage) -> None:
    result = seed.run("--wheeltag-offline")

    result.assert_outcomes(skipped=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert not seed.index.requests


def test_a_password_in_the_index_is_shown_nowhere(seed: Stage) -> None:
    url = seed.index.url.replace("://", "://user:hunter2@")
    seed.index.answer("fine", Answer.of_status(403))

    result = seed.run("-vv", f"--wheeltag-index-url={url}")

    # pytest's own header repeats the command line only with --debug; ours must not bring it in.
    assert "hunter2" not in result.stdout.str() + result.stderr.str()
