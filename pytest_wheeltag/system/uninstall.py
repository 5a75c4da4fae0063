"""Taking away what we wrote, as RECORD lists it, and nothing else."""

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_wheeltag.core.origin import parse_installer
from pytest_wheeltag.core.plan import INSTALLER
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import InstallationError, WheeltagError
from pytest_wheeltag.system.files import read_regular, staging_path
from pytest_wheeltag.system.folders import FolderWalk, OpenFolder
from pytest_wheeltag.system.leftovers import sweep
from pytest_wheeltag.system.records import RecordedFiles, read_all_recorded, read_recorded

_MAX_INSTALLER_BYTES = 4096
# `name.cpython-312.opt-1.pyc`, of whatever interpreter (PEP 3147, PEP 488).
_BYTECODE = re.compile(r"(?P<stem>.+)\.(?:cpython|pypy|graalpy)[\w-]*(?:\.opt-\w+)?\.pyc")


@dataclass(frozen=True)
class UninstallReport:
    """What was taken away: paths relative to the prefix, and those kept, each with its reason in one clause."""

    distribution: str
    removed: tuple[str, ...]
    kept: Mapping[str, str]


@dataclass(frozen=True)
class _Removal:
    """What shall go and what shall stay, decided before anything is touched."""

    doomed: tuple[str, ...]
    kept: Mapping[str, str]


def uninstall(dist_info: Path, target: InstallTarget, *, foreign: bool = False) -> UninstallReport:
    """Take away a distribution that we installed: the files of its RECORD, their bytecode, folders left empty.

    Rows that lead out of the environment, to its interpreter or to another distribution's dist-info are
    refused; files that another RECORD lists too stay. ``foreign`` takes away what others installed as well.
    It does not count as installed from the first step on. Raises ``InstallationError`` where it is not ours
    or its RECORD cannot be read; nothing is removed then.
    """
    prefix = Path(target.prefix)
    library = _library_of(dist_info, target)
    if not foreign:
        _check_owner(dist_info)
    recorded = _read(dist_info, prefix, library)
    removal = _decide(recorded, target, f"{library}/{dist_info.name}")
    sweep(dist_info.parent)
    aside = staging_path(dist_info)
    dist_info.rename(aside)
    removed = _remove(removal.doomed, target)
    shutil.rmtree(aside)
    own = tuple(path for path in recorded.paths if _is_below(path, f"{library}/{dist_info.name}"))
    return UninstallReport(_name(dist_info), tuple(sorted((*removed, *own))), removal.kept)


def _name(dist_info: Path) -> str:
    return dist_info.name.removesuffix(".dist-info").replace("-", " ", 1)


def _library_of(dist_info: Path, target: InstallTarget) -> str:
    for library in target.libraries:
        if Path(target.prefix, library) == dist_info.parent and dist_info.name.endswith(".dist-info"):
            return library
    raise InstallationError(
        _name(dist_info), "expected a dist-info folder of the environment", str(dist_info)
    )


def _check_owner(dist_info: Path) -> None:
    try:
        installer = parse_installer(read_regular(dist_info / "INSTALLER", _MAX_INSTALLER_BYTES))
    except FileNotFoundError:
        installer = "nobody"
    except (OSError, WheeltagError, ValueError) as error:
        raise InstallationError(
            _name(dist_info), f"its INSTALLER cannot be read ({error})", str(dist_info)
        ) from error
    if installer != INSTALLER:
        problem = f"expected one that {INSTALLER} installed; uninstall it with what installed it"
        raise InstallationError(_name(dist_info), problem, installer)


def _read(dist_info: Path, prefix: Path, library: str) -> RecordedFiles:
    try:
        return read_recorded(prefix, library, dist_info.name)
    except (OSError, WheeltagError, ValueError) as error:
        raise InstallationError(
            _name(dist_info), f"its RECORD cannot be read ({error})", str(dist_info)
        ) from error


def _decide(recorded: RecordedFiles, target: InstallTarget, own: str) -> _Removal:
    shared = _owned_by_others(Path(target.prefix), target.libraries, recorded.dist_info)
    kept = dict.fromkeys(recorded.escaping, "it leads out of the environment")
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
    return _Removal(tuple(doomed), kept)


def _owned_by_others(prefix: Path, libraries: Iterable[str], dist_info: str) -> Mapping[str, str]:
    owners: dict[str, str] = {}
    for recorded in read_all_recorded(prefix, libraries):
        if recorded.dist_info != dist_info:
            owners |= dict.fromkeys(recorded.paths, recorded.dist_info.removesuffix(".dist-info"))
    return owners


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder + "/")


def _remove(doomed: Iterable[str], target: InstallTarget) -> tuple[str, ...]:
    by_folder: dict[str, list[str]] = {}
    for path in doomed:
        folder, _, name = path.rpartition("/")
        by_folder.setdefault(folder, []).append(name)
    removed: list[str] = []
    with FolderWalk(target.prefix, bases=target.bases) as walk:
        for folder in sorted(by_folder, key=lambda path: path.split("/")):
            # A folder that is gone or has become a link is none of ours.
            with suppress(OSError):
                removed += _remove_from(walk.open(folder), folder, by_folder[folder])
    _prune(by_folder, target)
    return tuple(removed)


def _remove_from(folder: OpenFolder, path: str, names: Iterable[str]) -> list[str]:
    removed = []
    stems = set()
    for name in names:
        try:
            os.unlink(folder.name(name), dir_fd=folder.descriptor)
        except OSError:
            continue
        removed.append(f"{path}/{name}" if path else name)
        if name.endswith(".py"):
            stems.add(name.removesuffix(".py"))
    if stems:
        with suppress(OSError):
            _remove_bytecode(folder, stems)
    return removed


def _remove_bytecode(folder: OpenFolder, stems: set[str]) -> None:
    cache = folder.child("__pycache__")
    try:
        with os.scandir(cache.path if cache.descriptor is None else cache.descriptor) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            match = _BYTECODE.fullmatch(name)
            if match and match["stem"] in stems:
                os.unlink(cache.name(name), dir_fd=cache.descriptor)
    finally:
        cache.close()
    with suppress(OSError):
        os.rmdir(folder.name("__pycache__"), dir_fd=folder.descriptor)


def _prune(folders: Iterable[str], target: InstallTarget) -> None:
    """Remove the folders that are empty now, and those above them, up to the environment's own."""
    own = target.bases | {"include"}
    for folder in sorted(folders, key=len, reverse=True):
        path = folder
        while path and path not in own:
            try:
                Path(target.prefix, path).rmdir()
            except OSError:
                break
            path = path.rpartition("/")[0]
