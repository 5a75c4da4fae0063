"""The cache folder: where it is, what it holds, how it is emptied."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from pytest_wheeltag.errors import UsageError

_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder holds the cache of pytest-wheeltag; it may be removed at any time.\n"


@dataclass(frozen=True)
class CacheRoom:
    """One folder of the cache: its name carries the version of its format; ``size`` in bytes."""

    name: str
    files: int
    size: int


def locate_cache(configured: Path | None, environ: Mapping[str, str]) -> Path:
    """Give the cache folder: the one configured, else ``WHEELTAG_CACHE_DIR``, else the platform's user cache."""
    chosen = configured or environ.get("WHEELTAG_CACHE_DIR")
    return (
        Path(chosen).expanduser().absolute()
        if chosen
        else user_cache_path("pytest-wheeltag", appauthor=False)
    )


def prepare_cache(folder: Path) -> Path:
    """Make the cache folder with its CACHEDIR.TAG, which tells backup programs to leave it alone.

    Raises ``UsageError`` where there cannot be such a folder.
    """
    tag = folder / "CACHEDIR.TAG"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not tag.exists():
            tag.write_text(_TAG, encoding="ascii")
    except OSError as error:
        setting, expected = "cache folder", f"a folder that can be made and written to ({error.strerror})"
        raise UsageError(setting, str(folder), expected) from error
    return folder


def measure_cache(folder: Path) -> tuple[CacheRoom, ...]:
    """Count files and bytes of each room of the cache, by name; empty where there is none."""
    return tuple(_measure(room) for room in _rooms(folder))


def clear_cache(folder: Path) -> tuple[CacheRoom, ...]:
    """Remove every room of the cache, and nothing beside them; give what was removed."""
    found = measure_cache(folder)
    for room in found:
        shutil.rmtree(folder / room.name, ignore_errors=True)
    return tuple(room for room in found if not (folder / room.name).exists())


def _rooms(folder: Path) -> Iterator[Path]:
    if (folder / "CACHEDIR.TAG").is_file():
        yield from (
            room for room in sorted(folder.glob("*-v[0-9]*")) if room.is_dir() and not room.is_symlink()
        )


def _measure(room: Path) -> CacheRoom:
    sizes: list[int] = []
    for folder, _, names in os.walk(room):
        for name in names:
            # Another process may be at work here: what is gone does not count.
            with suppress(OSError):
                sizes.append(Path(folder, name).lstat().st_size)
    return CacheRoom(room.name, len(sizes), sum(sizes))
