"""The commands that look elsewhere: ``wheeltag coverage`` and ``wheeltag resolve --target``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.core.usualtargets import USUAL_TARGETS
from pytest_wheeltag.workshop import LocalIndex, WheelMaker

Try = Callable[..., tuple[int, str, str]]
LINUX = "cp312-manylinux_2_28_x86_64"


@pytest.fixture(autouse=True)
def _published(index: LocalIndex, make_wheel: WheelMaker) -> None:
    index.add(make_wheel("foo", requires=["bar"]))
    index.add(make_wheel("bar", tag="cp312-cp312-win_amd64"))


def test_coverage_is_a_table_with_what_has_no_file(attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = attempt("coverage", "foo", f"--target={LINUX}", "--target=cp312-win_amd64")

    assert (status, err) == (1, "")
    first, *table = out.splitlines()
    assert first.startswith(f"FAILED uninstallable: bar 1.0 on {LINUX}: no published file is compatible")
    assert table == [
        "                       cp312",
        "manylinux_2_28_x86_64  1 NONE",
        "win_amd64              ok",
        "no file: bar on manylinux_2_28_x86_64",
        "2 targets: 1 take wheels alone, 1 lack a file",
    ]


def test_coverage_is_of_all_usual_targets_by_default(attempt: Try) -> None:
    status, out, _ = attempt("coverage", "foo", "--json")

    report = json.loads(out)
    assert status == 1
    assert len(report["environments"]) == len(USUAL_TARGETS)
    assert report["coverage"]["totals"] == {"covered": 1, "source": 0, "none": 119, "unknown": 0}


def test_what_is_accepted_or_covered_exits_0(attempt: Try) -> None:
    assert attempt("coverage", "foo", "--target=cp312-win_amd64")[0] == 0
    assert attempt("coverage", "foo", f"--target={LINUX}", "--accept=uninstallable")[0] == 0


def test_coverage_of_a_lock_asks_no_index(attempt: Try, index: LocalIndex, tmp_path: Path) -> None:
    file = '{url = "https://files.example/bar-1-cp312-cp312-win_amd64.whl", hashes = {sha256 = "00"}}'
    lock = tmp_path / "pylock.toml"
    package = f'{{name = "bar", version = "1", wheels = [{file}]}}'
    lock.write_text(f'lock-version = "1.0"\ncreated-by = "hand"\npackages = [{package}]\n', encoding="utf-8")

    for way in (["--lock=pylock.toml"], ["-r", "pylock.toml"]):
        status, out, _ = attempt("coverage", *way, "--target=cp312-win*", "--json")
        totals = json.loads(out)["coverage"]["totals"]
        assert (status, totals["covered"], totals["none"]) == (1, 1, 2)
    assert not index.requests


def test_what_is_doubtful_in_a_lock_is_told_as_by_check(attempt: Try, tmp_path: Path) -> None:
    lock = 'lock-version = "1.7"\ncreated-by = "hand"\npackages = []\n'
    (tmp_path / "pylock.toml").write_text(lock, encoding="utf-8")

    _, _, err = attempt("coverage", "--lock=pylock.toml", f"--target={LINUX}")

    assert err.splitlines() == [
        "wheeltag: warning: pylock.toml has a newer lock-version than 1.0, of which some may be ignored: `1.7`"
    ]


def test_a_lock_and_requirements_are_a_usage_error(attempt: Try, tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "hand"\npackages = []\n', encoding="utf-8"
    )
    status, _, err = attempt("coverage", "foo", "--lock=pylock.toml")
    assert status == 2
    assert err == "wheeltag: --lock: expected either a lock or requirements, found: `pylock.toml`\n"


def test_resolve_lists_the_files_of_a_target(attempt: Try) -> None:
    status, out, _ = attempt("resolve", "foo", "--target=cp312-win_amd64")
    assert status == 0
    assert out.splitlines() == [
        "bar-1.0-cp312-cp312-win_amd64.whl  rank 1 of 42",
        "foo-1.0-py3-none-any.whl           rank 30 of 42",
    ]


def test_resolve_as_json_names_the_target(attempt: Try) -> None:
    _, one, _ = attempt("resolve", "foo", "--target=cp312-win_amd64", "--json")
    _, two, _ = attempt(
        "resolve", "foo", "--no-deps", "--target=cp312-win_amd64", f"--target={LINUX}", "--json"
    )

    assert json.loads(one)["target"] == "cp312-win_amd64"
    assert json.loads(one)["interpreter"]["executable"] is None
    assert [each["target"] for each in json.loads(two)["resolved"]] == ["cp312-win_amd64", LINUX]


def test_resolve_says_in_one_line_what_a_target_lacks(attempt: Try) -> None:
    status, out, err = attempt("resolve", "foo", f"--target={LINUX}")
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "bar" in err


def test_an_interpreter_is_here_or_elsewhere(attempt: Try) -> None:
    status, _, err = attempt("resolve", "foo", f"--target={LINUX}", "--python=3.12")
    assert status == 2
    assert "--python: expected either an interpreter that is here or `--target`" in err
