"""Processes with a group of their own, which end with all that they started."""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

_REAP_SECONDS = 5.0


def own_group() -> dict[str, Any]:
    """Give the arguments of ``Popen`` for a process with a group of its own, and no terminal to ask anybody on."""
    # A session of its own has none.
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def wait_for(process: "subprocess.Popen[bytes]", seconds: float) -> int:
    """Wait until a process ends, and give its status; raises ``subprocess.TimeoutExpired``.

    ``Popen.wait`` with a time-out looks twenty times a second: what takes 60 ms takes 110. Where the system can tell
    of the end of a process, it is asked to.
    """
    if not hasattr(os, "pidfd_open"):
        return process.wait(seconds)
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        # Ended and reaped, or a kernel that has no such thing.
        return process.wait(seconds)
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        has_ended = bool(poller.poll(seconds * 1000))
    finally:
        os.close(descriptor)
    return process.wait(None if has_ended else 0)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process that was started so, and its children, whether or not it ended by itself."""
    if sys.platform == "win32":
        if process.poll() is None:
            tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
            subprocess.run(tree, check=False, capture_output=True, timeout=_REAP_SECONDS)
    else:
        # Even where the leader ended by itself: its children share the group.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_REAP_SECONDS)
