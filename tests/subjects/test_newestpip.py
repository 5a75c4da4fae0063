from importlib.metadata import version
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.errors import UninstallableError
from pytest_wheeltag.subjects.newestpip import UNKNOWN, NewestPip
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.packed import pack_installed


def lodge(place: Workplace, folder: Path) -> Lodging:
    return Lodging(folder / "home", folder / "cache", place)


def test_the_newest_on_the_index_installs_and_says_what(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    index.add(pack_installed("pip", tmp_path))
    index.add(make_wheel("pip", "1.0"))
    index.add(make_wheel("foo"))
    pip = NewestPip(place, lodge(place, tmp_path), running_interpreter)

    account = pip.provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    assert pip.name.version == version("pip")
    assert account.resolved
    assert [each.filename for each in account.resolved] == ["foo-1.0-py3-none-any.whl"]


def test_one_that_does_not_support_the_interpreter_is_left_out(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    index.add(make_wheel("pip", "20.0"))
    index.add(make_wheel("pip", "30.0", requires_python=">=3.10"))

    assert NewestPip(place, lodge(place, tmp_path), imagine_interpreter("3.8.1")).name.version == "20.0"
    assert NewestPip(place, lodge(place, tmp_path), imagine_interpreter("3.11.1")).name.version == "30.0"


def test_where_there_is_none_its_version_is_unknown_and_it_cannot_install(
    place: Workplace, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    pip = NewestPip(place, lodge(place, tmp_path), running_interpreter)

    assert pip.name.version == UNKNOWN
    with pytest.raises(UninstallableError, match="pip cannot install foo on"):
        pip.provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))
