"""The fingerprint of a source tree: two with the same one give a build the same to work with."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.checkouts import VERSION_CONTROL, read_checkout
from pytest_wheeltag.system.files import hash_regular

_FORMAT = b"pytest-wheeltag source tree 1\n"
_MAX_BYTES = 2_000_000_000
_MAX_ENTRIES = 500_000
_REMEDY = "give folders that no build needs a CACHEDIR.TAG"

# Left out is what running, testing or building the project itself changes, for a build could never be taken
# from the store otherwise. `build` stays in: setuptools packs what an earlier version has left there.
_LEFT_OUT = frozenset(
    {
        *VERSION_CONTROL,
        "__pycache__",
        ".tox",  # environments of test runners, and what they keep from run to run
        ".nox",
        ".hypothesis",
        ".eggs",  # what setuptools has fetched for a build
    }
)
_LEFT_OUT_ENDINGS = (".pyc", ".pyo", ".egg-info")
_ENVIRONMENT_MARK = "pyvenv.cfg"
_CACHE_MARK = "CACHEDIR.TAG"
_CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
_KINDS = {stat.S_IFIFO: b"p", stat.S_IFSOCK: b"s", stat.S_IFCHR: b"c", stat.S_IFBLK: b"b"}


def fingerprint_tree(folder: Path, environ: Mapping[str, str]) -> str:
    """Give the SHA-256, in hexadecimal, of everything in a source tree that a build may depend on.

    That is the path, kind, executable bit and content of all files, the text of links, and what version control
    says (``read_checkout``). A link to a file outside counts by that file's content too, one to a folder outside
    by its text alone. Left out are version control's own folders, bytecode, virtual environments, folders with a
    valid ``CACHEDIR.TAG``, what test runners keep, and ``*.egg-info``. Nothing but regular files is opened; each
    is read every time. Raises ``UsageError`` for a tree of more than 2 GB or 500,000 entries, and for one that
    cannot be read.
    """
    root = os.path.realpath(folder)
    digest = hashlib.sha256(_FORMAT)
    try:
        for line in sorted(_Tree(root).lines()):
            digest.update(line)
        facts = read_checkout(Path(root), environ)
    except OSError as error:
        problem = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        raise _refusal(root, problem, "files that can be read") from error
    for name, value in facts:
        digest.update(hashlib.sha256(name.encode() + b"\0" + value).digest())
    return digest.hexdigest()


def _refusal(root: str, found: str, expected: str) -> UsageError:
    return UsageError(printable(f"source tree {root}"), printable(found), expected)


@dataclass
class _Tree:
    """A source tree while it is read, and how much of it was; ``root`` is its real path."""

    root: str
    entries: int = 0
    size: int = 0

    def lines(self) -> Iterator[bytes]:
        """Give a line for each entry, in any order: its kind, its path, a NUL and 32 bytes on its content."""
        pending = [""]
        while pending:
            relative = pending.pop()
            listed = self._list(relative)
            if listed is None or (relative and self._is_disposable(relative, listed)):
                continue
            yield _line(b"d", relative)
            for name, entry in listed.items():
                self._count()
                path = f"{relative}/{name}" if relative else name
                if entry.is_dir(follow_symlinks=False) and not _is_link(entry):
                    pending.append(path)
                    continue
                # Tests that run meanwhile write files of their own, and remove them.
                with suppress(FileNotFoundError):
                    yield from self._read(path, entry)

    def _list(self, relative: str) -> dict[str, "os.DirEntry[str]"] | None:
        try:
            with os.scandir(self._path(relative)) as entries:
                return {entry.name: entry for entry in entries if not _is_left_out(entry.name)}
        except FileNotFoundError:
            if not relative:
                raise
            return None

    def _path(self, relative: str) -> str:
        return str(Path(self.root, relative))

    def _is_disposable(self, relative: str, listed: Mapping[str, "os.DirEntry[str]"]) -> bool:
        if _ENVIRONMENT_MARK in listed:
            return True
        mark = listed.get(_CACHE_MARK)
        if mark is None or not mark.is_file(follow_symlinks=False):
            return False
        with Path(self._path(relative), _CACHE_MARK).open("rb") as file:
            return file.read(len(_CACHE_SIGNATURE)) == _CACHE_SIGNATURE

    def _read(self, path: str, entry: "os.DirEntry[str]") -> Iterator[bytes]:
        if _is_link(entry):
            yield self._read_link(path)
            return
        kind = stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode)
        if kind != stat.S_IFREG:
            yield _line(_KINDS.get(kind, b"?"), path)
        elif found := self._hash(self._path(path)):
            digest, is_executable = found
            yield _line(b"x" if is_executable else b"f", path, digest)

    def _read_link(self, path: str) -> bytes:
        place = self._path(path)
        target = os.fsencode(os.readlink(place))  # noqa: PTH115 - its text, as it stands
        end = os.path.realpath(place)
        content = b""
        if not PurePath(end).is_relative_to(self.root) and (found := self._hash(end)):
            content = found[0]
        return _line(b"l", path, hashlib.sha256(target + b"\0" + content).digest())

    def _hash(self, path: str) -> tuple[bytes, bool] | None:
        try:
            found = hash_regular(path, _MAX_BYTES - self.size)
        except OSError as error:
            if error.errno == errno.EFBIG:
                raise _refusal(self.root, "more", f"at most {_MAX_BYTES} bytes ({_REMEDY})") from error
            raise
        if found is None:
            return None
        digest, size, is_executable = found
        self.size += size
        return digest, is_executable

    def _count(self) -> None:
        self.entries += 1
        if self.entries > _MAX_ENTRIES:
            raise _refusal(self.root, "more", f"at most {_MAX_ENTRIES} files and folders ({_REMEDY})")


def _is_left_out(name: str) -> bool:
    return name in _LEFT_OUT or name.endswith(_LEFT_OUT_ENDINGS)


def _is_link(entry: "os.DirEntry[str]") -> bool:
    # A junction (Windows) is one too, though it is said to be a folder; Python knows since 3.12.
    return entry.is_symlink() or getattr(entry, "is_junction", bool)()


def _line(kind: bytes, path: str, digest: bytes = bytes(32)) -> bytes:
    return kind + os.fsencode(path) + b"\0" + digest
