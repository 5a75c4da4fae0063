import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from pytest_wheeltag.system.processes import end_group, own_group, wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the processes here are shell scripts")


def start(script: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, **own_group())


@pytest.mark.parametrize("script", ["sleep 60 & echo $!; wait", "sleep 60 & echo $!"], ids=["alive", "ended"])
def test_a_process_ends_with_all_that_it_started(script: str, is_gone: Callable[[int], bool]) -> None:
    with start(script) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert not is_running_in_our_group(process.pid)
        end_group(process)
        assert process.poll() is not None
        assert is_gone(child)


def is_running_in_our_group(pid: int) -> bool:
    try:
        return os.getpgid(pid) == os.getpgid(0)
    except ProcessLookupError:
        return False


def test_ending_it_twice_is_no_error() -> None:
    with start("exit 3") as process:
        end_group(process)
        end_group(process)
        assert process.returncode in {3, -9}


def test_the_end_of_a_process_is_waited_for() -> None:
    with start("exit 3") as process:
        assert wait_for(process, 60) == 3
        assert wait_for(process, 60) == 3


def test_waiting_ends_with_the_time() -> None:
    with start("sleep 60") as process:
        with pytest.raises(subprocess.TimeoutExpired):
            wait_for(process, 0.01)
        assert process.poll() is None
        end_group(process)


def test_where_the_system_cannot_tell_of_the_end_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    with start("exit 3") as process:
        assert wait_for(process, 60) == 3
    monkeypatch.delattr(os, "pidfd_open")
    with start("exit 4") as process:
        assert wait_for(process, 60) == 4
