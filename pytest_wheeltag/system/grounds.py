"""Where the folders of an environment really lie: most below its prefix, some through links elsewhere."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.target import InstallTarget


@dataclass(frozen=True)
class Spot:
    """A place below one of the roots, free of links: ``root`` is the root's number, ``path`` relative to it."""

    root: int
    path: str

    def inside(self, name: str) -> "Spot":
        """Give the place of an entry in this folder."""
        return Spot(self.root, f"{self.path}/{name}" if self.path else name)

    @property
    def parent(self) -> "Spot":
        """The folder that it lies in."""
        return Spot(self.root, self.path.rpartition("/")[0])

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Grounds:
    """The real folders that an environment consists of, its prefix first; files can be renamed within each.

    ``bases`` maps the environment's own folders, as schemes name them, to where they lie: ``lib64`` may be
    ``lib``, and a library folder on another device is a root of its own.
    """

    roots: tuple[str, ...]
    bases: Mapping[str, Spot] = field(hash=False)

    def locate(self, path: str) -> Spot:
        """Give where a path relative to the prefix lies: one spot for all spellings through the bases."""
        for base in self._longest_first:
            if path == base:
                return self.bases[base]
            if path.startswith(base + "/"):
                spot = self.bases[base]
                return spot.inside(path[len(base) + 1 :])
        return Spot(0, path)

    @cached_property
    def _longest_first(self) -> tuple[str, ...]:
        return tuple(sorted(self.bases, key=len, reverse=True))

    def path_of(self, spot: Spot) -> str:
        """Give the absolute path of a spot."""
        return join(self.roots[spot.root], spot.path)


def join(folder: str, relative: str) -> str:
    """Put a relative path behind a folder; an empty one is the folder itself."""
    return f"{folder}/{relative}" if relative else folder


def find_grounds(target: InstallTarget) -> Grounds:
    """Look where the folders of an environment lie; raises ``OSError`` where its prefix is not there."""
    prefix = os.path.realpath(target.prefix)
    device = Path(prefix).stat().st_dev
    roots, bases = [prefix], {}
    for base in filter(None, target.bases):
        real = os.path.realpath(join(target.prefix, base))
        below = os.path.relpath(real, prefix).replace(os.sep, "/") if _shares_drive(real, prefix) else ".."
        if below.split("/")[0] != ".." and _device_of(real, device) == device:
            bases[base] = Spot(0, "" if below == "." else below)
            continue
        if real not in roots:
            roots.append(real)
        bases[base] = Spot(roots.index(real), "")
    return Grounds(tuple(roots), bases)


def _shares_drive(path: str, other: str) -> bool:
    return os.path.splitdrive(path)[0].lower() == os.path.splitdrive(other)[0].lower()


def _device_of(path: str, otherwise: int) -> int:
    try:
        return Path(path).stat().st_dev
    except OSError:
        # Not there yet: it will be made, on the device of what it lies in.
        return otherwise
