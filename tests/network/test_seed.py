"""The case that the project was created from, with the installer that had the bug, on the public index."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.core.interpreter import Interpreter

pytestmark = pytest.mark.network

PINNED = "multiprocess==0.70.17"
MINORS = (10, 11, 12)


def audit(
    tmp_path: Path, environments: list[Path]
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Judge environments by pytest in a process of its own; give what it printed and its report."""
    report = tmp_path / "report.json"
    options = ["--wheeltag-check", "--wheeltag-only", f"--wheeltag-cache-dir={tmp_path / 'cache'}"]
    paths = [f"--wheeltag-env={environment}" for environment in environments]
    command = [sys.executable, "-m", "pytest", *options, f"--wheeltag-json={report}", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=300)
    return done, json.loads(report.read_text(encoding="utf-8"))


def verdicts_of(report: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Give what was found of one distribution, by environment."""
    return {
        environment["id"]: distribution
        for environment in report["environments"]
        for distribution in environment["distributions"]
        if distribution["name"] == name
    }


def test_what_uv_0_6_7_left_behind_is_named_with_the_better_files(
    tmp_path: Path,
    fetch_uv: Callable[[str], str],
    find_python: Callable[[str], Interpreter],
    install_with_uv: Callable[..., Path],
) -> None:
    pythons = [find_python(f"3.{minor}").executable for minor in MINORS]
    environments = [install_with_uv(fetch_uv("==0.6.7"), python, PINNED) for python in pythons]

    done, report = audit(tmp_path, environments)

    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    found = verdicts_of(report, "multiprocess")
    assert {label: each["verdict"] for label, each in found.items()} == {
        "cpython3.10": "best",
        "cpython3.11": "inferior",
        "cpython3.12": "inferior",
    }
    for minor in MINORS[1:]:
        message = (
            f"multiprocess 0.70.17 on cpython3.{minor}: installed `py310-none-any`, "
            f"better published `py3{minor}-none-any` (rank "
        )
        assert message in done.stdout
        best = found[f"cpython3.{minor}"]["best"]
        assert best["filename"] == f"multiprocess-0.70.17-py3{minor}-none-any.whl"
        assert found[f"cpython3.{minor}"]["outcome"] == "failed"
    assert {each["verdict"] for each in verdicts_of(report, "dill").values()} == {"best"}


def test_what_the_current_uv_leaves_behind_is_best(
    tmp_path: Path,
    fetch_uv: Callable[[str], str],
    find_python: Callable[[str], Interpreter],
    install_with_uv: Callable[..., Path],
) -> None:
    several = (
        PINNED,
        "black",
        "cryptography",
        "charset-normalizer",
        "PyYAML",
        "coverage",
        "protobuf",
        "lxml",
    )
    pythons = [find_python(spec).executable for spec in ("3.11", "3.12")]
    environments = [install_with_uv(fetch_uv(">=0.9"), python, *several) for python in pythons]

    done, report = audit(tmp_path, environments)

    assert done.returncode == pytest.ExitCode.OK, done.stdout
    verdicts = [each for environment in report["environments"] for each in environment["distributions"]]
    assert {each["verdict"] for each in verdicts} == {"best"}
    assert len(verdicts) > 2 * len(several)


def test_the_scenarios_show_it_in_both_versions_that_had_it_and_not_in_the_next(
    tmp_path: Path, find_python: Callable[[str], Interpreter]
) -> None:
    directions = ("upwards", "downwards")
    scenarios = [f"order-pyxy-{kind}{each}" for kind in ("", "best-") for each in directions]
    command = [sys.executable, "-m", "pytest_wheeltag", "conformance", "--json"]
    command += [f"--cache-dir={tmp_path / 'cache'}"]
    command += [f"--installer=uv==0.6.{micro}" for micro in (7, 8, 9)]
    command += [f"--scenario={each}" for each in scenarios]
    command += [f"--python={find_python(f'3.{minor}').executable}" for minor in MINORS[:2]]

    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=600)

    found = {
        (installer["version"], scenario["id"]): scenario["outcome"]
        for installer in json.loads(done.stdout)["installers"]
        for scenario in installer["scenarios"]
    }
    assert found == {
        (f"0.6.{micro}", each): "failed" if micro < 9 and each.endswith("upwards") else "passed"
        for micro in (7, 8, 9)
        for each in scenarios
    }
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
