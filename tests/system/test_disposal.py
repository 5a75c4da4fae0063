import os
from pathlib import Path

import pytest

from pytest_wheeltag.system.disposal import Deletion
from pytest_wheeltag.system.folders import OpenFolder


@pytest.fixture
def opened(tmp_path: Path) -> OpenFolder:
    (tmp_path / "lib").mkdir()
    return OpenFolder.open(str(tmp_path / "lib"))


def test_a_file_is_unlinked_and_never_written_into(opened: OpenFolder, tmp_path: Path) -> None:
    (tmp_path / "stored").write_text("shared")
    os.link(tmp_path / "stored", tmp_path / "lib" / "a.py")
    Deletion(str(tmp_path)).take("a.py", "lib", opened)
    assert not (tmp_path / "lib" / "a.py").exists()
    assert (tmp_path / "stored").read_text() == "shared"


def test_a_link_goes_and_what_it_leads_to_stays(opened: OpenFolder, tmp_path: Path) -> None:
    (tmp_path / "outside").touch()
    (tmp_path / "lib" / "a.py").symlink_to(tmp_path / "outside")
    Deletion(str(tmp_path)).take("a.py", "lib", opened)
    assert list((tmp_path / "lib").iterdir()) == []
    assert (tmp_path / "outside").exists()


def test_a_folder_goes_only_when_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "foo" / "bar").mkdir(parents=True)
    deletion = Deletion(str(tmp_path))
    with pytest.raises(OSError, match="not empty"):
        deletion.take_folder("foo")
    deletion.take_folder("foo/bar")
    deletion.take_folder("foo")
    assert list(tmp_path.iterdir()) == []


def test_a_tree_goes_by_another_name_so_that_half_of_it_never_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "foo-1.0.dist-info" / "licenses").mkdir(parents=True)
    deletion = Deletion(str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda _: None)
        deletion.take_tree("foo-1.0.dist-info")
        (aside,) = tmp_path.iterdir()
        assert aside.name.startswith(".tmp-")
    deletion.take_tree(aside.name)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_an_error(opened: OpenFolder, tmp_path: Path) -> None:
    deletion = Deletion(str(tmp_path))
    for take in (deletion.take_folder, deletion.take_tree):
        with pytest.raises(FileNotFoundError):
            take("gone")
    with pytest.raises(FileNotFoundError):
        deletion.take("gone", "lib", opened)
