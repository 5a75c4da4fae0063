"""Environments that our installer leaves equal pip's, file by file and byte by byte."""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from distlib.index import DEFAULT_INDEX

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace

pytestmark = pytest.mark.network

PUBLIC_INDEX = urlsplit(DEFAULT_INDEX)._replace(path="/simple/").geturl()
IS_FULL = bool(os.environ.get("WHEELTAG_FULL"))
# Scripts, data files, a namespace package, extension modules, headers.
PINS = (
    "markupsafe==3.0.2",
    "greenlet==3.1.1",
    "zope.interface==7.2",
    "httpie==3.2.4",
    "six==1.17.0",
    "multiprocess==0.70.17",
)
# Besides: programs as scripts, scripts that are files, `.pth` files, data files in numbers, namespaces of both styles,
# modules in other letter cases, thousands of files, a RECORD that does not fit (sentry-cli).
MORE_PINS = (
    "numpy==2.2.0",
    "pandas==2.2.3",
    "matplotlib==3.9.3",
    "cryptography==44.0.0",
    "protobuf==5.29.0",
    "googleapis-common-protos==1.66.0",
    "google-api-core==2.24.0",
    "coverage==7.6.9",
    "pytest-cov==6.0.0",
    "lxml==5.3.0",
    "bcrypt==4.2.1",
    "PyYAML==6.0.2",
    "pydantic==2.10.3",
    "psutil==6.1.0",
    "pillow==11.0.0",
    "sqlalchemy==2.0.36",
    "aiohttp==3.11.10",
    "black==24.10.0",
    "ruff==0.8.2",
    "mypy==1.13.0",
    "uv==0.5.7",
    "pyzmq==26.2.0",
    "debugpy==1.8.9",
    "zope.event==5.0",
    "ipykernel==6.29.5",
    "notebook==7.3.1",
    "docutils==0.21.2",
    "sphinx==8.1.3",
    "setuptools==75.6.0",
    "pybind11==2.13.6",
    "django==5.1.4",
    "jinja2==3.1.4",
    "ninja==1.11.1.3",
    "sentry-cli==2.39.1",
    "pywavelets==1.8.0",
    "boto3==1.35.80",
)
SPECS = ("3.10", "3.12", "3.13") if IS_FULL else ("3.10", "3.12")
# What an installer says of itself, and what marks an environment as ours.
INSTALLERS_OWN = frozenset({"INSTALLER", "RECORD", "direct_url.json", ".wheeltag"})
_ALL_BUT_WRITING = 0o7555


def contents(environment: Path) -> dict[str, str]:
    """Give the digest of every file, and where every link leads; the environment's own path reads the same everywhere."""
    found = {}
    for path in environment.rglob("*"):
        name = path.relative_to(environment).as_posix()
        if path.name in INSTALLERS_OWN or "__pycache__" in path.parts or path.suffix == ".pyc":
            continue
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            plain = path.read_bytes().replace(os.fsencode(environment), b"ENVIRONMENT")
            # Files of the store are read-only: write bits are not compared.
            mode = path.stat().st_mode & _ALL_BUT_WRITING
            found[name] = f"{hashlib.sha256(plain).hexdigest()} {mode:o}"
    return found


@pytest.mark.parametrize("spec", SPECS)
def test_an_environment_equals_pips(
    spec: str, tmp_path: Path, find_python: Callable[[str], Interpreter], call: Callable[..., str]
) -> None:
    interpreter = find_python(spec)
    pins = PINS + MORE_PINS if IS_FULL else PINS
    place = Workplace(SourceOptions(tmp_path / "cache"), os.environ).with_index(PUBLIC_INDEX)
    ours = tmp_path / "ours" / "env"
    place.furnish(ours, interpreter, parse_request(pins))
    theirs = place.maker.make(tmp_path / "pips" / "env", interpreter)
    pip = [sys.executable, "-m", "pip", "--python", str(theirs.python), "install", "--quiet"]
    call(
        *pip,
        "--no-compile",
        f"--index-url={PUBLIC_INDEX}",
        *pins,
        PIP_CONFIG_FILE=os.devnull,
        PIP_FIND_LINKS="",
    )

    mine, pips = contents(ours), contents(theirs.prefix)

    assert mine == pips
    assert len(mine) > 500
