import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from pytest_wheeltag.errors import EnvironmentBusyError
from pytest_wheeltag.system.occupancy import occupy

fcntl = pytest.importorskip("fcntl", reason="needs folders that can be locked")


def test_another_process_is_waited_for(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from pytest_wheeltag.system.occupancy import occupy\n"
        "with occupy(sys.argv[1], Path(sys.argv[2]), timeout_seconds=0):\n"
        "    print('in', flush=True); sys.stdin.readline(); Path(sys.argv[1], 'left').touch()\n"
    )
    # Another cache: what counts is the environment.
    command = [sys.executable, "-c", code, str(tmp_path), str(tmp_path / "other")]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "in\n"
        with (
            pytest.raises(
                EnvironmentBusyError, match=r"^the environment is left as it is, another process"
            ) as told,
            occupy(str(tmp_path), tmp_path / "cache", timeout_seconds=0),
        ):
            pytest.fail("two at once")
        assert str(told.value).endswith(f": `{tmp_path}`")
        other.stdin.write("\n")
        other.stdin.flush()
        with occupy(str(tmp_path), tmp_path / "cache", timeout_seconds=30):
            assert (tmp_path / "left").exists()


def test_another_thread_is_waited_for(tmp_path: Path) -> None:
    order = []

    def work(name: str) -> None:
        with occupy(str(tmp_path), tmp_path / "cache", timeout_seconds=30):
            order.append(name)
            time.sleep(0.05)
            order.append(name)

    threads = [Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert order[::2] == order[1::2]
    assert sorted(order[::2]) == ["a", "b", "c"]


@pytest.fixture
def unlockable(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let folders be without locks, as network file systems have it; files have them."""
    flock = fcntl.flock

    def refuse(descriptor: int, operation: int) -> None:
        if os.fstat(descriptor).st_mode & 0o040000:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", refuse)
    return refuse


@pytest.mark.usefixtures("unlockable")
def test_where_folders_have_no_locks_a_file_in_the_cache_does(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with occupy(str(tmp_path), cache, timeout_seconds=0):
        assert len(list(cache.rglob("*"))) == 2
        with (
            pytest.raises(EnvironmentBusyError, match="another process is at work"),
            occupy(str(tmp_path), cache, timeout_seconds=0),
        ):
            pytest.fail("two at once")
    with occupy(str(tmp_path), cache, timeout_seconds=0):
        pass


def test_an_environment_that_is_gone_cannot_be_occupied(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), occupy(str(tmp_path / "gone"), tmp_path, timeout_seconds=0):
        pytest.fail("nothing is there")
