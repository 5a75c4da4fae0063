"""Reading uv's lock (``uv.lock``, version 1 in any revision)."""

from collections.abc import Iterator

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.ledger import LockContents, LockedPackage, Need
from pytest_wheeltag.core.lockparts import (
    admitted_python,
    expect_text,
    parse_name,
    read_file,
    read_name,
    read_version,
    shown_checkout,
    shown_place,
)
from pytest_wheeltag.core.tomltable import TomlTable

_KNOWN_VERSION = 1
_TREES = ("editable", "virtual", "directory")
_DIRECT = ("git", "url", "path", *_TREES)


def read_uv_lock(table: TomlTable) -> LockContents:
    """Read the tables of a lock; what only uv's cache or resolver looks at is left alone."""
    version = table.number("version")
    if version != _KNOWN_VERSION:
        raise table.error("version", "expected 1, the one that is known,", _shown(version))
    # The earliest uv wrote `[[distribution]]`, and uv still reads it.
    entries = [*table.tables("package"), *table.tables("distribution")]
    packages = tuple(map(_read_package, entries))
    roots = _read_roots(table, packages)
    return LockContents(
        f"{version}.{table.number('revision') or 0}",
        packages,
        admitted_python(table, "requires-python") or "",
        tells_needs=bool(roots),
        roots=roots,
    )


def _shown(version: int | None) -> str:
    return "none" if version is None else f"`{version}`"


def _read_package(table: TomlTable) -> LockedPackage:
    return LockedPackage(
        read_name(table),
        read_version(table),
        tuple(_read_files(table)),
        _read_direct(table),
        table.texts("resolution-markers"),
        needs=tuple(_read_needs(table)),
    )


def _read_files(table: TomlTable) -> Iterator[PublishedFile]:
    sdist = table.table("sdist")
    # Of a direct source only the hash is told.
    if sdist is not None and sdist.values.keys() & {"url", "path", "filename"}:
        yield read_file(sdist)
    yield from map(read_file, table.tables("wheels"))


def _read_direct(table: TomlTable) -> str:
    source = table.table("source")
    if source is None:
        raise table.error("source", "expected a table", "nothing")
    kind = next((each for each in _DIRECT if each in source.values), None)
    if kind is None:
        # A registry is an address, or the path of a folder of files.
        expect_text(source, "registry")
        return ""
    place = expect_text(source, kind)
    if kind != "git":
        return shown_place(place)
    # The commit stands behind what was asked for.
    url, _, commit = place.partition("#")
    return shown_checkout(url, commit)


def _read_needs(table: TomlTable) -> Iterator[Need]:
    yield from (_read_need(each, "") for each in table.tables("dependencies"))
    optional = table.table("optional-dependencies")
    for extra in optional.values if optional else ():
        yield from (_read_need(each, canonicalize_name(extra)) for each in optional.tables(extra))  # type: ignore[union-attr]  # there is one, or no extra


def _read_need(table: TomlTable, extra: str) -> Need:
    extras = frozenset(map(canonicalize_name, table.texts("extra")))
    return Need(read_name(table), table.text("marker") or "", extras, extra)


def _read_roots(table: TomlTable, packages: tuple[LockedPackage, ...]) -> tuple[NormalizedName, ...]:
    """Give the projects that the lock is of: the members of a workspace, else the one whose folder it lies in."""
    manifest = table.table("manifest")
    members = manifest.texts("members") if manifest else ()
    if manifest and members:
        return tuple(parse_name(manifest, "members", each) for each in members)
    return tuple(each.name for each in packages if each.direct == ".")
