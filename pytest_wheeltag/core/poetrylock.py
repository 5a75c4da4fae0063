"""Reading poetry's lock (``poetry.lock``, lock-version 1 and 2)."""

from collections.abc import Mapping

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.ledger import LockContents, LockedPackage
from pytest_wheeltag.core.lockparts import (
    admitted_python,
    expect_text,
    read_file,
    read_name,
    read_version,
    shown_checkout,
    shown_place,
)
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.core.tomltable import TomlTable

_KNOWN_MAJORS = (1, 2)
# What is installed where no group is asked for.
_MAIN = "main"
_INDEX = "legacy"
_DIRECT = ("git", "url", "file", "directory")

FileTables = Mapping[NormalizedName, tuple[TomlTable, ...]]


def read_poetry_lock(table: TomlTable) -> LockContents:
    """Read the tables of a lock; until lock-version 2 the files of all packages stand at its end."""
    metadata = table.table("metadata") or table.within({}, "metadata")
    version = read_version(metadata, "lock-version")
    if version is not None and version.major not in _KNOWN_MAJORS:
        raise metadata.error("lock-version", "expected 1 or 2, those that are known,", f"`{version}`")
    if "hashes" in metadata.values:
        raise metadata.error("files", "expected the files of packages", "hashes without files")
    apart = _read_apart(metadata)
    entries = list(table.tables("package"))
    packages = tuple(_read_package(each, apart) for each in entries)
    return LockContents(
        str(version or "1.0"),
        packages,
        admitted_python(metadata, "python-versions") or "",
        tells_needs=bool(entries) and all("groups" in each.values for each in entries),
    )


def _read_apart(metadata: TomlTable) -> FileTables:
    files = metadata.table("files")
    return {canonicalize_name(name): tuple(files.tables(name)) for name in files.values} if files else {}


def _read_package(table: TomlTable, apart: FileTables) -> LockedPackage:
    name, python = read_name(table), admitted_python(table, "python-versions")
    tables = tuple(table.tables("files")) if "files" in table.values else apart.get(name, ())
    groups = table.texts("groups")
    is_asked_for = bool(groups) and _MAIN not in groups
    return LockedPackage(
        name,
        read_version(table),
        tuple(read_file(each, python) for each in tables),
        _read_direct(table),
        _read_markers(table),
        is_optional=table.flag("optional") or is_asked_for or table.text("category") == "dev",
    )


def _read_markers(table: TomlTable) -> tuple[str, ...]:
    if isinstance(table.values.get("markers"), dict):
        # One for each group that has one.
        by_group = table.table("markers")
        return ((by_group.text(_MAIN) if by_group else None) or "",)
    marker = table.text("markers")
    return () if marker is None else (marker,)


def _read_direct(table: TomlTable) -> str:
    source = table.table("source")
    kind = source.text("type") if source else None
    if source is None or kind is None or kind == _INDEX:
        return ""
    if kind not in _DIRECT:
        raise source.error("type", f"expected one of {', '.join((_INDEX, *_DIRECT))}", quoted(kind))
    place = expect_text(source, "url")
    if kind == "git":
        return shown_checkout(place, source.text("resolved_reference") or source.text("reference"))
    return shown_place(place)
