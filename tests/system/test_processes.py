import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from pytest_wheeltag.system.processes import end_group, own_group

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
