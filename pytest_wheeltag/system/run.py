"""What all processes of one test run share: each page of an index as the first of them saw it."""

import hashlib
import re
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.files import clear_away, lock, publish_first, read_regular

_DAY_SECONDS = 86_400
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# Only whoever made the snapshot reads it: it may hold the pages of private indexes.
_MODE = 0o600


class RunSnapshot:
    """The answers that a test run has seen, below ``cache_root``; ``run_id`` is the same in all its processes."""

    def __init__(self, cache_root: Path, run_id: str) -> None:
        plain = run_id if _PLAIN_ID.fullmatch(run_id) else hashlib.sha256(run_id.encode()).hexdigest()
        self.folder = cache_root / "runs-v1" / plain

    def read(self, key: str, limit: int) -> bytes | None:
        """Give what the run has seen under ``key``, at most ``limit`` bytes of it, None for nothing yet."""
        try:
            return read_regular(self.folder / key, limit)
        except OSError:
            return None
        except UnsafeFileError:
            self.forget(key)
            return None

    def publish(self, key: str, parts: Iterable[bytes | bytearray]) -> bool:
        """Keep an answer for the run unless another process was first; tell whether it was this one.

        Raises ``OSError`` where the cache cannot be written.
        """
        return publish_first(self.folder / key, parts, mode=_MODE)

    def forget(self, key: str) -> None:
        """Take away an answer that turned out damaged."""
        clear_away(self.folder / key)

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[bool]:
        """Hold the lock of a key, so that one process downloads and the others wait for its answer."""
        return lock(self.folder / f"{key}.lock", timeout_seconds=timeout_seconds)


def remove_run(cache_root: Path, run_id: str) -> None:
    """Remove the snapshot of a run that is over."""
    _remove(RunSnapshot(cache_root, run_id).folder)


def sweep_runs(cache_root: Path, *, older_than_seconds: float = _DAY_SECONDS) -> int:
    """Remove the snapshots of runs that nothing was added to for a day; give their number."""
    runs = cache_root / "runs-v1"
    limit = time.time() - older_than_seconds
    try:
        expired = [folder for folder in runs.iterdir() if _is_expired(folder, limit)]
    except OSError:
        return 0
    return sum(_remove(folder) for folder in expired)


def _is_expired(folder: Path, limit: float) -> bool:
    try:
        return folder.is_dir() and not folder.is_symlink() and folder.stat().st_mtime < limit
    except OSError:
        return False


def _remove(folder: Path) -> bool:
    # Away from its name first: a run that starts now never finds half a snapshot.
    clear_away(folder)
    return not folder.exists()


def remove_if_empty(folder: Path) -> None:
    """Remove a shared folder with the run's own, where nothing was kept in them."""
    for each in (folder, folder.parent, folder.parent.parent):
        with suppress(OSError):
            each.rmdir()
