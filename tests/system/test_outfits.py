from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, parse_wheel_name
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.resolution import Choice, Resolution
from pytest_wheeltag.system.delivery import Delivery
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.environment import EnvironmentMaker
from pytest_wheeltag.system.installation import InstallOptions
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.keptsources import KeptSources
from pytest_wheeltag.system.outfits import DeliveredOutfit
from pytest_wheeltag.system.store import WheelStore
from pytest_wheeltag.system.workbench import Workbench
from pytest_wheeltag.workshop import WheelSpec
from pytest_wheeltag.workshop.imagined import imagine_file

Stored = Callable[[WheelSpec], StoreEntry]


class NoArchives(KeptSources):
    """Archives of which none is ever asked for."""

    def __init__(self) -> None:
        pass


@pytest.fixture
def outfit(interpreter: Interpreter, stored: Stored, tmp_path: Path) -> DeliveredOutfit:
    entry = stored(WheelSpec("foo", "1.0"))
    filename = "foo-1.0-py3-none-any.whl"
    artefact = Candidate(imagine_file(filename), parse_wheel_name(filename), 1)
    choice = Choice(canonicalize_name("foo"), Version("1.0"), artefact)
    cache = tmp_path / "cache"
    workbench = Workbench(cache, WheelStore(cache), NoArchives())
    delivery = Delivery(Resolution((choice,)), {choice.name: entry})
    return DeliveredOutfit(interpreter, delivery, EnvironmentMaker(cache, {}), workbench, InstallOptions())


def test_its_requirements_name_the_very_wheels(outfit: DeliveredOutfit) -> None:
    (entry,) = outfit.delivery.entries.values()
    assert outfit.requirements == (f"foo==1.0 {entry.digest}",)


def test_its_environments_hold_it_and_go_in_the_end(outfit: DeliveredOutfit) -> None:
    with outfit.open() as one, outfit.open() as other:
        assert one.prefix != other.prefix
        for environment in (one, other):
            assert [each.name for each in read_installed(environment.as_existing())] == ["foo"]
    assert not one.prefix.exists()
    assert not other.prefix.exists()


def test_a_build_that_fails_leaves_no_environment(outfit: DeliveredOutfit) -> None:
    def fail() -> None:
        with outfit.open():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    room = outfit.workbench.open_room()
    assert [path for path in room.rglob("*") if path.name == "pyvenv.cfg"] == []
