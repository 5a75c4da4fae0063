import json
import os
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request, parse_demand, parse_request
from pytest_wheeltag.errors import InapplicableError, UninstallableError
from pytest_wheeltag.subjects.pdm import PdmSubject
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.system.environment import open_environment
from pytest_wheeltag.workplace import Workplace

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for pdm is a script")

# It keeps what it was asked beside its configuration, and says that it installed one of the two that it locked.
STAND_IN = """\
#!{python}
import json, os, pathlib, sys
if "--version" in sys.argv:
    print("PDM, version 2.29.4")
    sys.exit()
pathlib.Path(os.environ["PDM_CONFIG_FILE"]).with_name("asked").write_text(json.dumps({{
    "arguments": sys.argv[1:],
    "project": pathlib.Path("pyproject.toml").read_text(),
    "variables": dict(os.environ),
}}))
pathlib.Path("pdm.lock").write_text('''
[metadata]
lock_version = "4.5.1"
[[package]]
name = "foo"
version = "1.0"
files = [
    {{file = "foo-1.0-py310-none-any.whl", hash = "sha256:{one}"}},
    {{file = "foo-1.0-py311-none-any.whl", hash = "sha256:{two}"}},
]
[[package]]
name = "windows-only"
version = "1.0"
files = []
''')
print("  ✔ Install foo 1.0 successful")
sys.exit({status})
"""
ONE, TWO = "1" * 64, "2" * 64
Open = Callable[..., PdmSubject]


@pytest.fixture
def open_subject(place: Workplace, tmp_path: Path) -> Open:
    def open_it(status: int = 0, *, has_install_cache: bool = False) -> PdmSubject:
        on_path = tmp_path / "path"
        on_path.mkdir(exist_ok=True)
        script = STAND_IN.format(python=sys.executable, status=status, one=ONE, two=TWO)
        (on_path / "pdm").write_text(script, encoding="utf-8")
        (on_path / "pdm").chmod(0o755)
        environ = {**place.environ, "PATH": str(on_path), "PYTHONUTF8": "1", "PDM_USE_UV": "1"}
        there = replace(place, environ=environ)
        lodging = Lodging(tmp_path / "home", tmp_path / "kept", place)
        return PdmSubject(there, lodging, has_install_cache=has_install_cache)

    return open_it


def read_asked(tmp_path: Path) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads((tmp_path / "kept" / "asked").read_text(encoding="utf-8"))
    return asked


@pytest.mark.parametrize(("has_install_cache", "name"), [(False, "pdm"), (True, "pdm-cache")])
def test_it_is_run_in_a_project_of_its_own_with_the_environment_active(
    open_subject: Open,
    running_interpreter: Interpreter,
    tmp_path: Path,
    has_install_cache: bool,
    name: str,
) -> None:
    subject = open_subject(has_install_cache=has_install_cache)

    subject.provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    asked = read_asked(tmp_path)
    variables = asked["variables"]
    configuration = tomllib.loads(Path(variables["PDM_CONFIG_FILE"]).read_text(encoding="utf-8"))
    assert asked["arguments"] == ["install", "--no-self"]
    assert 'dependencies = ["foo"]' in asked["project"]
    assert variables["VIRTUAL_ENV"] == str(tmp_path / "env")
    assert variables["PATH"].split(os.pathsep)[0] == str(tmp_path / "env" / "bin")
    assert "PDM_USE_UV" not in variables
    assert Path(configuration["cache_dir"]).is_relative_to(tmp_path / "kept")
    assert configuration.get("install") == ({"cache": True} if has_install_cache else None)
    assert subject.name == InstallerName(name, "2.29.4")
    assert open_environment(tmp_path / "env", running_interpreter) is not None


def test_of_what_it_says_to_have_installed_the_lock_tells_the_files(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    account = open_subject().provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    files = (("foo-1.0-py310-none-any.whl", ONE), ("foo-1.0-py311-none-any.whl", TWO))
    assert account.resolved == (ResolvedFile(canonicalize_name("foo"), "1.0", among=files),)


def test_config_settings_are_options_that_the_account_does_not_show(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    demand = replace(parse_demand("foo"), config_settings=(("token", "secret"),))

    account = open_subject().provision(tmp_path / "env", running_interpreter, Request((demand,)))

    assert "--config-setting=token=secret" in read_asked(tmp_path)["arguments"]
    assert "secret" not in repr(account.invocations)


def test_where_it_fails_its_last_word_is_told_with_its_commands(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    with pytest.raises(UninstallableError, match=r"pdm 2\.29\.4 cannot install foo") as caught:
        open_subject(1).provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    assert [each.status for each in caught.value.invocations] == [1]
    assert open_environment(tmp_path / "env", running_interpreter) is None


def test_of_its_tracebacks_the_error_is_told(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    subject = open_subject(1)
    script = tmp_path / "path" / "pdm"
    said = "ERRORS:\\nadd foo failed:\\n  File pdm.py\\npdm.exceptions.NotFound: No candidate\\n[Failed]: Some failed."
    text = script.read_text(encoding="utf-8").replace("sys.exit(1)", f'print("{said}"); sys.exit(1)')
    script.write_text(text, encoding="utf-8")

    with pytest.raises(UninstallableError) as caught:
        subject.provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    assert caught.value.problem == "pdm.exceptions.NotFound: No candidate"


def test_what_it_cannot_be_told_is_not_tried(
    open_subject: Open, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    request = parse_request(["foo"], ["bar<2"])

    with pytest.raises(InapplicableError, match="it knows no constraints"):
        open_subject().provision(tmp_path / "env", running_interpreter, request)
    assert not (tmp_path / "kept" / "asked").exists()
