import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import parse_constraint, parse_request
from pytest_wheeltag.errors import InapplicableError, UninstallableError
from pytest_wheeltag.subjects.poetry import PoetrySubject
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.system.environment import open_environment
from pytest_wheeltag.workplace import Workplace

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for poetry is a script")

# It keeps what it was asked in its cache, and says that it installed one of the two that it locked.
STAND_IN = """\
#!{python}
import json, os, pathlib, sys
if "--version" in sys.argv:
    print("Poetry (version {version})")
    sys.exit()
cache = pathlib.Path(os.environ["POETRY_CACHE_DIR"])
cache.mkdir(parents=True, exist_ok=True)
asked = [json.loads(line) for line in (cache / "asked").read_text().splitlines()] if (cache / "asked").exists() else []
asked.append({{
    "arguments": sys.argv[1:],
    "project": pathlib.Path("pyproject.toml").read_text(),
    "folder": os.getcwd(),
    "variables": dict(os.environ),
}})
(cache / "asked").write_text("".join(json.dumps(each) + "\\n" for each in asked))
pathlib.Path("poetry.lock").write_text('''
[[package]]
name = "foo"
version = "1.0"
files = [{{file = "foo-1.0-py3-none-any.whl", hash = "sha256:{digest}"}}]
[[package]]
name = "windows-only"
version = "1.0"
files = []
''')
print("Package operations: 1 install, 0 updates, 0 removals")
print("  - Installing foo (1.0)")
sys.exit({status})
"""
DIGEST = "0" * 64
Open = Callable[..., PoetrySubject]


@pytest.fixture
def open_subject(place: Workplace, tmp_path: Path) -> Open:
    def open_it(version: str = "2.5.1", status: int = 0, **options: Any) -> PoetrySubject:  # noqa: ANN401 - of any kind
        on_path = tmp_path / "path"
        on_path.mkdir(exist_ok=True)
        script = STAND_IN.format(python=sys.executable, version=version, status=status, digest=DIGEST)
        (on_path / "poetry").write_text(script, encoding="utf-8")
        (on_path / "poetry").chmod(0o755)
        environ = {**place.environ, "PATH": str(on_path), "POETRY_VIRTUALENVS_CREATE": "false"}
        there = replace(place, environ=environ, options=replace(place.options, **options))
        return PoetrySubject(there, Lodging(tmp_path / "home", tmp_path / "kept", place))

    return open_it


def read_asked(tmp_path: Path) -> list[dict[str, Any]]:
    kept = tmp_path / "kept" / "poetry" / "asked"
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def test_it_is_run_in_a_project_of_its_own_with_the_environment_active(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    subject = open_subject()

    account = subject.provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    (asked,) = read_asked(tmp_path)
    variables = asked["variables"]
    assert asked["arguments"] == ["install", "--no-root", "--no-interaction", "--no-ansi"]
    assert 'dependencies = ["foo"]' in asked["project"]
    assert not Path(asked["folder"]).exists()
    assert variables["VIRTUAL_ENV"] == str(tmp_path / "env")
    assert variables["PATH"].split(os.pathsep)[0] == str(tmp_path / "env" / "bin")
    assert "POETRY_VIRTUALENVS_CREATE" not in variables
    homes = ("HOME", "POETRY_CACHE_DIR", "POETRY_CONFIG_DIR", "POETRY_DATA_DIR")
    assert all(Path(variables[name]).is_relative_to(tmp_path / "kept") for name in homes)
    assert subject.name == InstallerName("poetry", "2.5.1")
    assert open_environment(tmp_path / "env", running_interpreter) is not None
    assert [each.status for each in account.invocations] == [0]


def test_what_it_locked_and_says_to_have_installed_is_what_it_resolved(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    account = open_subject().provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    name, filename = canonicalize_name("foo"), "foo-1.0-py3-none-any.whl"
    assert account.resolved == (ResolvedFile(name, "1.0", filename, DIGEST),)


def test_build_constraints_bind_all_that_it_locks(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    subject = open_subject(build_constraints=(parse_constraint("setuptools<80"),))

    subject.provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    first, second = read_asked(tmp_path)
    assert first["arguments"][0] == "lock"
    assert second["arguments"][0] == "install"
    assert "windows-only" not in first["project"]
    assert 'windows-only = {setuptools = {version = "<80"}}' in second["project"]


def test_where_it_fails_its_last_word_is_told_with_its_commands(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    with pytest.raises(UninstallableError, match=r"poetry 2\.5\.1 cannot install foo") as caught:
        open_subject(status=1).provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    assert [each.status for each in caught.value.invocations] == [1]
    assert open_environment(tmp_path / "env", running_interpreter) is None


def test_of_its_advice_the_problem_alone_is_told(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    subject = open_subject(status=1)
    script = tmp_path / "path" / "poetry"
    said = (
        "    | Distributions for foo (1.0) did not match\\n    | \\n    | Solutions:\\n    |   1. Try again"
    )
    text = script.read_text(encoding="utf-8").replace("sys.exit(1)", f'print("{said}"); sys.exit(1)')
    script.write_text(text, encoding="utf-8")

    with pytest.raises(UninstallableError) as caught:
        subject.provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    assert caught.value.problem == "Distributions for foo (1.0) did not match"


def test_what_it_cannot_be_told_is_not_tried(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    request = parse_request(["foo"], ["bar<2"])

    with pytest.raises(InapplicableError, match="it knows no constraints"):
        open_subject().provision(tmp_path / "env", running_interpreter, request)
    assert not (tmp_path / "kept" / "poetry").exists()
