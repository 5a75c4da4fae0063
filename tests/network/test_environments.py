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
# Scripts, data files, a namespace package, extension modules, headers.
PINS = (
    "markupsafe==3.0.2",
    "greenlet==3.1.1",
    "zope.interface==7.2",
    "httpie==3.2.4",
    "six==1.17.0",
    "multiprocess==0.70.17",
)
# What an installer says of itself, and what marks an environment as ours.
INSTALLERS_OWN = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", ".wheeltag"})

_LAUNCHER = b"sys.exit("


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
            if path.parent.name == "bin" and _LAUNCHER in plain:
                # pip writes launchers in a form that changes with its version.
                plain = b"launcher"
            found[name] = f"{hashlib.sha256(plain).hexdigest()} {bool(path.stat().st_mode & 0o100)}"
    return found


@pytest.mark.parametrize("spec", ["3.10", "3.12"])
def test_an_environment_equals_pips(
    spec: str, tmp_path: Path, find_python: Callable[[str], Interpreter], call: Callable[..., str]
) -> None:
    interpreter = find_python(spec)
    place = Workplace(SourceOptions(tmp_path / "cache"), os.environ).with_index(PUBLIC_INDEX)
    ours = tmp_path / "ours" / "env"
    place.furnish(ours, interpreter, parse_request(PINS))
    theirs = place.maker.make(tmp_path / "pips" / "env", interpreter)
    pip = [sys.executable, "-m", "pip", "--python", str(theirs.python), "install", "--quiet"]
    call(
        *pip,
        "--no-compile",
        f"--index-url={PUBLIC_INDEX}",
        *PINS,
        PIP_CONFIG_FILE=os.devnull,
        PIP_FIND_LINKS="",
    )

    mine, pips = contents(ours), contents(theirs.prefix)

    assert mine == pips
    assert len(mine) > 500
