"""What figures depend on: the machine, its file system, and the versions of all that is measured."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

_OURS = ("pytest-wheeltag", "packaging", "virtualenv", "resolvelib")


def describe_machine(folder: Path) -> dict[str, str]:
    """Describe the machine, the file system that ``folder`` lies on, and our versions."""
    facts = {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "processors": str(_usable_processors()),
        "file system": _file_system(folder),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    return facts | {name: version(name) for name in _OURS}


def _usable_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """Give the type of the file system, as far as Linux tells, else nothing."""
    best, kind = Path(), ""
    for line in _lines(Path("/proc/mounts")):
        _, place, found, *_ = line.split(" ")
        mounted = Path(place.replace("\\040", " "))
        if folder.is_relative_to(mounted) and len(mounted.parts) >= len(best.parts):
            best, kind = mounted, found
    return kind


def _lines(path: Path) -> Iterator[str]:
    if path.is_file():
        yield from path.read_text(encoding="utf-8", errors="replace").splitlines()
