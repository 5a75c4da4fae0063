"""What the locks of uv, poetry and pdm have in common: names, versions and files, read from their tables.

What is not as the format has it raises the error of the table that it is in.
"""

import posixpath
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidName, NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.hashes import Hashes, is_digest
from pytest_wheeltag.core.text import printable, quoted
from pytest_wheeltag.core.tomltable import TomlTable

_COMMIT_CHARACTERS = 64
_FILE_KEYS = ("file", "filename", "url", "path")


def read_name(table: TomlTable, key: str = "name") -> NormalizedName:
    """Give the name of a project, normalised."""
    return parse_name(table, key, expect_text(table, key))


def parse_name(table: TomlTable, key: str, name: str) -> NormalizedName:
    """Give the name of a project, normalised, that was found under a key."""
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise table.error(key, "expected a project's name", quoted(name)) from error


def read_version(table: TomlTable, key: str = "version") -> Version | None:
    """Give a version, None where there is none."""
    text = table.text(key)
    try:
        return None if text is None else Version(text)
    except (InvalidVersion, ValueError) as error:
        raise table.error(key, "expected a version (PEP 440)", quoted(text or "")) from error


def expect_text(table: TomlTable, key: str) -> str:
    """Give a text that must be there."""
    text = table.text(key)
    if text is None:
        raise table.error(key, "expected a text", "nothing")
    return text


def admitted_python(table: TomlTable, key: str) -> str | None:
    """Give which Pythons a release is for; None for any, and for what is written otherwise than in PEP 440."""
    text = table.text(key)
    try:
        return str(SpecifierSet(text or "")) or None
    except (InvalidSpecifier, ValueError):
        return None


def read_file(table: TomlTable, requires_python: str | None = None) -> PublishedFile:
    """Give a file as an index would list it; of a path, or where only the name is told, the address is empty."""
    key = next((each for each in _FILE_KEYS if each in table.values), "file")
    found, url = expect_text(table, key), table.text("url") or ""
    filename = posixpath.basename(_path_of(table, found) if key == "url" else found)
    if not filename:
        raise table.error(key, "expected the name of a file", quoted(shown_address(found)))
    return PublishedFile(
        filename,
        url,
        read_hashes(table),
        requires_python,
        size=table.number("size"),
        upload_time=_read_moment(table),
        source=table.origin,
    )


def shown_place(text: str) -> str:
    """Give an address without what may be secret, or a path, fit to be shown."""
    return shown_address(text) if "://" in text else printable(text)


def shown_checkout(address: str, commit: str | None) -> str:
    """Show a repository, with its commit where that is known, as direct_url.json is shown."""
    return f"git+{shown_place(address)}{f'@{printable(commit[:_COMMIT_CHARACTERS])}' if commit else ''}"


def _path_of(table: TomlTable, url: str) -> str:
    try:
        return unquote(urlsplit(url).path)
    except ValueError as error:
        raise table.error("url", "expected an address", quoted(shown_address(url))) from error


def read_hashes(table: TomlTable) -> Hashes:
    """Give the hash of a file, none where there is none."""
    text = table.text("hash")
    if text is None:
        return ()
    algorithm, _, digest = text.lower().partition(":")
    if not algorithm.isalnum() or not is_digest(algorithm, digest):
        raise table.error("hash", "expected `ALGORITHM:HEX`", quoted(text))
    return ((algorithm, digest),)


def _read_moment(table: TomlTable) -> datetime | None:
    text = table.text("upload-time")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise table.error("upload-time", "expected a time (RFC 3339)", quoted(text)) from error
