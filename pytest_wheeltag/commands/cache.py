"""``wheeltag cache``: where the cache is, what it holds, how it is emptied; and where any command finds it."""

import argparse
import os
from pathlib import Path

from pytest_wheeltag.commands import Status
from pytest_wheeltag.commands.console import print_json
from pytest_wheeltag.system.cache import clear_cache, locate_cache, measure_cache


def run(options: argparse.Namespace) -> Status:
    """Name the cache folder, show its rooms, or remove them."""
    folder = find_cache(options)
    is_clearing = options.action == "clear"
    rooms = clear_cache(folder) if is_clearing else measure_cache(folder) if options.action == "info" else ()
    if options.json:
        listed = [{"name": room.name, "files": room.files, "bytes": room.size} for room in rooms]
        print_json({"cache": str(folder), "removed" if is_clearing else "rooms": listed})
        return Status.DONE
    print(folder)
    for room in rooms:
        print(f"{'removed ' * is_clearing}{room.name}: {room.files} files, {room.size / 1e6:.1f} MB")
    return Status.DONE


def find_cache(options: argparse.Namespace) -> Path:
    """Give the cache folder that is asked for, else the usual one."""
    return locate_cache(options.cache_dir and Path(options.cache_dir), os.environ)
