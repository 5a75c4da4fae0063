"""uv as a subject on the public index: the seed's case through the plugin, by way of the run's snapshot."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.core.interpreter import Interpreter

pytestmark = pytest.mark.network

MINORS = (10, 11, 12)


def check(folder: Path, *arguments: str) -> dict[str, list[str]]:
    """Check `multiprocess` by pytest in a process of its own; give the verdicts by order."""
    report = folder / "report.json"
    pythons = [f"--wheeltag-python=3.{minor}" for minor in MINORS]
    options = ["--wheeltag-check", "--wheeltag-only", "--wheeltag-orders=both", f"--wheeltag-json={report}"]
    options += [f"--wheeltag-cache-dir={folder / 'cache'}", "--wheeltag-require=multiprocess==0.70.17"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *pythons, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=600)
    assert report.exists(), done.stdout + done.stderr
    loaded: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for environment in loaded["environments"]:
        verdicts = [each for each in environment["distributions"] if each["name"] == "multiprocess"]
        order = "given" if environment["order"][0] == "cpython3.10" else "reversed"
        found.setdefault(order, []).append(verdicts[0]["verdict"])
    return found


@pytest.mark.parametrize("version", ["0.6.7", "0.6.8", "0.6.9"])
def test_the_seed_upwards_and_downwards(
    find_python: Callable[[str], Interpreter], tmp_path: Path, version: str
) -> None:
    for minor in MINORS:
        find_python(f"3.{minor}")

    found = check(tmp_path, f"--wheeltag-installer=uv=={version}")

    upwards = ["best", "inferior", "inferior"] if version < "0.6.9" else ["best"] * 3
    assert found == {"given": upwards, "reversed": ["best"] * 3}
