"""The code that a distribution has brought into an environment: its files without what installers write themselves."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.record import RecordRow, decode_digest
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.contents import SHEBANG, InstalledContents

_MAX_BYTES = 128 << 20
_DIGEST_BYTES = 32


@dataclass(frozen=True)
class CodeFiles:
    """The files of one distribution that two environments with the same code have in common.

    Left out is what installers write themselves: INSTALLER, REQUESTED, RECORD with its signatures, direct_url.json,
    what uv and pdm note beside it, bytecode, the launchers of entry_points.txt. Paths are relative to their scheme's
    folder, digests SHA-256 in hexadecimal, empty where a file cannot be read. Scripts that name the environment's
    interpreter read as ``#!python``. There are none where RECORD cannot be read to its end.
    """

    contents: InstalledContents

    def listed(self) -> Iterator[tuple[str, str]]:
        """Give path and digest of each file as RECORD tells it, recomputed where it does not."""
        return self._pairs(self._listed_digest)

    def read(self) -> Iterator[tuple[str, str]]:
        """Give path and digest of each file as it lies on disk."""
        return self._pairs(self._read_digest)

    def _pairs(self, digest: Callable[[RecordRow, str], str]) -> Iterator[tuple[str, str]]:
        for row in self._rows():
            path = self.contents.path_of(row)
            if not self.contents.is_launcher(path) and not self.contents.is_note(path):
                yield self._relative(path), digest(row, path)

    def _rows(self) -> tuple[RecordRow, ...]:
        """Give all rows or none: what the beginning of a broken RECORD lists would pass for the whole."""
        with suppress(OSError, UnsafeFileError, DistInfoError):
            return tuple(self.contents.rows())
        return ()

    @property
    def _environment(self) -> ExistingEnvironment:
        return self.contents.environment

    @cached_property
    def _script_names(self) -> frozenset[bytes]:
        """How a first line may name the folder of scripts: an installer does not follow links before it writes."""
        return frozenset(map(os.fsencode, (self.contents.scripts, self.contents.scheme_scripts)))

    @cached_property
    def _folders(self) -> tuple[str, ...]:
        """The schemes' folders, the innermost first."""
        libraries = map(os.path.realpath, self._environment.libraries)
        return (*dict.fromkeys(libraries), self.contents.scripts, os.path.realpath(self._environment.prefix))

    def _relative(self, path: str) -> str:
        folder = next((each for each in self._folders if path.startswith(each + os.sep)), None)
        return (path if folder is None else os.path.relpath(path, folder)).replace(os.sep, "/")

    def _listed_digest(self, row: RecordRow, path: str) -> str:
        return (not self._is_script(path) and _sha256_of(row)) or self._read_digest(row, path)

    def _read_digest(self, row: RecordRow, path: str) -> str:
        try:
            if self._is_script(path):
                return hashlib.sha256(self._content(row)).hexdigest()
            with self.contents.open_folder(row) as (folder, name):
                return folder.digest_name(name, "sha256")[0].hex()
        except (OSError, UnsafeFileError):
            return ""

    def _is_script(self, path: str) -> bool:
        return os.path.dirname(path) == self.contents.scripts  # noqa: PTH120 - text, like the rest here

    def _content(self, row: RecordRow) -> bytes:
        with self.contents.open_folder(row) as (folder, name):
            content = folder.read_name(name, _MAX_BYTES)
        return SHEBANG.sub(self._plain_shebang, content, count=1)

    def _plain_shebang(self, match: re.Match[bytes]) -> bytes:
        named = match["long"] or match["short"] or b""
        return b"#!python\n" if any(folder in named for folder in self._script_names) else match[0]


def _sha256_of(row: RecordRow) -> str:
    """Give the digest that RECORD tells in hexadecimal, empty where it tells no SHA-256."""
    if row.algorithm != "sha256":
        return ""
    try:
        digest = decode_digest(row.digest)
    except ValueError:
        return ""
    return digest.hex() if len(digest) == _DIGEST_BYTES else ""
