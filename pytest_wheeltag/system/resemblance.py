"""Whether an installed distribution is a published wheel: by both RECORDs, by bytes where those cannot tell."""

import hashlib
import os
import re
import zlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import PurePath

from pytest_wheeltag.core.identity import Resemblance, UnprovenFile
from pytest_wheeltag.core.layout import Scheme
from pytest_wheeltag.core.publishedrecord import ArchivedFile, PublishedRecord
from pytest_wheeltag.core.record import RecordRow, encode_digest
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.contents import SHEBANG, InstalledContents, is_bytecode, is_installers

_MAX_SCRIPT_BYTES = 16 << 20
# How the first line of a published script may read that installers replace whole (binary distribution format).
_PLACEHOLDERS = tuple(
    b"".join((b"#!python", *parts))
    for parts in product(
        (b"", b"w", b"2", b"3"), (b"", b" -E", b" -I", b" -S", b" -s", b" -u", b" -Es"), (b"\n", b"\r\n")
    )
)
# `include/foo`, `include/python3.11/foo`, `include/site/python3.11/foo`, the last being pip's and the surest.
_HEADER_DEPTHS = (1, 2, 3)
# pip makes these of its own command, whatever entry_points.txt says: `pip3`, `pip3.11`, `pip-3.11`.
_VERSIONED = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:\.exe)?\Z", re.ASCII)


def compare_installed(
    contents: InstalledContents, published: PublishedRecord, altered: Container[str] = ()
) -> Resemblance:
    """Compare an installed distribution with a published wheel.

    Exempt are RECORD, its signatures, bytecode and what installers write: INSTALLER, REQUESTED, direct_url.json,
    launchers, and first lines of scripts in the place of ``#!python``. ``altered`` are paths of files that are
    not as the installed RECORD lists them: that tells nothing then. Raises what ``InstalledContents.rows`` raises.
    """
    comparing = _Comparing(contents, published, altered)
    misfits = (*comparing.missing_and_different(), *comparing.surplus())
    return Resemblance(misfits, tuple(comparing.unproven))


def describe_other(path: str) -> str:
    """Say of a file that it is not the published one."""
    return f"expected {quoted(path)} as published, found another"


