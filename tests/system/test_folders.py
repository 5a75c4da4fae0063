import os
from pathlib import Path

import pytest

from pytest_wheeltag.system import folders
from pytest_wheeltag.system.folders import FolderWalk, OpenFolder


@pytest.fixture(params=[True, False], ids=["descriptors", "names"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no descriptors of folders: there the same is done by names."""
    if request.param and not folders.HAS_DESCRIPTORS:
        pytest.skip("no descriptors of folders here")
    monkeypatch.setattr(folders, "HAS_DESCRIPTORS", request.param)


def write(folder: OpenFolder, name: str) -> None:
    os.close(os.open(folder.name(name), os.O_CREAT | os.O_EXCL, dir_fd=folder.descriptor))


@pytest.mark.usefixtures("_both_ways")
def test_folders_are_made_where_they_are_asked_for(tmp_path: Path) -> None:
    with FolderWalk(str(tmp_path), create=True) as walk:
        for number, relative in enumerate(("a/b/c", "a/b", "a-b", "", "a/d", "a/b/c")):
            write(walk.open(relative), str(number))
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"a/b/c/0", "a/b/1", "a-b/2", "3", "a/d/4", "a/b/c/5"}


@pytest.mark.usefixtures("_both_ways")
def test_without_create_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with FolderWalk(str(tmp_path)) as walk, pytest.raises(OSError, match=r"a"):
        walk.open("a/b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize("create", [True, False])
def test_a_link_on_the_way_is_never_followed(tmp_path: Path, *, create: bool) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").symlink_to(tmp_path / "outside", target_is_directory=True)
    with FolderWalk(str(tmp_path / "root"), create=create) as walk, pytest.raises(OSError, match=r"a"):
        walk.open("a/b")
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.usefixtures("_both_ways")
def test_bases_may_be_links(tmp_path: Path) -> None:
    (tmp_path / "lib" / "python").mkdir(parents=True)
    (tmp_path / "lib64").symlink_to("lib", target_is_directory=True)
    with (
        FolderWalk(str(tmp_path), bases={"lib64/python"}, create=True) as walk,
        pytest.raises(OSError, match=r"lib64"),
    ):
        # What leads to a base is not one itself.
        walk.open("lib64/other")
    with FolderWalk(str(tmp_path), bases={"lib64", "lib64/python"}, create=True) as walk:
        write(walk.open("lib64/python/foo"), "file")
    assert (tmp_path / "lib" / "python" / "foo" / "file").is_file()


@pytest.mark.usefixtures("_both_ways")
def test_a_file_on_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with FolderWalk(str(tmp_path), create=True) as walk, pytest.raises(OSError, match=r"a"):
        walk.open("a/b")


def test_every_descriptor_is_given_back(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("descriptors are counted on Linux only")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with FolderWalk(str(tmp_path), create=True) as walk:
        for number in range(50):
            walk.open(f"{number}/a/b")
        held = len(list(Path("/proc/self/fd").iterdir()))
    assert held - before <= 4
    assert len(list(Path("/proc/self/fd").iterdir())) == before
