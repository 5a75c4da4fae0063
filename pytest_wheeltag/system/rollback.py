"""Undoing what a transaction did to an environment, again and again if need be, until all is as it was."""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.system.bytecode import CACHE_FOLDER, open_bytecode, stems_of
from pytest_wheeltag.system.folders import FolderWalk, OpenFolder, is_absence, make_like
from pytest_wheeltag.system.grounds import Spot, join
from pytest_wheeltag.system.journal import JOURNAL_NAME, Journal, JournalFile, Writing, WritingKind
from pytest_wheeltag.system.succession import Succession

BACKUP_PREFIX = ".wheeltag-replaced-"
# Below a backup folder, beside the journal: what was taken away, under its path relative to the root.
REPLACED_NAME = "replaced"
# The same, once nothing that was written anew is left: what lies in its place has been put back.
_RESTORED_NAME = "restored"

_Removal = Callable[[list[str], OpenFolder], None]


def roll_back(backup: Path) -> None:
    """Undo a transaction by the journal in its backup folder, which lies in the prefix; both are gone then.

    What it wrote anew is removed, what it took away moved back; what it never touched stays, whatever came to
    lie there since. To be called again where it was interrupted. Raises ``OSError`` where something cannot be
    put back, ``UnsafeFileError`` or ``ValueError`` for a journal that cannot be read.
    """
    file = JournalFile(backup / JOURNAL_NAME)
    journal = file.read()
    if journal is not None:
        for number, folder in enumerate(_backups(backup, journal)):
            _Undoing(str(folder.parent), str(folder), tuple(_of_root(journal, number))).run()
    file.remove()
    # The prefix's own goes last: it is by that one that the others are found.
    for folder in reversed(_backups(backup, journal)):
        remove_backup(folder)


def find_successor(backup: Path) -> str | None:
    """Find what another installer put since in place of what a transaction changed, None where nobody did.

    Gives the path of a dist-info folder. Raises as ``roll_back``.
    """
    file = JournalFile(backup / JOURNAL_NAME)
    journal = file.read()
    # Once undoing began, what came back is newer than the journal, too.
    if journal is None or any((folder / _RESTORED_NAME).exists() for folder in _backups(backup, journal)):
        return None
    replaced = tuple(str(folder / REPLACED_NAME) for folder in _backups(backup, journal))
    since_ns = file.path.stat().st_mtime_ns
    return Succession((str(backup.parent), *journal.roots), replaced, journal, since_ns).find_successor()


def _backups(backup: Path, journal: Journal | None) -> tuple[Path, ...]:
    return backup, *(Path(root, backup.name) for root in (journal.roots if journal else ()))


def remove_backup(backup: Path) -> None:
    """Remove a backup folder that is not needed any longer; what cannot be removed stays without an error."""
    shutil.rmtree(backup, ignore_errors=True)


def _of_root(journal: Journal, number: int) -> Iterator[Writing]:
    yield from (writing for writing in journal.writings if writing.folder.root == number)


@dataclass(frozen=True)
class _Undoing:
    """What is undone below one root; ``backup`` is the root's own backup folder."""

    root: str
    backup: str
    writings: tuple[Writing, ...]

    @cached_property
    def replaced(self) -> str:
        """Where what was taken away lies."""
        return f"{self.backup}/{REPLACED_NAME}"

    def run(self) -> None:
        """Undo it; without a backup folder nothing was begun here."""
        Path(self.root).stat()
        if not os.path.lexists(self.backup):
            return
        restored = Path(self.backup, _RESTORED_NAME)
        if not restored.exists():
            self._remove_new()
            try:
                Path(self.replaced).rename(restored)
            except FileNotFoundError:
                restored.mkdir()
        _restore(restored, Path(self.root))

    def _remove_new(self) -> None:
        made = {each.folder.inside(name) for each in self._of(WritingKind.FOLDERS) for name in each.names}
        with FolderWalk(self.root) as walk:
            for writing in self._of(WritingKind.FILES):
                self._remove_from(writing, walk, _remove_files)
            for writing in self._of(WritingKind.TREES):
                self._remove_from(writing, walk, _remove_trees)
            for spot in sorted(made, key=lambda spot: spot.path.count("/"), reverse=True):
                writing = Writing(WritingKind.FOLDERS, spot.parent, (spot.name,))
                self._remove_from(writing, walk, _remove_folders)

    def _remove_from(self, writing: Writing, walk: FolderWalk, remove: _Removal) -> None:
        try:
            folder = walk.open(writing.folder.path)
        except OSError as error:
            # What is gone, or is a link now, is nothing of ours.
            if is_absence(error):
                return
            raise
        remove([name for name in writing.names if self._is_new(writing.folder.inside(name))], folder)

    def _of(self, kind: WritingKind) -> list[Writing]:
        ours = (writing for writing in self.writings if writing.kind is kind)
        return sorted(ours, key=lambda writing: writing.folder.path.split("/"))

    @cached_property
    def _was_there(self) -> dict[Spot, bool]:
        """Which paths were there at the start: what the first step that named them says."""
        found: dict[Spot, bool] = {}
        for writing in self.writings:
            for name in writing.names:
                found.setdefault(writing.folder.inside(name), name in writing.present)
        return found

    def _is_new(self, spot: Spot) -> bool:
        """Tell whether what lies there was written by the transaction.

        What was there at the start, and is not among what was taken away, has not been touched.
        """
        return not self._was_there[spot] or os.path.lexists(join(self.replaced, spot.path))


def _remove_files(names: list[str], folder: OpenFolder) -> None:
    present = [name for name in names if _kind(name, folder) not in {None, stat.S_IFDIR}]
    # Before the sources: as long as one of them is there, its bytecode came after it.
    _remove_bytecode(folder, stems_of(present))
    for name in present:
        os.unlink(folder.name(name), dir_fd=folder.descriptor)


def _remove_trees(names: list[str], folder: OpenFolder) -> None:
    for name in names:
        kind = _kind(name, folder)
        if kind == stat.S_IFDIR:
            shutil.rmtree(folder.name(name), dir_fd=folder.descriptor)
        elif kind is not None:
            os.unlink(folder.name(name), dir_fd=folder.descriptor)


def _remove_folders(names: list[str], folder: OpenFolder) -> None:
    for name in names:
        with suppress(OSError):
            os.rmdir(folder.name(name), dir_fd=folder.descriptor)


def _kind(name: str, folder: OpenFolder) -> int | None:
    try:
        found = os.stat(folder.name(name), dir_fd=folder.descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return stat.S_IFMT(found.st_mode)


def _remove_bytecode(folder: OpenFolder, stems: frozenset[str]) -> None:
    if not stems:
        return
    try:
        with open_bytecode(folder, stems) as (cache, names):
            for name in names:
                os.unlink(cache.name(name), dir_fd=cache.descriptor)
    except OSError as error:
        if not is_absence(error):
            raise
        return
    if names:
        with suppress(OSError):
            os.rmdir(folder.name(CACHE_FOLDER), dir_fd=folder.descriptor)


def _restore(source: Path, place: Path) -> None:
    """Move what lies in one folder into another, where folders of the same name become one."""
    for entry in list(source.iterdir()):
        target = place / entry.name
        if not _is_folder(entry):
            entry.replace(target)
        elif _is_folder(target) or not _rename_folder(entry, target):
            _restore(entry, target)
            entry.rmdir()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _rename_folder(source: Path, target: Path) -> bool:
    """Rename a folder; where layers of an overlay forbid that make one like it, and tell so."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        make_like(source, target)
        return False
    return True
