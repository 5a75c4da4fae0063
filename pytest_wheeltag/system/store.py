"""The store: wheels unpacked once, each under the SHA-256 of its archive, read-only, believed only when checked."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from pytest_wheeltag.core.manifest import render_manifest
from pytest_wheeltag.core.wheel import WheelPolicy
from pytest_wheeltag.errors import RefusedWheelError, StoreError, WheelError
from pytest_wheeltag.system.archive import open_wheel
from pytest_wheeltag.system.entries import (
    FILES,
    MANIFEST,
    StoreEntry,
    Verification,
    discard,
    find_suspects,
    mend,
    read_entry,
)
from pytest_wheeltag.system.files import describe_os_error, lock, publish_bytes, staging_path
from pytest_wheeltag.system.leftovers import hold, sweep
from pytest_wheeltag.system.unpacking import Unpacking

STORE_ROOM = "wheels-v1"

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PREFIX_CHARACTERS = 2
_CHUNK_BYTES = 1 << 20
_PUBLISHING_ATTEMPTS = 5
_LOST_RACE = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.EACCES, errno.ENOTDIR})

Fetch = Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True)
class WantedWheel:
    """A wheel that is asked of the store; ``sha256`` is None only where nobody says what it should be."""

    filename: str
    sha256: str | None = None
    policy: WheelPolicy = field(default_factory=WheelPolicy)


@dataclass(frozen=True)
class _VerifiedArchive:
    """An open archive whose SHA-256 was found to be what is wanted, and what the file looked like before."""

    file: BinaryIO
    sha256: str
    state: tuple[int, ...]
    wanted: WantedWheel

    def check_unchanged(self) -> None:
        """Refuse a file that was written to between the hashing and the reading of its bytes."""
        if _state(self.file) != self.state:
            problem = "expected a file that stays as it is, found it changed while it was read"
            raise WheelError(self.wanted.filename, "the archive", problem, "try again")


def _verify(file: BinaryIO, wanted: WantedWheel) -> _VerifiedArchive:
    state, digest = _state(file), _hash(file)
    if wanted.sha256 not in {None, digest}:
        problem = f"expected the SHA-256 `{wanted.sha256}`, found `{digest}`"
        remedy = "download it again, and if that does not help, tell its publisher"
        raise WheelError(wanted.filename, "the archive", problem, remedy)
    return _VerifiedArchive(file, digest, state, replace(wanted, sha256=digest))


def _ignore(_: str) -> None:
    """Tell nobody."""


class WheelStore:
    """The unpacked wheels in ``cache``, shared by any number of threads and processes.

    Nothing is visible before the archive's SHA-256 is verified, every file is written and the manifest is in
    place; an entry is believed only if its manifest parses and its files fit. ``warn`` is told, in one line,
    of each entry that was damaged. Locks only avoid that work is done twice.
    """

    def __init__(
        self,
        cache: Path,
        *,
        verification: Verification = Verification.STAT,
        warn: Callable[[str], None] = _ignore,
    ) -> None:
        self._root = cache / STORE_ROOM
        self._verification = verification
        self._warn = warn

    def place(self, sha256: str) -> Path:
        """Give the folder of an entry, whether it is there or not; raises ``ValueError`` for no SHA-256."""
        if not _SHA256.fullmatch(sha256):
            problem = f"expected a SHA-256 of 64 lower-case digits, found: `{sha256:.80}`"
            raise ValueError(problem)
        return self._room / sha256[:_PREFIX_CHARACTERS] / sha256[_PREFIX_CHARACTERS:]

    def get(self, wanted: WantedWheel) -> StoreEntry | None:
        """Give the entry of a wheel, None where there is none that can be believed.

        Files whose content is right are mended; an entry that is damaged beyond that is taken out. Raises
        ``RefusedWheelError`` for a doubtful wheel where strict wheels are asked for.
        """
        if wanted.sha256 is None:
            return None
        entry = self._believe(self.place(wanted.sha256), wanted.sha256)
        if entry is None:
            return None
        _enforce(entry, wanted)
        return entry

    def provide(self, wanted: WantedWheel, fetch: Fetch) -> StoreEntry:
        """Give the entry of a wheel; where there is none, ``fetch`` is asked for the archive once.

        It gives a seekable file as a context. Raises ``WheelError`` for an archive of another SHA-256 and ``RefusedWheelError`` for one that the
        strict reader refuses, and what ``fetch`` raises: nothing is stored then.
        """
        if entry := self.get(wanted):
            return entry
        with self._locked(wanted.sha256):
            # Another may have been faster.
            return self.get(wanted) or self._fetch(wanted, fetch)

    def add(self, file: BinaryIO, wanted: WantedWheel) -> StoreEntry:
        """Give the entry of an archive that is at hand, a seekable file; raises as ``provide`` does."""
        known = _verify(file, wanted)
        if entry := self.get(known.wanted):
            return entry
        with self._locked(known.sha256):
            return self.get(known.wanted) or self._unpack(known)

    def sweep(self) -> None:
        """Remove what dead processes left behind; adding an entry does the same beside it."""
        for folder in self._room.glob("[0-9a-f][0-9a-f]"):
            sweep(folder)

    def entries(self) -> Iterator[tuple[str, Path]]:
        """Give the SHA-256 and the folder of every entry, believed or not, sorted."""
        for folder in sorted(self._room.glob("[0-9a-f][0-9a-f]")):
            for place in sorted(folder.iterdir()):
                if _SHA256.fullmatch(folder.name + place.name):
                    yield folder.name + place.name, place

    @cached_property
    def _room(self) -> Path:
        # Whoever can write here can put files into everybody's environments.
        with self._telling(self._root), suppress(FileNotFoundError):
            mode = self._root.stat().st_mode
            if os.name == "posix" and mode & stat.S_IWOTH:
                problem = "expected a folder that not everybody can write to"
                raise StoreError(str(self._root), problem, "remove the others' right to write")
        return self._root

    def _believe(self, place: Path, sha256: str) -> StoreEntry | None:
        """Give the entry if it can be believed; one that cannot is looked at again under the lock, then mended."""
        try:
            entry = read_entry(place, sha256)
            if not find_suspects(entry, self._verification):
                return entry
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            pass
        with self._telling(place):
            return self._heal(place, sha256)

    def _heal(self, place: Path, sha256: str) -> StoreEntry | None:
        with lock(_lock_path(place, "heal")):
            try:
                entry = read_entry(place, sha256)
                suspects = find_suspects(entry, self._verification)
                if not suspects or mend(entry, suspects):
                    return entry
                problem = f"{len(suspects)} of {len(entry.files)} files are not as unpacked, `{suspects[0].path}` first"
            except FileNotFoundError:
                return None
            except ValueError as error:
                problem = str(error)
            self._warn(f"an entry of the store was damaged and is unpacked anew, {problem}: `{place}`")
            discard(place)
        return None

    @contextmanager
    def _locked(self, sha256: str | None) -> Iterator[None]:
        if sha256 is None:
            yield
            return
        place = self.place(sha256)
        with lock(_lock_path(place, "lock")):
            yield

    def _fetch(self, wanted: WantedWheel, fetch: Fetch) -> StoreEntry:
        with fetch() as file:
            known = _verify(file, wanted)
            return (None if wanted.sha256 else self.get(known.wanted)) or self._unpack(known)

    def _unpack(self, known: _VerifiedArchive) -> StoreEntry:
        filename, policy = known.wanted.filename, known.wanted.policy
        archive = open_wheel(known.file, filename, policy)
        place = self.place(known.sha256)
        with self._telling(place), self._staged(place) as staged:
            files = staged / FILES
            files.mkdir()
            wheel = Unpacking(archive, filename, known.sha256, policy).unpack(files)
            known.check_unchanged()
            publish_bytes(staged / MANIFEST, render_manifest(wheel), mode=0o444)
            # As open to others as the store itself is.
            staged.chmod(place.parent.stat().st_mode & 0o777)
            return self._publish(staged, StoreEntry(place / FILES, wheel))

    def _publish(self, staged: Path, entry: StoreEntry) -> StoreEntry:
        place = entry.root.parent
        for _ in range(_PUBLISHING_ATTEMPTS):
            try:
                staged.rename(place)
            except OSError as error:
                if error.errno not in _LOST_RACE:
                    raise
            else:
                return entry
            # Lost to an equal, which is as good; or in the way of something broken, which goes.
            if theirs := self._believe(place, entry.digest):
                return theirs
        raise StoreError(str(place), "something is put in the way again and again", "remove it")

    @contextmanager
    def _staged(self, place: Path) -> Iterator[Path]:
        place.parent.mkdir(parents=True, exist_ok=True)
        sweep(place.parent)
        staged = staging_path(place)
        staged.mkdir(mode=0o700)
        held = hold(staged)
        try:
            yield staged
        finally:
            if staged.exists():
                discard(staged)
            if held is not None:
                os.close(held)

    @contextmanager
    def _telling(self, place: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(str(error.filename or place), describe_os_error(error)) from error


def _lock_path(place: Path, kind: str) -> Path:
    return place.with_name(f".{kind}-{place.name}")


def _enforce(entry: StoreEntry, wanted: WantedWheel) -> None:
    wheel, policy = entry.wheel, wanted.policy
    if policy.strict and wheel.doubts:
        remedy = "take another file, or do without strict wheels"
        raise RefusedWheelError(wanted.filename, "", wheel.doubts[0], remedy)
    if policy.refuse_pth and wheel.pth_files:
        problem = f"expected no .pth file, found `{wheel.pth_files[0]}`"
        raise RefusedWheelError(wanted.filename, "", problem, "allow .pth files if you trust it")


def _hash(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(_CHUNK_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _state(file: BinaryIO) -> tuple[int, ...]:
    try:
        found = os.fstat(file.fileno())
    except OSError:  # in memory
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
