"""Bytecode that interpreters keep beside sources, found by the sources' names."""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from pytest_wheeltag.system.folders import OpenFolder

CACHE_FOLDER = "__pycache__"
# `name.cpython-312.opt-1.pyc`, of whatever interpreter (PEP 3147, PEP 488), and with a number behind it as long as it
# is being written: an interpreter that is killed then leaves that.
_BYTECODE = re.compile(r"(?P<stem>.+)\.(?:cpython|pypy|graalpy)[\w-]*(?:\.opt-\w+)?\.pyc(?:\.\d+)?")
_SOURCE = ".py"


def stems_of(names: Collection[str]) -> frozenset[str]:
    """Give the names of modules among files, without what they end in."""
    return frozenset(name.removesuffix(_SOURCE) for name in names if name.endswith(_SOURCE))


@contextmanager
def open_bytecode(folder: OpenFolder, stems: Collection[str]) -> Iterator[tuple[OpenFolder, tuple[str, ...]]]:
    """Open the ``__pycache__`` in a folder, with the names in it that belong to these modules.

    Raises ``OSError``, ``FileNotFoundError`` where there is none.
    """
    cache = folder.child(CACHE_FOLDER)
    try:
        with os.scandir(cache.path if cache.descriptor is None else cache.descriptor) as entries:
            names = [entry.name for entry in entries]
        yield cache, tuple(name for name in names if _stem(name) in stems)
    finally:
        cache.close()


def _stem(name: str) -> str | None:
    match = _BYTECODE.fullmatch(name)
    return match["stem"] if match else None
