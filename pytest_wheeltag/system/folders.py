"""Folders held open, so that what is done in them cannot be led elsewhere by a link; and folders made like others."""

import errno
import os
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

# Windows opens no folders: there names are joined, and links need a privilege.
HAS_DESCRIPTORS = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")

_OPEN = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class OpenFolder:
    """One folder held open; ``name`` and ``descriptor`` are what calls that take ``dir_fd`` need."""

    def __init__(self, path: str, descriptor: int | None) -> None:
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def open(cls, path: str) -> Self:
        """Open a folder by its path, which may lead through links; raises ``OSError``."""
        return cls(path, os.open(path, _OPEN) if HAS_DESCRIPTORS else None)

    def name(self, entry: str) -> str:
        """Give what to call an entry in a call that gets ``dir_fd=descriptor``."""
        return entry if self.descriptor is not None else f"{self.path}/{entry}"

    def child(self, entry: str, *, create: bool = False) -> "OpenFolder":
        """Open a folder in this one, made where missing if ``create``; raises ``OSError`` for a link."""
        path = f"{self.path}/{entry}"
        if self.descriptor is None:
            return self._child_by_path(path, create=create)
        try:
            return OpenFolder(path, os.open(entry, _OPEN | _NO_FOLLOW, dir_fd=self.descriptor))
        except FileNotFoundError:
            if not create:
                raise
        self.make(entry)
        return OpenFolder(path, os.open(entry, _OPEN | _NO_FOLLOW, dir_fd=self.descriptor))

    def _child_by_path(self, path: str, *, create: bool) -> "OpenFolder":
        folder = Path(path)
        if create and not folder.is_dir():
            self.make(folder.name)
        if folder.is_symlink() or not folder.is_dir():
            raise NotADirectoryError(path)
        return OpenFolder(path, None)

    def make(self, entry: str) -> None:
        """Make a folder in this one; that it is there already is no error."""
        try:
            os.mkdir(self.name(entry), dir_fd=self.descriptor)
        except FileExistsError:
            return

    def close(self) -> None:
        """Give the descriptor back."""
        if self.descriptor is not None:
            os.close(self.descriptor)


class FolderWalk:
    """A walk over the folders below ``root``; what lies between it and the present one is held open.

    Folders are named relative to ``root``, parts joined by ``/``, the root itself by an empty text. Only
    ``root`` and ``bases`` may be or lead through links; everything below them must be true folders. Ask for
    them sorted, and each is opened once; at no time are more open than the tree is deep.
    """

    def __init__(self, root: str, *, bases: Collection[str] = (), create: bool = False) -> None:
        self._root = root
        self._bases = frozenset(bases)
        self._create = create
        self._stack: list[tuple[str, OpenFolder]] = []

    def __enter__(self) -> Self:
        self._stack = [("", OpenFolder.open(self._root))]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._stack:
            self._stack.pop()[1].close()

    def open(self, relative: str) -> OpenFolder:
        """Give the folder, valid until the next call; raises ``OSError`` for a link or a missing folder."""
        while not _holds(self._stack[-1][0], relative):
            self._stack.pop()[1].close()
        reached = self._stack[-1][0]
        for part in filter(None, relative[len(reached) :].split("/")):
            reached = f"{reached}/{part}" if reached else part
            self._stack.append((reached, self._step(reached, part)))
        return self._stack[-1][1]

    def _step(self, reached: str, part: str) -> OpenFolder:
        if reached not in self._bases:
            return self._stack[-1][1].child(part, create=self._create)
        path = Path(self._root, reached)
        if self._create:
            path.mkdir(parents=True, exist_ok=True)
        return OpenFolder.open(str(path))


def _holds(folder: str, relative: str) -> bool:
    return not folder or relative == folder or relative.startswith(folder + "/")


def is_absence(error: OSError) -> bool:
    """Tell whether a call failed since there is no such file or folder, or a link or a file in a folder's place."""
    return error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


def make_like(model: Path, path: Path) -> None:
    """Make a folder with the mode and the owner of another; raises ``OSError``."""
    found = model.lstat()
    path.mkdir()
    if hasattr(os, "chown"):
        made = path.lstat()
        if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
            with suppress(PermissionError):
                os.chown(path, found.st_uid, found.st_gid)
    path.chmod(stat.S_IMODE(found.st_mode))
