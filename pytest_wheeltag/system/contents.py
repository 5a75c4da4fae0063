"""The files of an installed distribution, as its RECORD lists them, read without leaving the environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.record import INSTALLERS_FILES, UNLISTED_NAMES, RecordRow, parse_record
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.enclosure import Enclosure, Folder
from pytest_wheeltag.system.files import read_regular

_MAX_RECORD_BYTES = 128 << 20
_MAX_ROWS = 1_000_000
_EXEMPT_NAMES = frozenset({*UNLISTED_NAMES, *INSTALLERS_FILES})
_BYTECODE_SUFFIXES = (".pyc", ".pyo")


@dataclass(frozen=True)
class InstalledContents:
    """What one distribution has put into an environment."""

    environment: ExistingEnvironment
    wheel: InstalledWheel

    @property
    def dist_info(self) -> Path:
        """The dist-info folder."""
        return Path(self.wheel.location)

    def rows(self) -> Iterator[RecordRow]:
        """Give the rows of what the wheel brought along.

        Left out are RECORD itself, its signatures, bytecode and what installers write. Raises ``OSError`` or
        ``UnsafeFileError`` where RECORD cannot be read, ``DistInfoError`` where it is none.
        """
        for row in parse_record(read_regular(self.dist_info / "RECORD", _MAX_RECORD_BYTES), _MAX_ROWS):
            folder, name = os.path.split(self.path_of(row))
            is_installers = folder == str(self.dist_info) and name in _EXEMPT_NAMES
            if not is_installers and not name.endswith(_BYTECODE_SUFFIXES):
                yield row

    def path_of(self, row: RecordRow) -> str:
        """Give the path that a row means, as text: nothing is looked at."""
        return os.path.normpath(self.dist_info.parent / row.path)

    @contextmanager
    def open_folder(self, row: RecordRow) -> Iterator[tuple[Folder, str]]:
        """Give the folder of a row's file, and its name there; links are followed as long as they stay inside.

        Raises ``UnsafeFileError`` for a path that leads outside, ``OSError`` where there is none.
        """
        path = self.path_of(row)
        parts = self._enclosure.parts_of(path)
        if not parts:
            raise UnsafeFileError(path, "expected a file of the environment, found a path that leads outside")
        *folder, name = self._enclosure.resolve(parts)
        with self._enclosure.open_parts(tuple(folder)) as opened:
            yield opened, name

    @cached_property
    def _enclosure(self) -> Enclosure:
        return Enclosure.around(self.environment.prefix)
