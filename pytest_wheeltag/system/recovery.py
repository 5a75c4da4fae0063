"""What is done about transactions that died: undone, unless another installer came after them."""

import os
from contextlib import suppress
from pathlib import Path

from pytest_wheeltag.errors import EnvironmentStateError, UnsafeFileError
from pytest_wheeltag.system.grounds import Grounds
from pytest_wheeltag.system.journal import JOURNAL_NAME
from pytest_wheeltag.system.rollback import BACKUP_PREFIX, find_successor, remove_backup, roll_back

_KEPT_PREFIX = ".wheeltag-kept-"


def recover_grounds(grounds: Grounds) -> tuple[str, ...]:
    """Undo what dead processes left half done, in an environment that nobody else is at work in; say so, a line each.

    What another installer changed since is not undone, and what a transaction that was
    done had not yet removed is. Raises ``EnvironmentStateError`` where something cannot be put back.
    """
    told = (_settle(Path(grounds.roots[0], name), grounds) for name in _find_backups(grounds.roots[0]))
    return tuple(filter(None, told))


def _settle(backup: Path, grounds: Grounds) -> str | None:
    """Undo what a backup folder is left of, or remove it where all was done; say so in a clause."""
    if not os.path.lexists(backup / JOURNAL_NAME):
        discard(backup.name, grounds)
        return None
    try:
        if find_successor(backup):
            return _keep(backup.name, grounds)
        roll_back(backup)
    except (OSError, UnsafeFileError, ValueError) as error:
        problem = f"what an interrupted installation replaced cannot be put back ({error})"
        raise EnvironmentStateError(str(backup), problem) from error
    return f"what an interrupted installation had begun has been undone: `{backup.parent}`"


def _keep(backup: str, grounds: Grounds) -> str:
    """Put a backup aside that nobody will put back any more, for its owner to look through."""
    kept = backup.replace(BACKUP_PREFIX, _KEPT_PREFIX, 1)
    for root in reversed(grounds.roots):
        with suppress(FileNotFoundError):
            Path(root, backup).rename(Path(root, kept))
    return (
        "what an interrupted installation had begun is not undone, since something else was installed there "
        f"after it; remove what it had replaced if nothing is missing: `{Path(grounds.roots[0], kept)}`"
    )


def discard(backup: str, grounds: Grounds) -> None:
    """Remove the backup folders of a transaction, named ``backup``, below each root."""
    # The prefix's own goes last: it is by that one that the others are found.
    for root in reversed(grounds.roots):
        remove_backup(Path(root, backup))


def _find_backups(prefix: str) -> list[str]:
    with os.scandir(prefix) as entries:
        return sorted(entry.name for entry in entries if entry.name.startswith(BACKUP_PREFIX))
