"""Properties of real installers on the public index: ours has them all, uv had not those of its cache until 0.6.9."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.core.interpreter import Interpreter

pytestmark = pytest.mark.network

FindPython = Callable[[str], Interpreter]
PINNED = "multiprocess==0.70.17"
# Published as a source alone; its wheel is tagged `py3-none-any`, or `py2.py3-none-any` by old setuptools.
SOURCE_ONLY = "docopt==0.6.2"


def ask(folder: Path, requirement: str, *arguments: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Ask an installer's properties in a process of its own; give verdicts on what is required, by environment and property."""
    report = folder / "report.json"
    options = ["--wheeltag-check", "--wheeltag-only", f"--wheeltag-cache-dir={folder / 'cache'}"]
    options += [f"--wheeltag-require={requirement}", f"--wheeltag-json={report}", "--wheeltag-orders=both"]
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=600)
    assert report.exists(), done.stdout + done.stderr
    name = requirement.partition("=")[0]
    return {
        each["id"]: {row["property"]: row for row in each["distributions"] if row["name"] == name}
        for each in json.loads(report.read_text(encoding="utf-8"))["environments"]
    }


def asking(*properties: str) -> list[str]:
    return [f"--wheeltag-property={each}" for each in properties]


def through(find_python: FindPython, *specs: str) -> list[str]:
    """Give the options for some interpreters; the test is skipped where one is not on this machine."""
    return [f"--wheeltag-python={find_python(spec).executable}" for spec in specs]


def kinds(found: dict[str, dict[str, dict[str, Any]]]) -> set[tuple[str, str]]:
    return {(asked, row["verdict"]) for each in found.values() for asked, row in each.items()}


def test_our_own_installer_has_every_property_in_both_orders(tmp_path: Path, find_python: FindPython) -> None:
    asked = ("best", "transparent", "faithful", "agreeing")
    found = ask(tmp_path, PINNED, *through(find_python, "3.10", "3.11", "3.12"), *asking(*asked))

    assert len(found) == 6
    assert kinds(found) == {(each, each) for each in asked}, found


def test_what_ours_builds_from_a_source_is_transparent_faithful_and_as_pip_takes_it(
    tmp_path: Path, find_python: FindPython
) -> None:
    asked = ("transparent", "faithful", "agreeing")
    found = ask(tmp_path, SOURCE_ONLY, *through(find_python, "3.10", "3.12"), *asking("best", *asked))

    assert len(found) == 4
    assert kinds(found) == {("best", "built"), *((each, each) for each in asked)}, found


@pytest.mark.parametrize("version", ["0.6.7", "0.6.8"])
def test_uv_before_0_6_9_depends_on_its_cache_upwards_and_the_pair_is_named(
    tmp_path: Path, find_python: FindPython, version: str
) -> None:
    properties = asking("best", "transparent", "faithful")
    pythons = through(find_python, "3.10", "3.11", "3.12")

    found = ask(tmp_path, PINNED, f"--wheeltag-installer=uv=={version}", *pythons, *properties)

    good = {each: each for each in ("best", "transparent", "faithful")}
    bad = {"best": "inferior", "transparent": "opaque", "faithful": "unfaithful"}
    assert {
        label: {asked: row["verdict"] for asked, row in each.items()} for label, each in found.items()
    } == {
        f"cpython3.{minor}[{order}]": bad if minor > 10 and order == "given" else good
        for minor in (10, 11, 12)
        for order in ("given", "reversed")
    }
    for minor in (11, 12):
        for row in found[f"cpython3.{minor}[given]"].values():
            assert row["message"].endswith(f"; installed first on cpython3.10, then on cpython3.{minor}")


def test_uv_0_6_9_depends_on_it_no_more(tmp_path: Path, find_python: FindPython) -> None:
    asked = ("best", "transparent", "faithful")
    pythons = through(find_python, "3.10", "3.11", "3.12")

    found = ask(tmp_path, PINNED, "--wheeltag-installer=uv==0.6.9", *pythons, *asking(*asked))

    assert kinds(found) == {(each, each) for each in asked}, found
