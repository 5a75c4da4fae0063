"""What an installer of projects resolved, read from the lock that it wrote: poetry.lock or pdm.lock."""

import posixpath
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.account import ResolvedFile

_FILE_KEYS = ("file", "url", "path")
_SHA256 = "sha256:"


def read_resolved(path: Path, names: Collection[NormalizedName] = ()) -> tuple[ResolvedFile, ...] | None:
    """Read the releases of a lock, or those with some names; None where it is not there or is of another kind.

    A lock holds all files of a release: which of them was taken is known only where there is one.
    """
    try:
        lock = tomllib.loads(path.read_text(encoding="utf-8"))
        # Of old the files of all packages stand at the end: poetry's by name, pdm's by name and version.
        apart = lock.get("metadata", {}).get("files", {})
        found = {each.name: each for each in (_read(table, apart) for table in lock.get("package", ()))}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return tuple(each for name, each in found.items() if not names or name in names)


def _read(table: Mapping[str, Any], apart: Mapping[str, Any]) -> ResolvedFile:
    name, version = table["name"], table["version"]
    files = table.get("files") or apart.get(name) or apart.get(f"{name} {version}") or ()
    among = _read_files(files)
    if len(among) == 1:
        return ResolvedFile(canonicalize_name(name), version, *among[0])
    return ResolvedFile(canonicalize_name(name), version, among=among)


def _read_files(tables: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str | None], ...]:
    found: dict[str, str | None] = {}
    for table in tables:
        place = next(table[key] for key in _FILE_KEYS if key in table)
        filename = posixpath.basename(unquote(urlsplit(place).path))
        digest = table.get("hash", "")
        found[filename] = digest.removeprefix(_SHA256) if digest.startswith(_SHA256) else None
    return tuple(found.items())
