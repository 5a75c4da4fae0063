from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.errors import EnvironmentRefusedError
from pytest_wheeltag.system.admission import admit
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.workshop import WheelMaker, lay, make_environment
from pytest_wheeltag.workshop.environments import FakeEnvironment
from pytest_wheeltag.workshop.imagined import imagine_interpreter


@pytest.fixture
def fake(tmp_path: Path) -> FakeEnvironment:
    return make_environment(tmp_path / "env")


def describe(fake: FakeEnvironment, path: Path | None = None) -> ExistingEnvironment:
    return ExistingEnvironment(str(path or fake.path), imagine_interpreter(), (str(fake.site_packages),))


def test_an_empty_environment_is_taken(fake: FakeEnvironment) -> None:
    assert admit(describe(fake)).prefix == fake.path


def test_one_that_only_we_filled_is_taken(fake: FakeEnvironment, tmp_path: Path) -> None:
    lay(WheelMaker(tmp_path)("foo"), fake, installer="pytest-wheeltag")

    assert admit(describe(fake)).prefix == fake.path


@pytest.mark.parametrize("installer", ["pip", "uv", "conda", ""])
def test_one_that_others_filled_is_refused(installer: str, fake: FakeEnvironment, tmp_path: Path) -> None:
    make_wheel = WheelMaker(tmp_path / "wheels")
    lay(make_wheel("foo"), fake, installer="pytest-wheeltag")
    lay(make_wheel("qux"), fake, installer=installer)

    with pytest.raises(
        EnvironmentRefusedError, match=r"found qux 1\.0 .*comes later.*use pip there"
    ) as caught:
        admit(describe(fake))
    assert str(caught.value).endswith(f": `{fake.path}`")


def test_one_that_we_made_is_taken_whatever_it_holds(fake: FakeEnvironment, tmp_path: Path) -> None:
    Environment(fake.path, imagine_interpreter()).complete()
    lay(WheelMaker(tmp_path)("foo"), fake, installer="pip")

    assert admit(describe(fake)).is_complete


def test_one_of_ours_that_was_never_finished_is_refused(fake: FakeEnvironment) -> None:
    (fake.path / ".wheeltag").write_bytes(b"unfinished\n")

    with pytest.raises(EnvironmentRefusedError, match="interrupted; make it again"):
        admit(describe(fake))


def test_a_detour_is_not_part_of_the_prefix(fake: FakeEnvironment) -> None:
    assert admit(describe(fake, fake.path / "bin" / "..")).prefix == fake.path.resolve()


def test_an_interpreter_itself_is_refused(tmp_path: Path) -> None:
    base = ExistingEnvironment(str(tmp_path), imagine_interpreter(), (str(tmp_path / "lib"),))

    with pytest.raises(EnvironmentRefusedError, match="found an interpreter itself; make an environment"):
        admit(base)


def test_an_externally_managed_interpreter_is_refused_by_its_rule(tmp_path: Path) -> None:
    managed = replace(imagine_interpreter(), externally_managed=True)
    base = ExistingEnvironment(str(tmp_path), managed, (str(tmp_path / "lib"),))

    with pytest.raises(EnvironmentRefusedError, match=r"externally managed interpreter \(PEP 668\)"):
        admit(base)
