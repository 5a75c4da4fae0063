"""Taking away a distribution, whoever installed it: what its RECORD lists, and nothing else."""

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_wheeltag.core.distinfo import EntryKind, parse_library_entry
from pytest_wheeltag.core.plan import INSTALLER
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import RemovalError, WheeltagError
from pytest_wheeltag.system.bytecode import CACHE_FOLDER, open_bytecode, stems_of
from pytest_wheeltag.system.conda import CondaRecords
from pytest_wheeltag.system.disposal import Deletion, Disposal
from pytest_wheeltag.system.files import describe_os_error
from pytest_wheeltag.system.folders import FolderWalk, OpenFolder, is_absence
from pytest_wheeltag.system.records import RecordedFiles, read_all_recorded, read_installer, read_recorded
from pytest_wheeltag.system.transaction import Transaction

# Something is in a folder, or mounted on it.
_IN_USE = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY})
# Who makes an entry of that kind, and what takes it away again; neither lists its files.
_MAKERS = {
    EntryKind.EGG_INFO: "distutils or setuptools installed it, uninstall it with pip or by hand",
    EntryKind.EGG_LINK: "`setup.py develop` linked it, uninstall it with pip",
    EntryKind.EGG: "easy_install installed it, uninstall it with pip or by hand",
}


@dataclass(frozen=True)
class _Removal:
    """What shall go, decided before anything is touched: the dist-info folder, and the files outside of it."""

    own: str
    doomed: tuple[str, ...]


def uninstall(dist_info: Path, target: InstallTarget, transaction: Transaction | None = None) -> str:
    """Take away a distribution: the files of its RECORD, their bytecode, folders left empty; give name and version.

    Rows that lead out of the environment, to its interpreter or to another distribution's dist-info are
    refused; files that another RECORD lists too stay. It does not count as installed from the first step on.
    As part of a ``transaction`` all of it can be undone. Raises ``RemovalError`` where it has no RECORD that can
    be read, nothing is removed then, and, in a transaction, where a file cannot be moved away.
    """
    removal = _plan(dist_info, target)
    disposal = transaction or Deletion(target.prefix)
    try:
        _Uninstallation(removal, target, disposal, is_strict=transaction is not None).run()
    except OSError as error:
        problem = f"what is there cannot be taken away, {describe_os_error(error)}"
        raise RemovalError(_name(dist_info), problem, str(error.filename or dist_info)) from error
    return _name(dist_info)


def check_removable(dist_info: Path, target: InstallTarget) -> None:
    """Raise ``RemovalError`` where ``uninstall`` would; touches nothing."""
    _plan(dist_info, target)


def _plan(dist_info: Path, target: InstallTarget) -> _Removal:
    library = _library_of(dist_info, target)
    return _decide(_read(dist_info, target, library), target, f"{library}/{dist_info.name}")


def _name(dist_info: Path) -> str:
    entry = parse_library_entry(dist_info.name)
    return f"{entry.name} {entry.version}".strip() if entry else dist_info.name


def _library_of(dist_info: Path, target: InstallTarget) -> str:
    # Whoever read what is installed may have followed links that lead into the environment.
    real = dist_info.parent.resolve()
    library = next((each for each in target.libraries if Path(target.prefix, each).resolve() == real), None)
    entry = parse_library_entry(dist_info.name)
    if library is None or entry is None:
        problem = "expected a dist-info folder of the environment"
        raise RemovalError(_name(dist_info), problem, str(dist_info))
    if entry.kind is not EntryKind.DIST_INFO:
        raise RemovalError(_name(dist_info), _describe_maker(dist_info, target), str(dist_info))
    return library


def _describe_maker(dist_info: Path, target: InstallTarget) -> str:
    """Say who installed what has no RECORD, and how it goes."""
    entry = parse_library_entry(dist_info.name)
    if entry and CondaRecords(target.prefix).owns(entry.name, entry.version):
        return f"conda installed what is there, remove it with `conda remove {entry.name}`"
    if entry and entry.kind in _MAKERS:
        return f"what is there has no RECORD of its files; {_MAKERS[entry.kind]}"
    installer = read_installer(dist_info)
    if installer in {None, "", INSTALLER}:
        by, remedy = "", "remove its files by hand, or make the environment anew"
    else:
        by, remedy = f"{installer} installed it", f"mend it by installing it anew with {installer}"
    return f"what is there has no RECORD of its files; {by and by + ', '}{remedy}"


