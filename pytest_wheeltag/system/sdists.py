"""Source archives unpacked: looked at as a whole, then written into a folder that holds nothing else."""

import errno
import os
import shutil
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES
from pytest_wheeltag.core.finding import Severity
from pytest_wheeltag.core.paths import components, describe_unsafe, find_unportable, fold, parents
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.core.wheel import WheelBounds
from pytest_wheeltag.errors import RefusedWheelError, UnsafeFileError
from pytest_wheeltag.system.files import CREATE, read_regular
from pytest_wheeltag.system.folders import FolderWalk
from pytest_wheeltag.system.links import write_all
from pytest_wheeltag.system.sourcearchives import read_archive
from pytest_wheeltag.system.sourceentries import SourceArchive, SourceEntry
from pytest_wheeltag.system.zipsource import THE_ARCHIVE, EntryError

_PKG_INFO = "PKG-INFO"
# What a disk keeps for everybody else.
_RESERVED_BYTES = 1 << 30
_MAX_LINKS = 5_000
_MAX_FOLLOWED = 40  # as Linux follows
_REGULAR_MODE = 0o644
_EXECUTABLE_MODE = 0o755
# A file system that has no links, a user of Windows who may make none.
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_WINDOWS_NO_PRIVILEGE = 1314


def unpack_sdist(file: BinaryIO, filename: str, folder: Path, bounds: WheelBounds | None = None) -> Path:
    """Unpack a source archive into an empty folder, made where missing, and give the source tree in it.

    That is the archive's only top folder, else ``folder``. Files keep their time and whether they are executable;
    links stay inside. Follows the source distribution format and the data filter of PEP 706, and refuses what
    they leave open: absolute paths, and what no honest archive has. Raises ``SdistError`` for that, and
    ``OSError`` where the disk says no: then the folder is empty again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(folder))
    # For a moment a decompressed archive lies beside its files.
    free = (shutil.disk_usage(folder).free - _RESERVED_BYTES) // 2
    archive = SourceArchive.of(file, filename, bounds or WheelBounds(), free)
    try:
        return folder / _unpack(archive, folder)
    except RefusedWheelError as error:
        _clear(folder)
        raise archive.refusal(error.where, error.problem, error.remedy) from error
    except BaseException:
        _clear(folder)
        raise


def read_pkg_info(folder: Path) -> bytes | None:
    """Read PKG-INFO of a source tree, None where there is none, or none that can be read safely (core metadata)."""
    try:
        return read_regular(folder / _PKG_INFO, MAX_METADATA_BYTES)
    except (FileNotFoundError, NotADirectoryError, UnsafeFileError):
        return None


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _unpack(archive: SourceArchive, folder: Path) -> str:
    with ExitStack() as held:
        entries = read_archive(archive, folder, held)
        # Of what is there twice the last counts, as tar has it.
        layout = _Layout(archive, {entry.path: entry for entry in entries if entry.path})
        layout.check(entries)
        _write(archive, layout, folder)
    return layout.top


@dataclass(frozen=True)
class _Layout:
    """Where everything of an archive goes, by its path."""

    archive: SourceArchive
    entries: Mapping[str, SourceEntry]

    @property
    def top(self) -> str:
        """The only top folder, empty where there is more than that."""
        tops = {path.partition("/")[0] for path in self.entries}
        top = tops.pop()
        is_folder = top not in self.entries or self.entries[top].is_folder
        return top if not tops and is_folder else ""

    @cached_property
    def links(self) -> Mapping[str, str]:
        """The targets of links by their path, as a file system that folds letter case knows it."""
        targets = ((path, entry.target) for path, entry in self.entries.items())
        return {fold(path): target for path, target in targets if target is not None}

    def check(self, listed: list[SourceEntry]) -> None:
        """Refuse what cannot be unpacked as it stands, or leads outside; raises ``SdistError``."""
        root = next((entry for entry in listed if not entry.path and not entry.is_folder), None)
        if root is not None:
            raise self.archive.refusal(root.where, "expected a folder as the root, found another kind")
        if not self.entries:
            raise self.archive.refusal(THE_ARCHIVE, "expected a source tree, found an empty archive")
        self.archive.check_size(sum(entry.size for entry in self.entries.values()))
        self._check_paths()
        self._check_links()

    def _check_paths(self) -> None:
        folders = parents(self.entries)
        for path, entry in self.entries.items():
            if path in folders and not entry.is_folder:
                problem = "expected a folder, since others lie below it, found another kind"
                raise self.archive.refusal(entry.where, problem)
        for finding in find_unportable(components(self.entries), windows=os.name == "nt"):
            if finding.severity is Severity.REFUSED:
                raise self.archive.refusal(finding.where, finding.problem, finding.remedy)

    def _check_links(self) -> None:
        if len(self.links) > _MAX_LINKS:
            problem = f"expected at most {_MAX_LINKS} links, found {len(self.links)}"
            raise self.archive.refusal(THE_ARCHIVE, problem)
        links = [entry for entry in self.entries.values() if entry.target is not None]
        # All of them before one is followed: that takes as long as they are.
        for each in chain(filter(self._is_unsafe, links), filter(self._leads_out, links)):
            problem = f"expected a link to somewhere inside, found one to {quoted(each.target or '')}"
            raise self.archive.refusal(each.where, problem)

    def _is_unsafe(self, link: SourceEntry) -> bool:
        target = link.target or ""
        parts = target.split("/")
        is_odd = not target or target.startswith("/") or len(parts) > self.archive.bounds.max_depth
        return is_odd or any(describe_unsafe(part) for part in parts if part not in {"", ".", ".."})

    def _leads_out(self, link: SourceEntry) -> bool:
        return self.resolve(link.path) is None

    def resolve(self, path: str) -> str | None:
        """Follow the links on a path, as far as they stay inside; None where they do not, or lead in a circle."""
        pending, done, followed = deque(path.split("/")), list[str](), 0
        while pending:
            part = pending.popleft()
            if part == "..":
                if not done:
                    return None
                done.pop()
            elif part not in {"", "."}:
                done.append(part)
                target = self.links.get(fold("/".join(done)))
                if target is not None:
                    followed += 1
                    if followed > _MAX_FOLLOWED:
                        return None
                    done.pop()
                    pending.extendleft(reversed(target.split("/")))
        return "/".join(done)


def _write(archive: SourceArchive, layout: _Layout, folder: Path) -> None:
    entries = [layout.entries[path] for path in sorted(layout.entries)]
    try:
        with FolderWalk(str(folder), create=True) as walk:
            for entry in entries:
                if entry.is_folder:
                    walk.open(entry.path)
                elif entry.read is not None:
                    _write_file(archive, entry, entry.read(), walk)
            # Last, so that nothing is written through them.
            for entry in entries:
                if entry.target is not None:
                    _Link(layout, entry, folder).write(walk)
    except (FileExistsError, NotADirectoryError) as error:
        problem = (
            "expected names that differ in more than letter case or accents, found two that are one here"
        )
        raise archive.refusal(THE_ARCHIVE, problem) from error


def _write_file(
    archive: SourceArchive, entry: SourceEntry, pieces: Iterable[bytes], walk: FolderWalk
) -> None:
    parent, _, name = entry.path.rpartition("/")
    folder = walk.open(parent)
    mode = _EXECUTABLE_MODE if entry.is_executable else _REGULAR_MODE
    descriptor = os.open(folder.name(name), CREATE, mode, dir_fd=folder.descriptor)
    try:
        for piece in pieces:
            write_all(descriptor, piece)
    except EntryError as error:
        raise archive.refusal(entry.where, error.problem) from error
    finally:
        os.close(descriptor)
    if entry.mtime_ns is not None:
        os.utime(folder.name(name), ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=folder.descriptor)


@dataclass(frozen=True)
class _Link:
    """A link on its way into the folder that the archive is unpacked into."""

    layout: _Layout
    entry: SourceEntry
    root: Path

    def write(self, walk: FolderWalk) -> None:
        """Make the link; where there are none, a copy of the file that it leads to."""
        parent, _, name = self.entry.path.rpartition("/")
        folder, target = walk.open(parent), (self.entry.target or "").replace("/", os.sep)
        end = self.root / (self.layout.resolve(self.entry.path) or "")
        try:
            os.symlink(target, folder.name(name), target_is_directory=end.is_dir(), dir_fd=folder.descriptor)
        except OSError as error:
            if error.errno not in _NO_LINKS and getattr(error, "winerror", None) != _WINDOWS_NO_PRIVILEGE:
                raise
            self._copy(end)

    def _copy(self, end: Path) -> None:
        if end.is_dir():
            problem = "expected no links to folders, since this file system has no links, found one"
            raise self.layout.archive.refusal(self.entry.where, problem, "unpack it elsewhere")
        if end.exists():
            shutil.copy2(end, self.root / self.entry.path)
