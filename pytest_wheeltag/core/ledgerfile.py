"""Reading a lock of any format, as its name tells, for what it says is published."""

import hashlib
import re
from dataclasses import replace

from pytest_wheeltag.core.ledger import Ledger, LockContents, LockFormat
from pytest_wheeltag.core.lockfile import MAX_LOCK_BYTES, describe_version, is_lock_name, read_lock
from pytest_wheeltag.core.pdmlock import read_pdm_lock
from pytest_wheeltag.core.poetrylock import read_poetry_lock
from pytest_wheeltag.core.pylockcontents import pylock_contents
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.core.tomltable import TomlTable
from pytest_wheeltag.core.uvlock import read_uv_lock
from pytest_wheeltag.errors import LockError

_MAX_NAME_CHARACTERS = 300
# They are shown in messages; wheels of old have spaces and other oddities, but none that moves a cursor.
_FILENAME = re.compile(rf"[^\x00-\x1f\x7f-\x9f/\\\u2028-\u202e\u2066-\u2069]{{1,{_MAX_NAME_CHARACTERS}}}")
_READERS = {
    LockFormat.UV: read_uv_lock,
    LockFormat.POETRY: read_poetry_lock,
    LockFormat.PDM: read_pdm_lock,
}
_EXPECTED = "expected a lock called `pylock.toml`, `pylock.NAME.toml`, `uv.lock`, `poetry.lock` or `pdm.lock`"


def find_format(filename: str) -> LockFormat | None:
    """Tell the format of a lock by its name, None where it is no lock's."""
    if is_lock_name(filename):
        return LockFormat.PYLOCK
    return next((each for each in _READERS if each == filename), None)


def read_ledger(data: bytes, filename: str, origin: str, folder: str) -> Ledger:
    """Read the bytes of a lock; ``origin`` is its path as shown, ``folder`` the address that paths in it start from.

    Raises ``UsageError``, which names ``origin`` and where in it, for what is no lock of the format that its name
    tells, and for a major version of that which is not known.
    """
    found = find_format(filename)
    if found is None:
        raise LockError(origin, f"{_EXPECTED}, found {quoted(filename)}")
    contents = _read(data, found, origin, folder)
    _check_files(contents, origin)
    return Ledger(origin, found, hashlib.sha256(data).hexdigest(), contents)


def _check_files(contents: LockContents, origin: str) -> None:
    for package in contents.packages:
        odd = next((each.filename for each in package.files if not _FILENAME.fullmatch(each.filename)), None)
        if odd is not None:
            expected = (
                f"expected names of files, of at most {_MAX_NAME_CHARACTERS} letters, for `{package.name}`"
            )
            raise LockError(origin, f"{expected}, found {quoted(odd)}")


def _read(data: bytes, found: LockFormat, origin: str, folder: str) -> LockContents:
    if found is LockFormat.PYLOCK:
        lock = read_lock(data, origin, folder)
        newer = describe_version(lock)
        return replace(pylock_contents(lock), warnings=(newer,) if newer else ())
    return _READERS[found](TomlTable.decode(data, origin, LockError, max_bytes=MAX_LOCK_BYTES))
