import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_wheeltag.system.processes import end_group, own_group

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the processes here are shell scripts")


def start(script: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, **own_group())


def is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
            # Where nobody adopts orphans, a dead one stays as a zombie.
            if Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("script", ["sleep 60 & echo $!; wait", "sleep 60 & echo $!"], ids=["alive", "ended"])
def test_a_process_ends_with_all_that_it_started(script: str) -> None:
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
