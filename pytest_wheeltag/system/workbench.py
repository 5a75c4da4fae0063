"""What builds are done with, and who furnishes their environments: light to load, as building is not."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.wheel import WheelPolicy
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.files import staging_path
from pytest_wheeltag.system.keptsources import KeptSources
from pytest_wheeltag.system.leftovers import sweep
from pytest_wheeltag.system.store import WheelStore

ROOM = "builds-v1"
LOGS = "logs"
_KEPT_SECONDS = 7 * 86_400


class Outfit(Protocol):
    """Build requirements as resolved for one interpreter, and an environment that holds them."""

    @property
    def requirements(self) -> tuple[str, ...]:
        """What was resolved, sorted: a line each that names the SHA-256 of the wheel."""
        ...

    def open(self) -> AbstractContextManager[Environment]:
        """Give an environment that holds it all, removed in the end."""
        ...


class Outfitter(Protocol):
    """Who makes environments for builds, from the same indexes and the same store as any other."""

    def gather(self, requires: tuple[str, ...], origin: str, interpreter: Interpreter) -> Outfit:
        """Resolve the build requirements of ``origin``; raises ``WheeltagError`` where they cannot be had."""
        ...


@dataclass(frozen=True)
class BuildOptions:
    """How builds are done: the caller's environment, and the variables that reach builds besides our list.

    A hook of a backend may take ``seconds``; ``policy`` is what is asked of the wheel.
    """

    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: tuple[str, ...] = ()
    seconds: float = 3600.0
    policy: WheelPolicy = field(default_factory=WheelPolicy)


def _ignore(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Workbench:
    """What builds are done with: the cache, the store, where archives come from; ``tell`` hears of each that begins."""

    cache: Path
    store: WheelStore
    sources: KeptSources
    options: BuildOptions = field(default_factory=BuildOptions)
    tell: Callable[[str], None] = field(default=_ignore, repr=False)

    def open_room(self) -> Path:
        """Make the folder that builds are done in, beside the store so that links are possible, and give its path.

        What dead processes and failed builds of old left there is taken away, once by each process.
        """
        room = self.cache / ROOM
        room.mkdir(parents=True, exist_ok=True)
        _tidy(room)
        return room

    def reserve_folder(self) -> Path:
        """Give the path of a folder that nobody else uses; what dies with this process is swept by another."""
        return staging_path(self.open_room() / "scratch")


@cache
def _tidy(room: Path) -> None:
    sweep(room)
    _forget_old_logs(room / LOGS)


def _forget_old_logs(folder: Path) -> None:
    """Remove what failed builds printed a week ago."""
    limit = time.time() - _KEPT_SECONDS
    for log in folder.glob("*.log"):
        with suppress(OSError):
            if log.stat().st_mtime < limit:
                log.unlink()
