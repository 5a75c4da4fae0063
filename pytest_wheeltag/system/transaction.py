"""A transaction: many installations and uninstallations in one environment, all of them or none."""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_wheeltag.core.paths import parents
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import EnvironmentStateError, UnsafeFileError
from pytest_wheeltag.system.bytecode import CACHE_FOLDER, open_bytecode, stems_of
from pytest_wheeltag.system.files import describe_os_error
from pytest_wheeltag.system.folders import OpenFolder, is_absence, make_like
from pytest_wheeltag.system.grounds import Grounds, Spot, find_grounds, join
from pytest_wheeltag.system.journal import JOURNAL_NAME, JournalFile, Writing, WritingKind
from pytest_wheeltag.system.occupancy import occupy
from pytest_wheeltag.system.recovery import discard, recover_grounds
from pytest_wheeltag.system.rollback import BACKUP_PREFIX, REPLACED_NAME, roll_back

# Linking takes seconds, but a build may run between two of them.
_TIMEOUT_SECONDS = 120.0


class Transaction:
    """What is done to an environment so that all of it can be undone; a ``Disposal``.

    Before anything is written it must be announced. Nothing is removed or written into: what has to go is
    moved into a backup folder in the environment, with the journal that says how to undo it, until all is
    done. ``recovered`` are lines on what interrupted calls had left behind.
    """

    def __init__(self, grounds: Grounds, recovered: tuple[str, ...] = ()) -> None:
        self.recovered = recovered
        self._grounds = grounds
        self._backup = f"{BACKUP_PREFIX}{secrets.token_hex(6)}"
        self._file = JournalFile(Path(grounds.roots[0], self._backup, JOURNAL_NAME))
        self._is_begun = False
        self._announced: dict[Spot, list[Writing]] = {}
        self._moved: set[Spot] = set()
        self._mirrored: set[Spot] = set()

    def announce(self, files: Mapping[str, Collection[str]], trees: Collection[str] = ()) -> None:
        """Say what will be written next, before it is.

        ``files`` maps folders to the names in them, ``trees`` are whole folders; paths are relative to the
        prefix. Bytecode of what will be replaced is taken away, too. Raises ``OSError``.
        """
        self._begin()
        located = [(self._grounds.locate(folder), tuple(names)) for folder, names in files.items()]
        rooted = [self._grounds.locate(tree) for tree in trees]
        missing = self._find_missing({folder for folder, _ in located} | {tree.parent for tree in rooted})
        writings = [self._writing(WritingKind.FILES, *each, missing) for each in located]
        writings += [
            self._writing(WritingKind.FOLDERS, each.parent, (each.name,), missing) for each in missing
        ]
        writings += [self._writing(WritingKind.TREES, each.parent, (each.name,), missing) for each in rooted]
        self._file.append(writings)
        for writing in writings:
            self._announced.setdefault(writing.folder, []).append(writing)
        for folder, names in located:
            if folder not in missing:
                self._take_bytecode(folder, stems_of(names))

    def _writing(
        self, kind: WritingKind, folder: Spot, names: tuple[str, ...], missing: Collection[Spot]
    ) -> Writing:
        is_known_empty = folder in missing and folder not in self._mirrored
        present = () if is_known_empty else (name for name in names if self._exists(folder.inside(name)))
        return Writing(kind, folder, names, frozenset(present))

    def _exists(self, spot: Spot) -> bool:
        return os.path.lexists(self._grounds.path_of(spot)) or os.path.lexists(self._place_of(spot))

    def _find_missing(self, folders: Collection[Spot]) -> frozenset[Spot]:
        """Find the folders that have to be made."""
        missing: set[Spot] = set()
        for number, root in enumerate(self._grounds.roots):
            paths = [folder.path for folder in folders if folder.root == number and folder.path]
            absent: set[str] = set()
            # Parents first: in a folder that is not there nothing has to be looked for.
            for path in sorted({*paths, *parents(paths)}, key=len):
                if path.rpartition("/")[0] in absent or not Path(root, path).is_dir():
                    absent.add(path)
            missing.update(Spot(number, path) for path in absent)
        return frozenset(missing)

    def _begin(self) -> None:
        """Make the backup folders and the journal, which together say that there is something to undo."""
        if self._is_begun:
            return
        prefix, *others = self._grounds.roots
        Path(prefix, self._backup).mkdir(0o700, exist_ok=True)
        self._file.begin(others)
        for root in others:
            Path(root, self._backup).mkdir(0o700, exist_ok=True)
        self._is_begun = True

    def take(self, name: str, path: str, folder: OpenFolder) -> None:
        """Move a file or a link out of the folder ``path``, held open; one of this transaction is unlinked.

        Raises ``IsADirectoryError`` for a folder, other ``OSError`` where it cannot be moved.
        """
        self._begin()
        self._take(name, self._grounds.locate(path), folder)

    def _take(self, name: str, path: Spot, folder: OpenFolder) -> None:
        found = os.stat(folder.name(name), dir_fd=folder.descriptor, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), f"{folder.path}/{name}")
        spot = path.inside(name)
        if self._is_new(spot):
            os.unlink(folder.name(name), dir_fd=folder.descriptor)
            return
        place = join(self._mirror(path), name)
        os.rename(folder.name(name), place, src_dir_fd=folder.descriptor)
        self._moved.add(spot)

    def _is_new(self, spot: Spot) -> bool:
        """Tell whether what lies there was written by this transaction."""
        if spot in self._moved:
            return True
        steps = (each for each in self._announced.get(spot.parent, ()) if spot.name in each.names)
        # The first that named it saw what was there before all of them.
        first = next(steps, None)
        return first is not None and spot.name not in first.present

    def _take_bytecode(self, path: Spot, stems: frozenset[str]) -> None:
        if not stems:
            return
        try:
            folder = OpenFolder.open(self._grounds.path_of(path))
        except OSError as error:
            if is_absence(error):
                return
            raise
        try:
            with open_bytecode(folder, stems) as (cache, names):
                for name in names:
                    self._take(name, path.inside(CACHE_FOLDER), cache)
        except OSError as error:
            if not is_absence(error):
                raise
        finally:
            folder.close()

    def take_folder(self, path: str) -> None:
        """Take away an empty folder so that it can be made again as it was."""
        self._begin()
        spot = self._grounds.locate(path)
        if not self._is_new(spot):
            self._mirror(spot)
        Path(self._grounds.path_of(spot)).rmdir()

    def take_tree(self, path: str) -> None:
        """Move a folder away with all that is in it; in one step, but for layers of an overlay."""
        self._begin()
        spot = self._grounds.locate(path)
        if self._is_new(spot):
            shutil.rmtree(self._grounds.path_of(spot))
            return
        place = join(self._mirror(spot.parent), spot.name)
        try:
            Path(self._grounds.path_of(spot)).rename(place)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EEXIST, errno.ENOTEMPTY}:
                raise
            self._take_piece_by_piece(spot)
        self._moved.add(spot)

    def _take_piece_by_piece(self, spot: Spot) -> None:
        folder = OpenFolder.open(self._grounds.path_of(spot))
        try:
            with os.scandir(folder.path) as entries:
                found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
            self._mirror(spot)
            for name, is_folder in found:
                if is_folder:
                    self._take_piece_by_piece(spot.inside(name))
                else:
                    self._take(name, spot, folder)
        finally:
            folder.close()
        Path(folder.path).rmdir()

    def _place_of(self, spot: Spot) -> str:
        return join(f"{self._grounds.roots[spot.root]}/{self._backup}/{REPLACED_NAME}", spot.path)

    def _mirror(self, folder: Spot) -> str:
        """Give the folder that takes what is taken from ``folder``, made like it with all above it."""
        place = self._place_of(folder)
        if folder not in self._mirrored:
            if folder.path:
                self._mirror(folder.parent)
            with suppress(FileExistsError):
                make_like(Path(self._grounds.path_of(folder)), Path(place))
            self._mirrored.add(folder)
        return place

    def commit(self) -> None:
        """Make it final: without its journal nothing of it can be undone. Raises ``OSError``."""
        if self._is_begun:
            self._file.remove()
            discard(self._backup, self._grounds)

    def roll_back(self) -> None:
        """Undo all of it, unless it was made final; raises as ``rollback.roll_back``."""
        self._file.close()
        if os.path.lexists(self._file.path):
            roll_back(self._file.path.parent)
        discard(self._backup, self._grounds)


