import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_wheeltag.system.downloads import Downloads
from pytest_wheeltag.system.keptsources import KeptSources
from pytest_wheeltag.system.store import WheelStore
from pytest_wheeltag.system.transport import FakeTransport
from pytest_wheeltag.system.workbench import LOGS, ROOM, Workbench

EIGHT_DAYS_SECONDS = 8 * 86_400


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path, WheelStore(tmp_path), KeptSources(tmp_path, Downloads(FakeTransport({}))))


def test_a_workbench_alone_makes_no_folder(workbench: Workbench) -> None:
    assert not (workbench.cache / ROOM).exists()
    assert workbench.open_room() == workbench.cache / ROOM
    assert (workbench.cache / ROOM).is_dir()


def test_each_folder_that_is_reserved_is_another_and_not_there_yet(workbench: Workbench) -> None:
    reserved = {workbench.reserve_folder() for _ in range(10)}

    assert len(reserved) == 10
    assert {path.parent for path in reserved} == {workbench.cache / ROOM}
    assert not any(path.exists() for path in reserved)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot be asked whether a process lives")
def test_opening_takes_away_what_the_dead_and_the_failed_left(workbench: Workbench) -> None:
    dead = subprocess.Popen([sys.executable, "-S", "-c", ""])
    dead.wait()
    room = workbench.cache / ROOM
    (room / f".tmp-{dead.pid}-ab" / "x").mkdir(parents=True)
    (room / LOGS).mkdir()
    for name in ("old.log", "new.log"):
        (room / LOGS / name).write_text("", encoding="utf-8")
    long_ago = time.time() - EIGHT_DAYS_SECONDS
    os.utime(room / LOGS / "old.log", (long_ago, long_ago))

    workbench.open_room()

    assert [path.name for path in room.iterdir()] == [LOGS]
    assert [path.name for path in (room / LOGS).iterdir()] == ["new.log"]


def test_a_cache_that_was_cleared_meanwhile_is_made_again(workbench: Workbench) -> None:
    workbench.open_room().rmdir()

    assert workbench.reserve_folder().parent.is_dir()
