import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_wheeltag.system.files import staging_path
from pytest_wheeltag.system.leftovers import find_leftovers, hold, sweep

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot be asked whether a process lives")


@pytest.fixture(scope="module")
def dead() -> int:
    """Give the number of a process that was."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


@posix
def test_what_dead_processes_left_is_removed(tmp_path: Path, dead: int) -> None:
    (tmp_path / f".tmp-{dead}-ab" / "x").mkdir(parents=True)
    (tmp_path / f".tmp-{dead}-cd").touch()
    (tmp_path / f".tmp-{dead}-ef").symlink_to(tmp_path / "kept", target_is_directory=True)
    (tmp_path / "kept" / "x").mkdir(parents=True)
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "x").is_dir()


@posix
def test_what_is_in_use_stays(tmp_path: Path, dead: int) -> None:
    names = [
        ".tmp-1-ab",
        staging_path(tmp_path / "x").name,
        f".tmp-{dead}-zz",
        ".tmp-x",
        f"tmp-{dead}-ab",
        "other",
    ]
    for name in names:
        (tmp_path / name).mkdir()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


@posix
def test_what_is_held_stays_even_if_the_process_is_not_seen(tmp_path: Path, dead: int) -> None:
    held = tmp_path / f".tmp-{dead}-ab"
    held.mkdir()
    descriptor = hold(held)
    assert descriptor is not None
    sweep(tmp_path)
    assert held.is_dir()
    os.close(descriptor)
    sweep(tmp_path)
    assert not held.exists()


def test_what_is_a_day_old_goes_whoever_has_that_number_now(tmp_path: Path) -> None:
    old = tmp_path / ".tmp-1-ab"
    old.mkdir()
    os.utime(old, (0, 0))
    sweep(tmp_path)
    assert not old.exists()


def test_a_folder_that_is_not_there_has_no_leftovers(tmp_path: Path) -> None:
    assert list(find_leftovers(tmp_path / "absent")) == []
