"""Taking away what we wrote, as RECORD lists it, and nothing else."""

import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_wheeltag.core.distinfo import EntryKind, parse_library_entry
from pytest_wheeltag.core.origin import parse_installer
from pytest_wheeltag.core.plan import INSTALLER
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import RemovalError, WheeltagError
from pytest_wheeltag.system.bytecode import CACHE_FOLDER, open_bytecode, stems_of
from pytest_wheeltag.system.conda import CondaRecords
from pytest_wheeltag.system.disposal import Deletion, Disposal
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.folders import FolderWalk, OpenFolder
from pytest_wheeltag.system.records import RecordedFiles, read_all_recorded, read_recorded
from pytest_wheeltag.system.rollback import is_absence
from pytest_wheeltag.system.transaction import Transaction

_MAX_INSTALLER_BYTES = 4096
# Something is in a folder, or mounted on it.
_IN_USE = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY})
# Who makes an entry of that kind, and what takes it away again; neither lists its files.
_MAKERS = {
    EntryKind.EGG_INFO: "distutils or setuptools installed it, uninstall it with pip or by hand",
    EntryKind.EGG_LINK: "`setup.py develop` linked it, uninstall it with pip",
    EntryKind.EGG: "easy_install installed it, uninstall it with pip or by hand",
}


@dataclass(frozen=True)
class UninstallReport:
    """What was taken away: paths relative to the prefix, and those kept, each with its reason in one clause."""

    distribution: str
    removed: tuple[str, ...]
    kept: Mapping[str, str]


@dataclass(frozen=True)
class _Removal:
    """What shall go and what shall stay, decided before anything is touched; ``own`` is the dist-info folder."""

    own: str
    inside: tuple[str, ...]
    doomed: tuple[str, ...]
    kept: Mapping[str, str]


def uninstall(
    dist_info: Path, target: InstallTarget, *, foreign: bool = False, transaction: Transaction | None = None
) -> UninstallReport:
    """Take away a distribution that we installed: the files of its RECORD, their bytecode, folders left empty.

    Rows that lead out of the environment, to its interpreter or to another distribution's dist-info are
    refused; files that another RECORD lists too stay. ``foreign`` takes away what others installed as well.
    It does not count as installed from the first step on. As part of a ``transaction`` all of it can be undone.
    Raises ``RemovalError`` where it is not ours or has no RECORD that can be read, nothing is removed then,
    and, in a transaction, where a file cannot be moved away.
    """
    removal = _plan(dist_info, target, foreign=foreign)
    disposal = transaction or Deletion(target.prefix)
    try:
        return _Uninstallation(removal, target, disposal, is_strict=transaction is not None).run()
    except OSError as error:
        problem = f"what is there cannot be taken away, {(error.strerror or type(error).__name__).lower()}"
        raise RemovalError(_name(dist_info), problem, str(error.filename or dist_info)) from error


def check_removable(dist_info: Path, target: InstallTarget) -> None:
    """Raise ``RemovalError`` where ``uninstall`` would, whoever installed it; touches nothing."""
    _plan(dist_info, target, foreign=True)


def _plan(dist_info: Path, target: InstallTarget, *, foreign: bool) -> _Removal:
    library = _library_of(dist_info, target)
    if not foreign:
        _check_owner(dist_info)
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
    installer = _find_installer(dist_info)
    if installer in {None, "", INSTALLER}:
        by, remedy = "", "remove its files by hand, or make the environment anew"
    else:
        by, remedy = f"{installer} installed it", f"mend it by installing it anew with {installer}"
    return f"what is there has no RECORD of its files; {by and by + ', '}{remedy}"


def _find_installer(dist_info: Path) -> str | None:
    try:
        return parse_installer(read_regular(dist_info / "INSTALLER", _MAX_INSTALLER_BYTES))
    except (OSError, WheeltagError, ValueError):
        return None


def _check_owner(dist_info: Path) -> None:
    try:
        installer = parse_installer(read_regular(dist_info / "INSTALLER", _MAX_INSTALLER_BYTES))
    except FileNotFoundError:
        installer = "nobody"
    except (OSError, WheeltagError, ValueError) as error:
        raise RemovalError(
            _name(dist_info), f"its INSTALLER cannot be read ({error})", str(dist_info)
        ) from error
    if installer != INSTALLER:
        problem = f"expected one that {INSTALLER} installed; uninstall it with what installed it"
        raise RemovalError(_name(dist_info), problem, installer)


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
    shared = _owned_by_others(Path(target.prefix), target.libraries, recorded.dist_info)
    kept = dict.fromkeys(recorded.escaping, "it leads out of the environment")
    inside = tuple(path for path in recorded.paths if _is_below(path, own))
    doomed = []
    for path in recorded.paths:
        if reason := target.forbids(path, recorded.dist_info):
            kept[path] = reason
        elif path in shared:
            kept[path] = f"{shared[path]} has it, too"
        elif path in target.bases:
            kept[path] = "it is a folder of the environment"
        elif not _is_below(path, own):
            doomed.append(path)
    return _Removal(own, inside, tuple(doomed), kept)


def _owned_by_others(prefix: Path, libraries: Iterable[str], dist_info: str) -> Mapping[str, str]:
    owners: dict[str, str] = {}
    for recorded in read_all_recorded(prefix, libraries):
        if recorded.dist_info != dist_info:
            owners |= dict.fromkeys(recorded.paths, recorded.dist_info.removesuffix(".dist-info"))
    return owners


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder + "/")


@dataclass(frozen=True)
class _Uninstallation:
    """A removal as it is carried out; ``is_strict`` raises where something cannot be taken away."""

    removal: _Removal
    target: InstallTarget
    disposal: Disposal
    is_strict: bool

    def run(self) -> UninstallReport:
        """Take away the dist-info first, so that it does not count, then its files, then empty folders."""
        by_folder: dict[str, list[str]] = {}
        for path in self.removal.doomed:
            folder, _, name = path.rpartition("/")
            by_folder.setdefault(folder, []).append(name)
        self.disposal.take_tree(self.removal.own)
        removed = [*self.removal.inside]
        with FolderWalk(self.target.prefix, bases=self.target.bases) as walk:
            for path in sorted(by_folder, key=lambda path: path.split("/")):
                try:
                    removed += self._remove_from(walk.open(path), path, by_folder[path])
                except OSError as error:
                    # A folder that is gone or has become a link is none of ours.
                    self._raise_unless_absent(error)
        self._prune(by_folder)
        name = _name(Path(self.removal.own))
        return UninstallReport(name, tuple(sorted(removed)), self.removal.kept)

    def _raise_unless_absent(self, error: OSError) -> None:
        if self.is_strict and not is_absence(error) and not isinstance(error, IsADirectoryError):
            raise error

    def _remove_from(self, folder: OpenFolder, path: str, names: Iterable[str]) -> list[str]:
        removed = [name for name in names if self._take(name, path, folder)]
        if stems := stems_of(removed):
            # What interpreters before 3.2 left beside their sources; pip takes it away, too.
            for stem in stems:
                self._take(f"{stem}.pyc", path, folder)
                self._take(f"{stem}.pyo", path, folder)
            self._remove_bytecode(folder, path, stems)
        return [f"{path}/{name}" if path else name for name in removed]

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
