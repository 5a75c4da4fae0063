"""What other installers did in an environment after a transaction died there: theirs counts, ours is not undone."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.utils import NormalizedName

from pytest_wheeltag.core.distinfo import EntryKind, parse_library_entry
from pytest_wheeltag.core.plan import INSTALLER
from pytest_wheeltag.system.grounds import Spot, join
from pytest_wheeltag.system.journal import Journal, WritingKind
from pytest_wheeltag.system.records import read_installer


@dataclass(frozen=True)
class Succession:
    """A transaction that died: ``roots`` are where it was at work, ``replaced`` below each what it took away.

    ``since_ns`` is when it last announced something.
    """

    roots: tuple[str, ...]
    replaced: tuple[str, ...]
    journal: Journal
    since_ns: int

    def find_successor(self) -> str | None:
        """Find the dist-info of a distribution that the transaction changed and somebody else installed since."""
        for library in sorted(self._libraries, key=lambda spot: (spot.root, spot.path)):
            for name in _list(join(self.roots[library.root], library.path)):
                if _project(name) in self._projects and self._is_foreign(library.inside(name)):
                    return join(self.roots[library.root], library.inside(name).path)
        return None

    @cached_property
    def _written(self) -> frozenset[Spot]:
        trees = (each for each in self.journal.writings if each.kind is WritingKind.TREES)
        return frozenset(each.folder.inside(name) for each in trees for name in each.names)

    @cached_property
    def _taken(self) -> frozenset[Spot]:
        return frozenset(
            spot for number, root in enumerate(self.replaced) for spot in _find_dist_infos(number, root)
        )

    @cached_property
    def _libraries(self) -> frozenset[Spot]:
        return frozenset(spot.parent for spot in self._written | self._taken)

    @cached_property
    def _projects(self) -> frozenset[NormalizedName | None]:
        return frozenset(_project(spot.name) for spot in self._written | self._taken) - {None}

    def _is_foreign(self, spot: Spot) -> bool:
        path = Path(self.roots[spot.root], spot.path)
        if spot in self._written:
            # Without one it is ours, whose removal was interrupted.
            return read_installer(path) not in {None, INSTALLER}
        if spot in self._taken:
            # On layers of an overlay it may have been moved in part: then its RECORD is in one of the two.
            return all((folder / "RECORD").exists() for folder in (path, self._backup_of(spot)))
        return path.lstat().st_ctime_ns > self.since_ns

    def _backup_of(self, spot: Spot) -> Path:
        return Path(self.replaced[spot.root], spot.path)


def _project(name: str) -> NormalizedName | None:
    entry = parse_library_entry(name)
    return entry.key if entry and entry.kind is EntryKind.DIST_INFO else None


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names, not paths
    except OSError:
        return []


def _find_dist_infos(number: int, root: str) -> Iterator[Spot]:
    for folder, names, _ in os.walk(root):
        path = os.path.relpath(folder, root).replace(os.sep, "/")
        spot = Spot(number, "" if path == "." else path)
        found = [name for name in names if _project(name)]
        yield from map(spot.inside, found)
        names[:] = [name for name in names if name not in found]
