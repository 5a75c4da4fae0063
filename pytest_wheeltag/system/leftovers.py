"""What processes leave behind when they die at work, and how to tell it from what is still in use."""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pytest_wheeltag.system.files import STAGING_PREFIX

_STAGED = re.compile(re.escape(STAGING_PREFIX) + r"(\d{1,10})-[0-9a-f]+")
# Numbers of processes are used again, and on Windows nobody is asked.
_STALE_SECONDS = 24 * 3600


def sweep(folder: Path) -> None:
    """Remove what dead processes were preparing in a folder; what cannot be removed stays without an error."""
    for path in find_leftovers(folder):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def find_leftovers(folder: Path) -> Iterator[Path]:
    """Find what dead processes were preparing in a folder."""
    try:
        with os.scandir(folder) as entries:
            found = [match for entry in entries if (match := _STAGED.fullmatch(entry.name))]
    except OSError:
        return
    yield from (folder / match[0] for match in found if _is_abandoned(folder / match[0], int(match[1])))


def _is_abandoned(path: Path, process: int) -> bool:
    if process == os.getpid() or _is_held(path):
        return False
    try:
        age_seconds = time.time() - path.lstat().st_mtime
    except OSError:
        return False
    return age_seconds > _STALE_SECONDS or not _is_alive(process)


def _is_alive(process: int) -> bool:
    # On Windows, signal 0 is no question but Ctrl+C.
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def hold(path: Path) -> int | None:
    """Lock a folder that is being prepared, for processes that do not see ours (containers).

    Gives a descriptor to close in the end, None where there are no such locks.
    """
    if sys.platform == "win32":
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with suppress(OSError):
        _lock(descriptor)
    return descriptor


def _is_held(path: Path) -> bool:
    if sys.platform == "win32" or not path.is_dir():
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        _lock(descriptor)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int) -> None:
    import fcntl  # noqa: PLC0415 - Windows has none

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
