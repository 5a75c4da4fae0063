"""The files of an installed distribution, as its RECORD lists them, read without leaving the environment."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.entrypoints import parse_entry_points
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.record import INSTALLERS_FILES, UNLISTED_NAMES, RecordRow, iterate_record
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.enclosure import Enclosure, Folder
from pytest_wheeltag.system.files import read_regular

# A wheel may have 100,000 rows (`WheelBounds`), and installers add one for the bytecode of each module.
_MAX_RECORD_BYTES = 48 << 20
_MAX_ROWS = 250_000
_EXEMPT_NAMES = frozenset({*UNLISTED_NAMES, *INSTALLERS_FILES})
_NOTES = frozenset({"uv_cache.json", "uv_build.json", "REFER_TO"})
_BYTECODE_SUFFIXES = (".pyc", ".pyo")
_MAX_ENTRY_POINTS_BYTES = 1 << 20
_LAUNCHER_SUFFIXES = ("", ".exe", "-script.py", "-script.pyw", ".exe.manifest")
# One line, or the three lines by which a shell starts an interpreter whose path is too long for one.
SHEBANG = re.compile(rb"\A#!(?:/bin/sh\n'''exec' (?P<long>[^\n]*)\n' '''|(?P<short>[^\n]*))\n")
"""The start of a script that names its interpreter, in one of two groups."""


def is_installers(name: str) -> bool:
    """Tell whether a file of a dist-info is not the wheel's own: RECORD, its signatures, what installers write."""
    return name in _EXEMPT_NAMES


def is_bytecode(name: str) -> bool:
    """Tell whether a file holds bytecode, by its name."""
    return name.endswith(_BYTECODE_SUFFIXES)


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
        dist_info = str(self.dist_info)
        for row in iterate_record(read_regular(self.dist_info / "RECORD", _MAX_RECORD_BYTES), _MAX_ROWS):
            folder, name = os.path.split(self.path_of(row))
            is_exempt = folder == dist_info and is_installers(name)
            if not is_exempt and not is_bytecode(name):
                yield row

    def path_of(self, row: RecordRow) -> str:
        """Give the path that a row means, as text: nothing is looked at."""
        return os.path.normpath(os.path.join(self._library, row.path))  # noqa: PTH118 - a Path each would take thrice as long

    def is_note(self, path: str) -> bool:
        """Tell whether a path is what uv or pdm note in a dist-info besides."""
        folder, name = os.path.split(path)
        return folder == str(self.dist_info) and name in _NOTES

    @cached_property
    def _library(self) -> str:
        return str(self.dist_info.parent)

    @property
    def scheme_scripts(self) -> str:
        """The folder of scripts as the interpreter's scheme names it."""
        return self.environment.interpreter.scheme_paths(self.environment.prefix)["scripts"]

    @cached_property
    def scripts(self) -> str:
        """The folder of scripts, links followed."""
        return os.path.realpath(self.scheme_scripts)

    @cached_property
    def launchers(self) -> frozenset[str]:
        """The names of the files that installers make of entry_points.txt; none where it cannot be read."""
        with suppress(OSError, UnsafeFileError, DistInfoError, ValueError):
            data = read_regular(self.dist_info / "entry_points.txt", _MAX_ENTRY_POINTS_BYTES)
            points = parse_entry_points(data)
            return frozenset(f"{point.name}{suffix}" for point in points for suffix in _LAUNCHER_SUFFIXES)
        return frozenset()

    def is_launcher(self, path: str) -> bool:
        """Tell whether a path, as ``path_of`` gives it, is a launcher that an installer made."""
        folder, name = os.path.split(path)
        return folder == self.scripts and name in self.launchers

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
