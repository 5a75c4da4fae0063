"""One process at a time at work in an environment."""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_wheeltag.errors import EnvironmentBusyError
from pytest_wheeltag.system.files import lock

LOCKS_ROOM = "locks-v1"

_PAUSE_SECONDS = 0.02
_DIGEST_CHARACTERS = 16


@contextmanager
def occupy(prefix: str, cache: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Keep all other processes out of an environment, whatever their caches, by a lock on its folder.

    Where folders cannot be locked (Windows, network file systems), by a lock file in the cache. Raises
    ``EnvironmentBusyError`` where another process is at work there all the time, ``OSError`` where there is no
    such folder.
    """
    until = time.monotonic() + timeout_seconds
    descriptor = _open(prefix)
    try:
        if descriptor is not None and _lock(descriptor, prefix, until):
            yield
            return
        with lock(cache / LOCKS_ROOM / _key(prefix), timeout_seconds=timeout_seconds) as is_held:
            if not is_held:
                raise EnvironmentBusyError(prefix)
            yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open(prefix: str) -> int | None:
    if sys.platform == "win32":
        return None
    return os.open(prefix, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _lock(descriptor: int, prefix: str, until: float) -> bool:
    """Lock an open folder; False where there are no such locks."""
    if sys.platform == "win32":
        return False
    import fcntl  # noqa: PLC0415 - Windows has none

    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise EnvironmentBusyError(prefix) from None
            time.sleep(_PAUSE_SECONDS)
        except OSError:
            return False
        else:
            return True


def _key(prefix: str) -> str:
    return hashlib.sha256(os.fsencode(prefix)).hexdigest()[:_DIGEST_CHARACTERS]
