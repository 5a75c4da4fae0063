"""Environments that pip made from the public index, compared with what is published there, byte by byte."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.network

# A RECORD that is wrong about its own archive, headers beside modules, data files, scripts with a first line to fill in.
PINNED = (
    "sentry-cli==3.8.0",
    "greenlet==3.2.4",
    "multiprocess==0.70.17",
    "docutils==0.22",
    "nbformat==5.10.4",
)


def test_what_pip_installed_is_intact_until_one_byte_is_changed(
    tmp_path: Path, call: Callable[..., str]
) -> None:
    environment = tmp_path / "env"
    call(sys.executable, "-m", "venv", str(environment))
    python = next(environment.glob("[bS]*/python*"))
    call(str(python), "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:", *PINNED)

    found = audit(tmp_path, environment)

    assert {each["verdict"] for each in found.values()} == {"intact"}, found
    assert all(each["installed"]["filename"] for each in found.values())
    (warning,) = (text for each in found.values() for text in each["warnings"] if "RECORD" in text)
    assert "sentry_cli-3.8.0" in warning

    (module,) = environment.rglob("multiprocess/pool.py")
    module.write_bytes(module.read_bytes().replace(b"p", b"q", 1))
    assert audit(tmp_path, environment)["multiprocess"]["verdict"] == "altered"


def audit(tmp_path: Path, environment: Path) -> dict[str, dict[str, Any]]:
    """Ask whether an environment is intact; give what the report says of each distribution."""
    report = tmp_path / "report.json"
    options = ["--wheeltag-check", "--wheeltag-only", "--wheeltag-property=intact"]
    places = [f"--wheeltag-cache-dir={tmp_path / 'cache'}", f"--wheeltag-env={environment}"]
    command = [sys.executable, "-m", "pytest", *options, *places, f"--wheeltag-json={report}"]
    subprocess.run(command, capture_output=True, check=False, cwd=tmp_path, timeout=300)
    judged = json.loads(report.read_text(encoding="utf-8"))["environments"][0]["distributions"]
    return {each["name"]: each for each in judged}