@contextmanager
def open_transaction(
    cache: Path, target: InstallTarget, *, timeout_seconds: float = _TIMEOUT_SECONDS
) -> Iterator[Transaction]:
    """Hold an environment alone for what is done in the body; whatever is raised there undoes all of it.

    First, what a dead process left there half done is undone, unless another installer has changed the same
    since. Raises ``EnvironmentBusyError`` where another process is at work there for ``timeout_seconds``,
    ``EnvironmentStateError`` where something cannot be put back, and where the disk says no.
    """
    grounds = _find_grounds(target)
    with occupy(grounds.roots[0], cache, timeout_seconds=timeout_seconds):
        transaction = Transaction(grounds, recover_grounds(grounds))
        try:
            yield transaction
            _commit(transaction, grounds)
        except BaseException as error:
            _undo(transaction, error)
            raise


def recover(
    cache: Path, target: InstallTarget, *, timeout_seconds: float = _TIMEOUT_SECONDS
) -> tuple[str, ...]:
    """Undo what dead processes left half done in an environment; give lines on it, none where it was nothing.

    Raises as ``open_transaction``.
    """
    grounds = _find_grounds(target)
    with occupy(grounds.roots[0], cache, timeout_seconds=timeout_seconds):
        return recover_grounds(grounds)


def _find_grounds(target: InstallTarget) -> Grounds:
    try:
        return find_grounds(target)
    except OSError as error:
        raise _fail(error, target.prefix) from error


def _fail(error: OSError, prefix: str) -> EnvironmentStateError:
    return EnvironmentStateError(str(error.filename or prefix), describe_os_error(error))


def _commit(transaction: Transaction, grounds: Grounds) -> None:
    try:
        transaction.commit()
    except OSError as error:
        raise _fail(error, grounds.roots[0]) from error


def _undo(transaction: Transaction, reason: BaseException) -> None:
    try:
        transaction.roll_back()
    except (OSError, UnsafeFileError, ValueError) as error:
        # What is left undone the next call undoes: its journal is still there.
        reason.add_note(
            f"the environment could not be put back as it was, the next call will try again: {error}"
        )
