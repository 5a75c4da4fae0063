from importlib.metadata import version
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.errors import UninstallableError
from pytest_wheeltag.subjects.subject import Subject
from pytest_wheeltag.subjects.wheeltag import WheeltagSubject
from pytest_wheeltag.system.environment import open_environment
from pytest_wheeltag.system.installed import list_names
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker
from pytest_wheeltag.workshop.imagined import imagine_interpreter


@pytest.fixture
def subject(place: Workplace) -> Subject:
    return WheeltagSubject(place)


def test_it_has_our_name_and_version(subject: Subject) -> None:
    assert subject.name == InstallerName("wheeltag", version("pytest-wheeltag"))


def test_it_makes_a_complete_environment(
    subject: Subject,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    foo, bar = make_wheel("foo", requires=["bar"]), make_wheel("bar")
    index.add(foo)
    index.add(bar)

    account = subject.provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    made = open_environment(tmp_path / "env", running_interpreter)
    assert made is not None
    assert list_names(made.as_existing()) == ("bar", "foo")
    assert sorted(each.filename or "" for each in account.resolved or ()) == [bar.name, foo.name]


def test_what_keeps_it_from_its_work_is_one_line_with_its_cause(
    subject: Subject, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    with pytest.raises(UninstallableError) as caught:
        subject.provision(tmp_path / "env", running_interpreter, parse_request(["absent>1", "foo"]))

    label = running_interpreter.label
    assert str(caught.value).startswith(
        f"wheeltag cannot install absent>1, foo on {label}: cannot be resolved for {label}, "
    )
    assert caught.value.__cause__ is not None
    assert open_environment(tmp_path / "env", running_interpreter) is None


def test_an_interpreter_that_is_not_there_and_a_file_in_the_way_are_told_alike(
    subject: Subject, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UninstallableError, match="this python cannot be used"):
        subject.provision(tmp_path / "env", imagine_interpreter(), parse_request(["foo"]))
    with pytest.raises(UninstallableError, match=r"Not a directory|File exists|cannot find the path"):
        subject.provision(tmp_path / "file" / "env", running_interpreter, parse_request(["foo"]))


def test_with_another_cache_it_keeps_nothing_in_that_of_its_place(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    served = index.add(make_wheel("foo"))
    warm, cold = WheeltagSubject(place, place.cache), WheeltagSubject(place, tmp_path / "cold")

    asked = []
    for name, subject in {"first": warm, "second": warm, "third": cold, "fourth": cold}.items():
        subject.provision(tmp_path / name, running_interpreter, parse_request(["foo"]))
        asked.append(index.count(served.filename))

    assert asked[0] == asked[1] < asked[2] == asked[3]
    assert (tmp_path / "cold" / "wheels-v1").is_dir()
