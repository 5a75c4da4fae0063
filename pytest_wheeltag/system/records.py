"""Who owns which file of an environment, as the RECORDs in it say, and who installed what, as INSTALLER says."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pytest_wheeltag.core.origin import parse_installer
from pytest_wheeltag.errors import UnsafeFileError, WheeltagError
from pytest_wheeltag.system.files import read_regular

# A RECORD of a million rows.
_MAX_RECORD_BYTES = 128 << 20
_MAX_INSTALLER_BYTES = 4096


@dataclass(frozen=True)
class RecordedFiles:
    """The files of one installed distribution, relative to the prefix with parts joined by ``/``.

    ``dist_info`` is the folder's name; rows that lead out of the prefix are left out of ``paths``.
    """

    dist_info: str
    paths: tuple[str, ...]


def read_recorded(prefix: Path, library: str, dist_info: str) -> RecordedFiles:
    """Read which files a distribution's RECORD lists (recording installed projects).

    ``library`` is the folder of the dist-info, relative to the prefix. Nothing is looked at but RECORD itself;
    paths are taken as text. Raises ``OSError`` or ``UnsafeFileError`` where it cannot be read, ``ValueError``
    where it is no UTF-8 or no CSV.
    """
    data = read_regular(prefix / library / dist_info / "RECORD", _MAX_RECORD_BYTES)
    return _parse_recorded(data, prefix, library, dist_info)


# Each uninstallation asks what all others own; parsing is what takes time.
@lru_cache(maxsize=2048)
def _parse_recorded(data: bytes, prefix: Path, library: str, dist_info: str) -> RecordedFiles:
    rows = csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""))
    try:
        names = [row[0] for row in rows if row and row[0]]
    except csv.Error as error:
        problem = f"expected comma-separated values, {error}"
        raise ValueError(problem) from error
    resolved = (_resolve(name, prefix, library) for name in names)
    return RecordedFiles(dist_info, tuple(dict.fromkeys(filter(None, resolved))))


def _resolve(name: str, prefix: Path, library: str) -> str:
    text = name.replace("\\", "/") if os.name == "nt" else name
    if Path(text).is_absolute():
        below = text.removeprefix(prefix.as_posix() + "/")
        start: list[str] = []
        if below == text:
            return ""
        text = below
    else:
        start = library.split("/")
    return _normalize([*start, *text.split("/")])


def _normalize(parts: Iterable[str]) -> str:
    kept: list[str] = []
    for part in parts:
        if part == "..":
            if not kept:
                return ""
            kept.pop()
        elif "\\" in part or "\0" in part or ":" in part[1:2]:
            return ""
        elif part not in {"", "."}:
            kept.append(part)
    return "/".join(kept)


def read_installer(dist_info: Path) -> str | None:
    """Read who installed a distribution, None where that is not written down, empty where it says nothing."""
    try:
        return parse_installer(read_regular(dist_info / "INSTALLER", _MAX_INSTALLER_BYTES))
    except OSError:
        return None
    except WheeltagError:
        return ""


def read_all_recorded(prefix: Path, libraries: Iterable[str]) -> Iterator[RecordedFiles]:
    """Read the RECORD of every distribution of an environment, leaving out those that cannot be read."""
    for library in libraries:
        for name in _dist_infos(prefix / library):
            try:
                yield read_recorded(prefix, library, name)
            except (OSError, UnsafeFileError, ValueError):
                continue


def _dist_infos(library: Path) -> list[str]:
    try:
        with os.scandir(library) as entries:
            return sorted(entry.name for entry in entries if entry.name.endswith(".dist-info"))
    except OSError:
        return []
