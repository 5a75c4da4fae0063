from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.system import grounds
from pytest_wheeltag.system.grounds import Spot, find_grounds


def test_all_lies_below_the_prefix(target: InstallTarget) -> None:
    found = find_grounds(target)
    assert found.roots == (str(Path(target.prefix).resolve()),)
    assert found.locate(f"{target.purelib}/foo/a.py") == Spot(0, f"{target.purelib}/foo/a.py")
    assert found.locate("") == Spot(0, "")
    assert found.locate("share/x") == Spot(0, "share/x")
    assert found.path_of(Spot(0, "share/x")) == f"{found.roots[0]}/share/x"
    assert found.path_of(Spot(0, "")) == found.roots[0]


def test_one_folder_of_two_names_is_one(target: InstallTarget) -> None:
    Path(target.prefix, "lib64").symlink_to("lib", target_is_directory=True)
    found = find_grounds(replace(target, platlib=target.purelib.replace("lib", "lib64", 1)))
    assert len(found.roots) == 1
    assert found.locate(target.purelib.replace("lib", "lib64", 1) + "/foo") == Spot(
        0, f"{target.purelib}/foo"
    )


def test_a_folder_elsewhere_is_a_root(target: InstallTarget, tmp_path: Path) -> None:
    library = Path(target.prefix, target.purelib)
    (tmp_path / "elsewhere").mkdir()
    library.rmdir()
    library.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    found = find_grounds(target)
    assert found.roots[1:] == (str((tmp_path / "elsewhere").resolve()),)
    assert found.locate(f"{target.purelib}/foo/a.py") == Spot(1, "foo/a.py")
    assert found.locate(target.purelib) == Spot(1, "")


def test_a_folder_on_another_device_is_a_root(target: InstallTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    library = str(Path(target.prefix, target.purelib).resolve())
    monkeypatch.setattr(grounds, "_device_of", lambda path, otherwise: -1 if path == library else otherwise)
    found = find_grounds(target)
    assert found.roots[1:] == (library,)
    assert found.locate(f"{target.purelib}/a.py") == Spot(1, "a.py")
    assert found.locate(f"{target.scripts}/a") == Spot(0, f"{target.scripts}/a")


def test_an_environment_that_is_gone_cannot_be_surveyed(target: InstallTarget) -> None:
    with pytest.raises(FileNotFoundError):
        find_grounds(replace(target, prefix=f"{target.prefix}/gone"))


def test_a_spot_knows_its_neighbours() -> None:
    assert Spot(1, "a/b").parent == Spot(1, "a")
    assert Spot(1, "a").parent == Spot(1, "")
    assert Spot(1, "a/b").name == "b"
    assert Spot(1, "").inside("a") == Spot(1, "a")
