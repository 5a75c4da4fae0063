"""Writing the files of a wheel into a folder that nobody else sees yet, hashed and compared on the way."""

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from pytest_wheeltag.core.distinfo import parse_metadata
from pytest_wheeltag.core.launchers import has_placeholder
from pytest_wheeltag.core.layout import Scheme
from pytest_wheeltag.core.manifest import EXECUTABLE_MODE, REGULAR_MODE, UnpackedFile, UnpackedWheel, stamp
from pytest_wheeltag.core.record import RecordRow, encode_digest
from pytest_wheeltag.core.wheel import WheelEntry, WheelPolicy
from pytest_wheeltag.errors import RefusedWheelError
from pytest_wheeltag.system.archive import WheelArchive
from pytest_wheeltag.system.files import CREATE
from pytest_wheeltag.system.folders import FolderWalk, OpenFolder
from pytest_wheeltag.system.links import write_all

# What a disk keeps for everybody else.
_RESERVED_BYTES = 1 << 30
_SETS_BY_DESCRIPTOR = os.utime in os.supports_fd and hasattr(os, "fchmod")


@dataclass
class Unpacking:
    """One wheel on its way into a folder; ``filename`` and ``sha256`` (hexadecimal) tell which archive it is."""

    archive: WheelArchive
    filename: str
    sha256: str
    policy: WheelPolicy
    doubts: list[str] = field(default_factory=list)
    placeholders: list[str] = field(default_factory=list)

    def unpack(self, folder: Path) -> UnpackedWheel:
        """Write all files below ``folder``, which is empty, and tell what they are.

        What RECORD says otherwise is a doubt of the wheel. Raises ``RefusedWheelError`` for that where strict
        wheels are asked for, for content that is not what the archive declares, and where it does not fit on
        the disk; ``OSError`` where that says no. What was written then counts for nothing.
        """
        self._check_space(folder)
        contents = self.archive.contents
        with FolderWalk(str(folder), create=True) as walk:
            files = [self._write(entry, walk) for entry in contents.entries]
        metadata = parse_metadata(contents.metadata)
        return UnpackedWheel(
            self.filename,
            self.sha256,
            metadata.name,
            metadata.version,
            contents.facts.tags,
            contents.dist_info,
            contents.facts.root_scheme is Scheme.PURELIB,
            tuple(sorted(files, key=lambda file: file.path)),
            self._data_folders(),
            contents.facts.build,
            contents.entry_points,
            tuple(self.placeholders),
            contents.pth_files,
            (*contents.warnings, *self.doubts),
            (*contents.doubts, *self.doubts),
        )

    def _data_folders(self) -> frozenset[str]:
        tops = {entry.path.partition("/")[0] for entry in self.archive.contents.entries}
        return frozenset(top for top in tops if top.endswith(".data"))

    def _check_space(self, folder: Path) -> None:
        wanted = self.archive.contents.unpacked_bytes
        bound = self.policy.bounds.max_unpacked_bytes
        free = shutil.disk_usage(folder).free - _RESERVED_BYTES if bound is None else bound
        if wanted > free:
            problem = f"expected at most {max(free, 0)} bytes unpacked, found {wanted}"
            raise RefusedWheelError(self.filename, "the archive", problem, "make room, or raise the bound")

    def _write(self, entry: WheelEntry, walk: FolderWalk) -> UnpackedFile:
        parent, _, name = entry.path.rpartition("/")
        folder = walk.open(parent)
        mode = EXECUTABLE_MODE if entry.is_executable else REGULAR_MODE
        descriptor = os.open(folder.name(name), CREATE, 0o600, dir_fd=folder.descriptor)
        try:
            digest = self._copy(entry, descriptor)
            mtime_ns = stamp(digest)
            if _SETS_BY_DESCRIPTOR:
                os.utime(descriptor, ns=(mtime_ns, mtime_ns))
                os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)
        if not _SETS_BY_DESCRIPTOR:
            _set_by_name(folder, name, mtime_ns)
        return UnpackedFile(entry.path, entry.size, mtime_ns, mode, encode_digest(digest))

    def _copy(self, entry: WheelEntry, descriptor: int) -> bytes:
        row = self.archive.contents.row_by_path.get(entry.path, RecordRow(entry.path))
        ours = hashlib.sha256()
        theirs = ours if row.algorithm in {"", "sha256"} else hashlib.new(row.algorithm)
        is_first = True
        for piece in self.archive.read(entry):
            ours.update(piece)
            if theirs is not ours:
                theirs.update(piece)
            if is_first and entry.scheme is Scheme.SCRIPTS and has_placeholder(piece):
                self.placeholders.append(entry.path)
            is_first = False
            write_all(descriptor, piece)
        self._compare(entry, row, encode_digest(theirs.digest()))
        return ours.digest()

    def _compare(self, entry: WheelEntry, row: RecordRow, digest: str) -> None:
        if row.size not in {None, entry.size}:
            return  # the reader has said so
        if problem := row.describe_mismatch(digest, entry.size):
            if self.policy.strict:
                raise RefusedWheelError(
                    self.filename, "RECORD", problem, "take another file, or do without strict wheels"
                )
            self.doubts.append(problem)


def _set_by_name(folder: OpenFolder, name: str, mtime_ns: int) -> None:
    # Windows: a read-only file could not be removed from an environment, as its links share the attribute.
    os.utime(folder.name(name), ns=(mtime_ns, mtime_ns), dir_fd=folder.descriptor)
