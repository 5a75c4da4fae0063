import hashlib
import os
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.errors import UninstallableError
from pytest_wheeltag.subjects.pip import PipSubject
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.system.environment import Environment, open_environment
from pytest_wheeltag.system.installed import list_names
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker, write_find_links
from pytest_wheeltag.workshop.packed import pack_installed

PIP = version("pip")
posix = pytest.mark.skipif(os.name != "posix", reason="the stand-ins for pip are shell scripts")


@pytest.fixture
def make_subject(place: Workplace, tmp_path: Path) -> "MakeSubject":
    return MakeSubject(place, tmp_path)


class MakeSubject:
    """Makes pip a subject on a machine where a given script, or the pip of this environment, is on PATH."""

    def __init__(self, place: Workplace, folder: Path) -> None:
        self.place = place
        self.folder = folder

    def __call__(self, script: str | None = None, pinned: str = "", **variables: str) -> PipSubject:
        on_path = self.folder / "path"
        on_path.mkdir(exist_ok=True)
        pip = on_path / "pip"
        pip.write_text(script or f'#!/bin/sh\nexec "{sys.executable}" -m pip "$@"\n', encoding="utf-8")
        pip.chmod(0o755)
        environ = {**self.place.environ, "PATH": f"{on_path}{os.pathsep}{os.defpath}", **variables}
        place = replace(self.place, environ=environ)
        folder = self.folder / "pip"
        return PipSubject(place, Lodging(folder / "home", folder / "cache", place), pinned)


def made(prefix: Path, interpreter: Interpreter) -> Environment:
    environment = open_environment(prefix, interpreter)
    assert environment is not None
    return environment


@posix
def test_the_one_on_path_installs_the_closure_within_the_constraints(
    make_subject: MakeSubject,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    index.add(make_wheel("foo", requires=["bar"]))
    for version_ in ("1.0", "2.0"):
        index.add(make_wheel("bar", version_))
    subject = make_subject()

    subject.provision(tmp_path / "env", running_interpreter, parse_request(["foo"], ["bar<2"]))

    environment = made(tmp_path / "env", running_interpreter)
    assert list_names(environment.as_existing()) == ("bar", "foo")
    assert (environment.site_packages / "bar-1.0.dist-info" / "INSTALLER").read_bytes() == b"pip\n"
    assert (subject.name.name, subject.name.version) == ("pip", PIP)
    assert not list((tmp_path / "env").glob("*constraints*"))


@posix
def test_its_report_says_which_files_it_resolved(
    make_subject: MakeSubject,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    wheels = [make_wheel("foo", requires=["Bar_Baz"]), make_wheel("Bar_Baz", "2.0", build="1")]
    for wheel in wheels:
        index.add(wheel)

    account = make_subject().provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    found = {each.name: (each.version, each.filename, each.sha256) for each in account.resolved or ()}
    digests = [hashlib.sha256(each.read_bytes()).hexdigest() for each in wheels]
    assert found == {
        "foo": ("1.0", wheels[0].name, digests[0]),
        "bar-baz": ("2.0", wheels[1].name, digests[1]),
    }
    assert not list((tmp_path / "env").glob(".wheeltag-*"))


@posix
def test_it_checks_hashes_where_we_do(
    make_subject: MakeSubject,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    index.add(make_wheel("foo"))
    request = replace(parse_request(["foo==1.0"]), hash_rule=HashRule.REQUIRED)

    with pytest.raises(UninstallableError, match=r"(?i)hash"):
        make_subject().provision(tmp_path / "env", running_interpreter, request)


@posix
def test_what_the_user_configured_for_pip_and_python_does_not_count(
    make_subject: MakeSubject,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    index.add(make_wheel("foo", requires=["bar"]))
    index.add(make_wheel("bar"))
    # As options of pip these would leave out `bar` and run into nonsense.
    subject = make_subject(
        PIP_NO_DEPS="1", PIP_TARGET=str(tmp_path / "other"), PYTHONWARNINGS="error", PYTHONPATH="/no"
    )

    subject.provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    assert list_names(made(tmp_path / "env", running_interpreter).as_existing()) == ("bar", "foo")


@posix
def test_its_last_word_is_told(
    make_subject: MakeSubject, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    with pytest.raises(UninstallableError) as caught:
        make_subject().provision(tmp_path / "env", running_interpreter, parse_request(["absent"]))

    message = str(caught.value)
    assert message.startswith(f"pip {PIP} cannot install absent on {running_interpreter.label}: ERROR: ")
    assert "No matching distribution found for absent" in message
    assert "\n" not in message
    assert open_environment(tmp_path / "env", running_interpreter) is None


@posix
def test_offline_it_asks_no_server_and_takes_what_lies_in_folders(
    make_subject: MakeSubject,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    index.add(make_wheel("foo", "2.0"))
    links = write_find_links(tmp_path / "links", [make_wheel("foo", "1.0")])
    sources = replace(make_subject.place.sources, find_links=(str(links),), is_offline=True)
    make_subject.place = replace(make_subject.place, sources=sources)

    make_subject().provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    environment = made(tmp_path / "env", running_interpreter)
    assert (environment.site_packages / "foo-1.0.dist-info").is_dir()
    assert not index.requests


@posix
@pytest.mark.parametrize(
    "script",
    ["#!/bin/sh\necho 'pyenv: pip: command not found' >&2\nexit 127\n", "#!/no/such/interpreter\n", "\0"],
    ids=["shim", "stale", "nonsense"],
)
def test_one_on_path_that_does_not_work_counts_as_none(
    make_subject: MakeSubject,
    index: LocalIndex,
    tmp_path: Path,
    script: str,
) -> None:
    index.add(pack_installed("pip", tmp_path / "packed"))

    assert make_subject(script).name.version == PIP


@posix
def test_a_pinned_one_is_fetched_once_and_run_by_the_target(
    make_subject: MakeSubject,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    served = index.add(pack_installed("pip", tmp_path / "packed"))
    index.add(make_wheel("foo"))
    subject = make_subject("#!/bin/sh\nexit 1\n", pinned=PIP)

    asked = []
    for name in ("one", "two"):
        subject.provision(tmp_path / name, running_interpreter, parse_request(["foo"]))
        asked.append(index.count(served.filename))
        # pip itself is not in the environment that it installs into.
        assert list_names(made(tmp_path / name, running_interpreter).as_existing()) == ("foo",)

    assert subject.name.version == PIP
    assert asked[0] == asked[1] > 0


@posix
def test_where_there_is_none_at_all_that_is_told_each_time(
    make_subject: MakeSubject, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    subject = make_subject("#!/bin/sh\nexit 1\n")

    for name in ("one", "two"):
        with pytest.raises(UninstallableError) as caught:
            subject.provision(tmp_path / name, running_interpreter, parse_request(["foo"]))
        assert "no index has a project of this name" in str(caught.value)
        assert str(caught.value).startswith("wheeltag cannot install pip on ")
    assert subject.name.version == "unknown"