def _read(dist_info: Path, target: InstallTarget, library: str) -> RecordedFiles:
    try:
        return read_recorded(Path(target.prefix), library, dist_info.name)
    except FileNotFoundError as error:
        raise RemovalError(_name(dist_info), _describe_maker(dist_info, target), str(dist_info)) from error
    except (OSError, WheeltagError, ValueError) as error:
        raise RemovalError(
            _name(dist_info), f"its RECORD cannot be read ({error})", str(dist_info)
        ) from error


def _decide(recorded: RecordedFiles, target: InstallTarget, own: str) -> _Removal:
    staying = target.bases | _owned_by_others(target, recorded.dist_info)
    doomed = (path for path in recorded.paths if path not in staying and not _is_below(path, own))
    return _Removal(own, tuple(path for path in doomed if not target.forbids(path, recorded.dist_info)))


def _owned_by_others(target: InstallTarget, dist_info: str) -> frozenset[str]:
    recorded = read_all_recorded(Path(target.prefix), target.libraries)
    return frozenset(path for each in recorded if each.dist_info != dist_info for path in each.paths)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder + "/")


@dataclass(frozen=True)
class _Uninstallation:
    """A removal as it is carried out; ``is_strict`` raises where something cannot be taken away."""

    removal: _Removal
    target: InstallTarget
    disposal: Disposal
    is_strict: bool

    def run(self) -> None:
        """Take away the dist-info first, so that it does not count, then its files, then empty folders."""
        by_folder: dict[str, list[str]] = {}
        for path in self.removal.doomed:
            folder, _, name = path.rpartition("/")
            by_folder.setdefault(folder, []).append(name)
        self.disposal.take_tree(self.removal.own)
        with FolderWalk(self.target.prefix, bases=self.target.bases) as walk:
            for path in sorted(by_folder, key=lambda path: path.split("/")):
                try:
                    self._remove_from(walk.open(path), path, by_folder[path])
                except OSError as error:
                    # A folder that is gone or has become a link is none of ours.
                    self._raise_unless_absent(error)
        self._prune(by_folder)

    def _raise_unless_absent(self, error: OSError) -> None:
        if self.is_strict and not is_absence(error) and not isinstance(error, IsADirectoryError):
            raise error

    def _remove_from(self, folder: OpenFolder, path: str, names: Iterable[str]) -> None:
        if stems := stems_of([name for name in names if self._take(name, path, folder)]):
            # What interpreters before 3.2 left beside their sources; pip takes it away, too.
            for stem in stems:
                self._take(f"{stem}.pyc", path, folder)
                self._take(f"{stem}.pyo", path, folder)
            self._remove_bytecode(folder, path, stems)

    def _take(self, name: str, path: str, folder: OpenFolder) -> bool:
        try:
            self.disposal.take(name, path, folder)
        except OSError as error:
            self._raise_unless_absent(error)
            return False
        return True

    def _remove_bytecode(self, folder: OpenFolder, path: str, stems: frozenset[str]) -> None:
        inner = f"{path}/{CACHE_FOLDER}" if path else CACHE_FOLDER
        try:
            with open_bytecode(folder, stems) as (cache, names):
                for name in names:
                    self._take(name, inner, cache)
        except OSError as error:
            self._raise_unless_absent(error)
        else:
            self._take_folder(inner)

    def _take_folder(self, path: str) -> bool:
        try:
            self.disposal.take_folder(path)
        except OSError as error:
            if error.errno not in _IN_USE:
                self._raise_unless_absent(error)
            return False
        return True

    def _prune(self, folders: Iterable[str]) -> None:
        """Remove the folders that are empty now, and those above them, up to the environment's own."""
        own = self.target.bases | {"include"}
        for folder in sorted(folders, key=len, reverse=True):
            path = folder
            while path and path not in own and self._take_folder(path):
                path = path.rpartition("/")[0]