@dataclass
class _Comparing:
    """Two RECORDs while they are compared; paths are those on disk."""

    contents: InstalledContents
    published: PublishedRecord
    altered: Container[str]
    unproven: list[UnprovenFile] = field(default_factory=list)
    met: set[str] = field(default_factory=set)

    def missing_and_different(self) -> Iterator[str]:
        """Say of each file of the archive what is wrong with its counterpart."""
        for file in self.published.files:
            if self._is_exempt(file.path):
                continue
            path = self._find(file.path)
            if path is None:
                if not self._is_left_out(file.path):
                    yield f"expected {quoted(file.path)} as published, found none in RECORD"
                continue
            self.met.add(path)
            if clause := self._compare(file, path):
                yield clause

    def surplus(self) -> Iterator[str]:
        """Say which files are installed that the archive has not."""
        for path, row in self._rows.items():
            if not (path in self.met or path in self.altered or self._is_installers(path)):
                yield f"expected no file that is not published, found {quoted(row.path)}"

    @cached_property
    def _rows(self) -> Mapping[str, RecordRow]:
        return {self.contents.path_of(row): row for row in self.contents.rows()}

    def _is_exempt(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return (
            (folder == self.published.layout.dist_info and is_installers(name))
            or is_bytecode(name)
            or path.endswith("/")
        )

    def _is_left_out(self, path: str) -> bool:
        """Whether a shipped script gives way to the launcher of the same name."""
        scheme, relative = self._place(path)
        return scheme is Scheme.SCRIPTS and relative in self.contents.launchers

    def _place(self, path: str) -> tuple[Scheme, str]:
        return self.published.layout.place(path, Scheme.PURELIB)

    def _find(self, path: str) -> str | None:
        """Give the path of the installed counterpart, None where there is none."""
        scheme, relative = self._place(path)
        relative = relative.replace("/", os.sep)
        if scheme is Scheme.HEADERS:
            return self._headers.get(relative)
        if scheme.is_library:
            folders = self._libraries
        else:
            folders = (self.contents.scripts if scheme is Scheme.SCRIPTS else self._prefix,)
        paths = (os.path.normpath(f"{folder}{os.sep}{relative}") for folder in folders)
        return next((each for each in paths if each in self._rows), None)

    @cached_property
    def _prefix(self) -> str:
        return os.path.realpath(self.contents.environment.prefix)

    @cached_property
    def _headers(self) -> Mapping[str, str]:
        """Headers by their place in the archive: each installer has folders of its own between that and `include`."""
        include = PurePath(self._prefix, "include")
        paths = (path for path in self._rows if path.startswith(f"{include}{os.sep}"))
        below = {path: PurePath(path).relative_to(include).parts for path in paths}
        return {
            str(PurePath(*parts[depth:])): path
            for depth in _HEADER_DEPTHS
            for path, parts in below.items()
            if parts[depth:]
        }

    @cached_property
    def _libraries(self) -> tuple[str, ...]:
        own = os.path.normpath(self.contents.dist_info.parent)
        return tuple(dict.fromkeys((own, *map(os.path.realpath, self.contents.environment.libraries))))

    def _is_installers(self, path: str) -> bool:
        folder, name = os.path.split(path)
        if folder == self.contents.scripts:
            return name in self.contents.launchers or _VERSIONED.sub("", name) in self.contents.launchers
        return self.contents.is_note(path)

    def _compare(self, file: ArchivedFile, path: str) -> str | None:
        listed, told = self._rows[path], self.published.row_by_path.get(file.path)
        is_told = told is not None and bool(told.algorithm)
        if path in self.altered:
            # Where it is as published after all, the installed RECORD is what was altered.
            if not (told and is_told and self._digest(listed, told.algorithm) == told.digest):
                self._doubt(file, path)
            return None
        if told and is_told and self._is_same(listed, told, path):
            return None
        return None if self._doubt(file, path) else describe_other(listed.path)

    def _is_same(self, listed: RecordRow, told: RecordRow, path: str) -> bool:
        if listed.algorithm == told.algorithm:
            is_same = listed.digest == told.digest
        else:
            is_same = self._digest(listed, told.algorithm) == told.digest
        is_script = os.path.split(path)[0] == self.contents.scripts
        return is_same or (is_script and self._is_rewritten(listed, told))

    def _digest(self, listed: RecordRow, algorithm: str) -> str:
        try:
            with self.contents.open_folder(listed) as (folder, name):
                return encode_digest(folder.digest_name(name, algorithm)[0])
        except (OSError, UnsafeFileError):
            return ""

    def _is_rewritten(self, listed: RecordRow, told: RecordRow) -> bool:
        """Whether a script is as published but for its first line, which names an interpreter."""
        try:
            with self.contents.open_folder(listed) as (folder, name):
                content = folder.read_name(name, _MAX_SCRIPT_BYTES)
        except (OSError, UnsafeFileError):
            return False
        match = SHEBANG.match(content)
        rest = content[match.end() :] if match else b""
        scripts = (first + rest for first in _PLACEHOLDERS if match)
        likely = (each for each in scripts if told.size in (None, len(each)))
        return any(
            encode_digest(hashlib.new(told.algorithm, each).digest()) == told.digest for each in likely
        )

    def _doubt(self, file: ArchivedFile, path: str) -> bool:
        """Tell whether a file fits what the archive says of it, whatever RECORD says; then it waits for a proof."""
        crc, size, digest = 0, 0, hashlib.sha256()
        try:
            with self.contents.open_folder(self._rows[path]) as (folder, name):
                for piece in folder.pieces_of_name(name):
                    crc = zlib.crc32(piece, crc)
                    size += len(piece)
                    digest.update(piece)
        except (OSError, UnsafeFileError):
            return False
        if (size, crc) != (file.size, file.crc):
            return False
        self.unproven.append(UnprovenFile(file.path, path, encode_digest(digest.digest())))
        return True
