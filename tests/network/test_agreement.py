"""The file that we choose for a pinned release is the file that pip takes: same index, same interpreter."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.candidates import parse_wheel_name
from pytest_wheeltag.core.comparison import expand_tags
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.tags import pips_own_tags
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.installs import this_machine

pytestmark = pytest.mark.network

# Each has several wheels that one interpreter accepts: one per version, abi3 beside cpXY, `py3` beside compiled,
# several manylinux levels, musllinux beside manylinux, compressed sets.
PINS = (
    "multiprocess==0.70.17",
    "black==24.10.0",
    "cryptography==44.0.0",
    "charset-normalizer==3.4.0",
    "protobuf==5.29.0",
    "coverage==7.6.1",
    "lxml==5.3.0",
    "bcrypt==4.2.1",
)
MORE_PINS = (
    "PyYAML==6.0.2",
    "pydantic-core==2.27.1",
    "numpy==1.24.4",
    "numpy==1.26.4",
    "pandas==2.0.3",
    "pandas==2.2.3",
    "psutil==6.1.0",
    "tornado==6.4.2",
    "orjson==3.10.12",
    "pillow==10.4.0",
    "msgpack==1.1.0",
    "simplejson==3.19.3",
    "ujson==5.10.0",
    "greenlet==3.1.1",
    "zstandard==0.23.0",
    "regex==2024.11.6",
    "markupsafe==2.1.5",
    "frozenlist==1.5.0",
    "multidict==6.1.0",
    "yarl==1.15.2",
    "aiohttp==3.10.11",
    "websockets==13.1",
    "sqlalchemy==2.0.36",
    "ruff==0.8.2",
    "mypy==1.13.0",
    "tomli==2.2.1",
    "uvloop==0.21.0",
    "dill==0.3.9",
    "grpcio==1.68.1",
    "wrapt==1.17.0",
    "kiwisolver==1.4.7",
    "watchfiles==0.24.0",
    "rpds-py==0.20.1",
    "cffi==1.17.1",
    "argon2-cffi-bindings==21.2.0",
    "pynacl==1.5.0",
    "setproctitle==1.3.4",
    "debugpy==1.8.9",
    "cmake==3.31.1",
    "uv==0.5.7",
    "polars==1.8.2",
    "httptools==0.6.4",
    "pyzmq==26.2.0",
    "hiredis==3.1.0",
    "scipy==1.10.1",
    "mysqlclient==2.2.6",
    "ninja==1.11.1.1",
)
IS_FULL = bool(os.environ.get("WHEELTAG_FULL"))
SPECS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "pypy3.9") if IS_FULL else ("3.10", "3.12")


def interpreter_of(spec: str, cache: Path) -> Interpreter:
    finder = InterpreterFinder(cache, this_machine(os.environ))
    found = [each for each in finder.find_all() if each.label in (spec, f"cpython{spec}")]
    if not found:
        pytest.skip(f"not on this machine: {spec}")
    return found[0]


def ours(interpreter: Interpreter, pins: tuple[str, ...], cache: Path) -> dict[str, str]:
    """Give the file chosen for each pin that has a wheel, with the SHA-256."""
    chosen = {}
    for pin in pins:
        command = [
            sys.executable,
            "-m",
            "pytest_wheeltag",
            "resolve",
            "--no-deps",
            "--json",
            f"--cache-dir={cache}",
        ]
        done = subprocess.run(
            [*command, f"--python={interpreter.executable}", pin], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            (file,) = json.loads(done.stdout)["files"]
            chosen[pin] = f"{file['filename']} {file['sha256']}"
        else:
            assert "no compatible wheel" in done.stderr, done.stderr
    return chosen


def fetch_pip(interpreter: Interpreter, folder: Path) -> Path:
    """Fetch the newest pip that supports an interpreter: pip itself runs in the one that it installs for."""
    version = ".".join(map(str, interpreter.version_info[:2]))
    options = ["--quiet", f"--target={folder}", f"--python-version={version}", "--only-binary=:all:"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "pip"], check=True, capture_output=True)
    return folder


def pips(interpreter: Interpreter, pins: Iterable[str], pip: Path) -> dict[str, str]:
    """Give the files that pip would install."""
    options = ["--dry-run", "--no-deps", "--ignore-installed", "--only-binary=:all:", "--report=-", "--quiet"]
    done = subprocess.run(
        [interpreter.executable, "-m", "pip", "install", "--disable-pip-version-check", *options, *pins],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(pip)},
    )
    assert done.returncode == 0, done.stderr
    return dict(map(_taken, json.loads(done.stdout)["install"]))


def _taken(item: dict[str, Any]) -> tuple[str, str]:
    archive = item["download_info"]
    filename = archive["url"].rpartition("/")[2].partition("#")[0]
    return canonicalize_name(
        item["metadata"]["name"]
    ), f"{filename} {archive['archive_info']['hashes']['sha256']}"


@pytest.mark.parametrize("spec", SPECS)
def test_we_choose_the_file_that_pip_takes(spec: str, tmp_path: Path) -> None:
    interpreter = interpreter_of(spec, tmp_path)
    pins = PINS + MORE_PINS if IS_FULL else PINS
    chosen = ours(interpreter, pins, tmp_path)
    pip = fetch_pip(interpreter, tmp_path / "pip")
    # Two pins of one project do not fit into one call.
    pinned = {canonicalize_name(pin.split("==")[0]): pin for pin in chosen}
    others = {canonicalize_name(pin.split("==")[0]): pin for pin in chosen if pin not in pinned.values()}
    for each in filter(None, (pinned, others)):
        assert {name: chosen[pin] for name, pin in each.items()} == pips(interpreter, each.values(), pip)
    assert len(chosen) >= 5


@pytest.mark.skipif(not IS_FULL, reason="part of the full comparison: WHEELTAG_FULL=1")
@pytest.mark.parametrize("spec", SPECS)
def test_where_we_find_no_wheel_pip_finds_none(spec: str, tmp_path: Path) -> None:
    interpreter = interpreter_of(spec, tmp_path)
    pins = PINS + MORE_PINS
    chosen = ours(interpreter, pins, tmp_path)
    pip = fetch_pip(interpreter, tmp_path / "pip")
    # A finding: outside of CPython pip accepts tags that `packaging.tags.sys_tags` does not know.
    beyond = pips_own_tags(interpreter.facts)
    for pin in (each for each in pins if each not in chosen):
        try:
            taken = pips(interpreter, (pin,), pip)
        except AssertionError as error:
            assert re.search(r"No matching distribution|Could not find a version", str(error))  # noqa: PT017 - of pip's output
        else:
            tags = expand_tags((parse_wheel_name(next(iter(taken.values())).partition(" ")[0]).tags,))
            assert tags
            assert tags & beyond
