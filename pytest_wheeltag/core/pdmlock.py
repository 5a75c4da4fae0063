"""Reading pdm's lock (``pdm.lock``, lock_version 3 and 4)."""

from collections.abc import Mapping

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
from pytest_wheeltag.core.tomltable import TomlTable

_KNOWN_MAJORS = (3, 4)
_DEFAULT = "default"
# Under this strategy, and only then, each package says which groups and markers ask for it.
_TELLING = "inherit_metadata"

FileTables = Mapping[str, tuple[TomlTable, ...]]


def read_pdm_lock(table: TomlTable) -> LockContents:
    """Read the tables of a lock; of old the files of all packages stand at its end."""
    metadata = table.table("metadata") or table.within({}, "metadata")
    version = read_version(metadata, "lock_version")
    if version is None or version.major not in _KNOWN_MAJORS:
        found = "none" if version is None else f"`{version}`"
        raise metadata.error("lock_version", "expected 3 or 4, those that are known,", found)
    files = metadata.table("files")
    apart = {key: tuple(files.tables(key)) for key in files.values} if files else {}
    return LockContents(
        str(version),
        tuple(_read_package(each, apart) for each in table.tables("package")),
        admitted_python(metadata, "requires_python") or "",
        tells_needs=_TELLING in metadata.texts("strategy"),
    )


def _read_package(table: TomlTable, apart: FileTables) -> LockedPackage:
    name, python = read_name(table), admitted_python(table, "requires_python")
    key = f"{table.text('name')} {table.text('version')}"
    tables = tuple(table.tables("files")) if "files" in table.values else apart.get(key, ())
    groups = table.texts("groups")
    marker = table.text("marker")
    return LockedPackage(
        name,
        read_version(table),
        tuple(read_file(each, python) for each in tables),
        _read_direct(table),
        () if marker is None else (marker,),
        is_optional=bool(groups) and _DEFAULT not in groups,
    )


def _read_direct(table: TomlTable) -> str:
    if "git" in table.values:
        return shown_checkout(expect_text(table, "git"), table.text("revision") or table.text("ref"))
    key = "url" if "url" in table.values else "path"
    return shown_place(table.text(key) or "")
