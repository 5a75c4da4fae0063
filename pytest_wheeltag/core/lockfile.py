"""Reading a lock file, and saying which of its extras and groups are wanted (pylock.toml specification)."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from packaging.pylock import Pylock, PylockValidationError
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.text import nearest_spelling, printable
from pytest_wheeltag.core.tomltable import TomlTable
from pytest_wheeltag.errors import LockError, UsageError

MAX_LOCK_BYTES = 8 << 20
"""The largest known has a hundredth of it."""

_NAME = re.compile(r"pylock\.(?:[^.]+\.)?toml")
_EXPECTED = "a lock as the pylock.toml specification has it"
_EXPECTED_VERSION = "lock-version 1.0, the one that is known; write the lock anew for it"
_KNOWN_VERSION = Version("1.0")
_SHOWN_CHARACTERS = 200


def is_lock_name(filename: str) -> bool:
    """Tell whether a file is a lock by its name: ``pylock.toml`` or ``pylock.NAME.toml``."""
    return _NAME.fullmatch(filename) is not None


def read_lock(data: bytes, origin: str, address: str) -> Lock:
    """Read the bytes of a lock; ``origin`` is its path as shown, ``address`` where it lies: paths in it start from its folder.

    Raises ``UsageError``, which names ``origin``, for what the specification does not allow and for a major
    version that is not known.
    """
    table = TomlTable.decode(data, origin, LockError, max_bytes=MAX_LOCK_BYTES).values
    version = _parse_version(table.get("lock-version"), origin)
    try:
        # Of a newer minor version that is read which is known; packaging would log a line of its own.
        pylock = Pylock.from_dict({**table, "lock-version": str(_KNOWN_VERSION)})
    except (PylockValidationError, RecursionError) as error:
        raise UsageError(origin, one_line(error), _EXPECTED) from error
    digest = hashlib.sha256(data).hexdigest()
    return Lock(origin, digest, address, replace(pylock, lock_version=version))


def _parse_version(found: object, origin: str) -> Version:
    try:
        version = Version(found) if isinstance(found, str) else None
    except InvalidVersion:
        version = None
    if version is None or not _KNOWN_VERSION <= version < Version("2"):
        raise UsageError(origin, printable(str(found)[:_SHOWN_CHARACTERS]), _EXPECTED_VERSION)
    return version


def describe_version(lock: Lock) -> str | None:
    """Say in one line that a lock is of a newer minor version, None where all of it is known."""
    version = lock.pylock.lock_version
    if version <= _KNOWN_VERSION:
        return None
    return f"{lock.origin} has a newer lock-version than 1.0, of which some may be ignored: `{version}`"


def select_parts(lock: Lock, extras: Iterable[str] = (), groups: Iterable[str] | None = None) -> Lock:
    """Give the lock with these extras and dependency groups wanted; ``groups`` None stands for its default ones.

    Raises ``UsageError``, which names the nearest, for one that the lock does not have.
    """
    pylock = lock.pylock
    known_groups = (*(pylock.dependency_groups or ()), *(pylock.default_groups or ()))
    return replace(
        lock,
        extras=_find_all("extra", extras, pylock.extras or (), lock.origin),
        groups=None if groups is None else _find_all("dependency group", groups, known_groups, lock.origin),
    )


def _find_all(kind: str, wanted: Iterable[str], known: Sequence[str], origin: str) -> frozenset[str]:
    spellings = {canonicalize_name(each): each for each in known}
    found = []
    for name in wanted:
        spelling = spellings.get(canonicalize_name(name))
        if spelling is None:
            raise UsageError(origin, printable(name), _describe_known(kind, name, spellings))
        found.append(spelling)
    return frozenset(found)


def _describe_known(kind: str, name: str, known: Iterable[str]) -> str:
    return f"one of the lock's {kind}s ({nearest_spelling(canonicalize_name(name), known)})"


def one_line(error: Exception) -> str:
    """Give the text of an error of TOML or of packaging, fit to be shown on one line."""
    return printable(" ".join(str(error).split())[:_SHOWN_CHARACTERS])
