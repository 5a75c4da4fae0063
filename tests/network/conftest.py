"""Real installers from the public index, each fetched once per run into an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from distlib.index import DEFAULT_INDEX

from pytest_wheeltag.core.interpreter import Interpreter, parse_interpreter_spec
from pytest_wheeltag.errors import InterpreterNotFoundError
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.installs import this_machine

PUBLIC_INDEX = urlsplit(DEFAULT_INDEX)._replace(path="/simple/").geturl()


def _call(*command: str, **variables: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def call() -> Callable[..., str]:
    """Run a command to its end and give its output, which is the message where it fails; keywords are variables."""
    return _call


@pytest.fixture(scope="session")
def fetch_uv(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Give the path of a uv of this version."""
    fetched: dict[str, str] = {}

    def fetch(version: str) -> str:
        if version not in fetched:
            folder = tmp_path_factory.mktemp("uv")
            _call(sys.executable, "-m", "pip", "install", "-q", f"--target={folder}", f"uv{version}")
            fetched[version] = str(folder / "bin" / "uv")
        return fetched[version]

    return fetch


@pytest.fixture(scope="session")
def find_python(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Interpreter]:
    """Give an interpreter of this machine; the test is skipped where there is none."""
    finder = InterpreterFinder(tmp_path_factory.mktemp("finder"), this_machine(os.environ))

    def find(spec: str) -> Interpreter:
        try:
            return finder.find(parse_interpreter_spec(spec))
        except InterpreterNotFoundError as error:
            pytest.skip(str(error))

    return find


@pytest.fixture
def install_with_uv(tmp_path: Path) -> Callable[..., Path]:
    """Make an environment with uv and install into it, with one cache for all environments of a test."""

    def install(uv: str, python: str, *requirements: str) -> Path:
        environment = tmp_path / f"uv-{len(list(tmp_path.glob('uv-*')))}"
        bundle = {"SSL_CERT_FILE": os.environ["SSL_CERT_FILE"]} if "SSL_CERT_FILE" in os.environ else {}
        settings = {"UV_CACHE_DIR": str(tmp_path / "cache-of-uv"), "UV_INDEX_URL": PUBLIC_INDEX, **bundle}
        _call(uv, "venv", "--quiet", f"--python={python}", str(environment), **settings)
        _call(uv, "pip", "install", "--quiet", *requirements, VIRTUAL_ENV=str(environment), **settings)
        return environment

    return install
