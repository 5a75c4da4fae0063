"""The closure that we resolve is the one that pip reports: same versions, same files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from distlib.index import DEFAULT_INDEX

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.errors import ResolutionError
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace

pytestmark = pytest.mark.network

IS_FULL = bool(os.environ.get("WHEELTAG_FULL"))
SETS = (
    ("requests[socks]",),
    ("fastapi[standard]", "uvicorn<0.30"),
    ("pandas", "matplotlib"),
    # pip and we must both go back through many releases.
    ("boto3", "s3fs"),
    # Of what these need, only sources are published.
    ("hydra-core", "docopt"),
)
MORE_SETS = (
    ("django",),
    ("flask",),
    ("fastapi[standard]",),
    ("black[d]",),
    ("boto3",),
    ("sqlalchemy[asyncio]",),
    ("pytest", "tox", "nox"),
    ("jupyterlab",),
    ("celery[redis]",),
    ("requests", "urllib3<2", "botocore"),
    ("scrapy",),
    ("mkdocs-material[imaging]",),
    ("python-jenkins", "paramiko", "fabric"),
    ("google-cloud-storage", "google-cloud-bigquery[pandas]"),
    ("httpx[http2,socks]", "trio"),
    ("dask[complete]",),
    ("notebook<7",),
    ("black==23.1a1",),
)
SPECS = ("3.10", "3.12", "3.13") if IS_FULL else ("3.10", "3.13")
PUBLIC_INDEX = urlsplit(DEFAULT_INDEX)._replace(path="/simple/").geturl()

# Both sides see the public index alone, whatever pip is configured with on this machine.
ENVIRONMENT = {
    **{
        name: value for name, value in os.environ.items() if not name.startswith("PIP_") or name == "PIP_CERT"
    },
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": PUBLIC_INDEX,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


def ours(interpreter: Interpreter, requirements: tuple[str, ...], cache: Path) -> set[str] | None:
    """Give the files of our closure, None where there is none."""
    try:
        resolution = Workplace(SourceOptions(cache), ENVIRONMENT).provisioner.resolve(
            parse_request(requirements), interpreter
        )
    except ResolutionError:
        return None
    return {choice.file.filename for choice in resolution.choices}


def pips(interpreter: Interpreter, requirements: tuple[str, ...]) -> set[str] | None:
    """Give the files that pip would install, None where it finds no closure."""
    command = [sys.executable, "-m", "pip", "--python", interpreter.executable, "install", "--quiet"]
    options = ["--dry-run", "--ignore-installed", "--report", "-"]
    done = subprocess.run(
        [*command, *options, *requirements],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
        timeout=600,
    )
    if done.returncode:
        assert "No matching distribution" in done.stderr or "ResolutionImpossible" in done.stderr, done.stderr
        return None
    urls = (item["download_info"]["url"] for item in json.loads(done.stdout)["install"])
    return {url.rpartition("/")[2].partition("#")[0] for url in urls}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("requirements", SETS + MORE_SETS if IS_FULL else SETS, ids=" ".join)
@pytest.mark.parametrize("spec", SPECS)
def test_the_closure_is_the_one_that_pip_reports(
    requirements: tuple[str, ...], spec: str, cache: Path, find_python: Callable[[str], Interpreter]
) -> None:
    interpreter = find_python(spec)

    assert ours(interpreter, requirements, cache) == pips(interpreter, requirements)
