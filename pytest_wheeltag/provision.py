"""The way out on one screen: what was asked for becomes an environment that holds it."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.bare import BareMetadata, without_extras
from pytest_wheeltag.core.candidates import Offer, Screen, screen_release
from pytest_wheeltag.core.distinfo import is_same_version
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.plan import InstallRequest, plan_installation
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.core.resolution import (
    Catalogue,
    Choice,
    MetadataSource,
    Pin,
    Resolution,
    SearchLimits,
    Sources,
)
from pytest_wheeltag.core.target import target_of
from pytest_wheeltag.core.verdict import InstalledDistribution
from pytest_wheeltag.core.wheel import WheelPolicy
from pytest_wheeltag.errors import InstallationError, NoWheelError
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.linker import LinkOptions, install
from pytest_wheeltag.system.stubs import make_stub
from pytest_wheeltag.system.uninstall import uninstall
from pytest_wheeltag.system.wheels import StoredWheels

_LIMITS = SearchLimits(clock=time.monotonic)
# As many as there are connections; unpacking is bound by the processor, and waits for itself.
_THREADS = 8


@dataclass(frozen=True)
class Supplies:
    """What a provisioner works with: who knows what is published, what it needs, and who has the wheels."""

    catalogue: Catalogue
    metadata: MetadataSource
    wheels: StoredWheels


@dataclass(frozen=True)
class ProvisionOptions:
    """How choosing and installing is done; ``exclude_newer`` is in UTC, None for no limit.

    Without ``with_dependencies`` only what is asked for by name is chosen and installed.
    """

    exclude_newer: datetime | None = None
    with_dependencies: bool = True
    limits: SearchLimits = _LIMITS
    links: LinkOptions = field(default_factory=LinkOptions)
    policy: WheelPolicy = field(default_factory=WheelPolicy)


@dataclass(frozen=True)
class InstallReport:
    """What an installation did: what it took, by name, what it took away, and warnings, one line each."""

    installed: tuple[Choice, ...]
    removed: tuple[str, ...] = ()
    kept: tuple[Choice, ...] = ()
    warnings: tuple[str, ...] = ()


class Provisioner:
    """Chooses for an interpreter from what is published, and installs it from the store."""

    def __init__(self, supplies: Supplies, options: ProvisionOptions | None = None) -> None:
        self._supplies = supplies
        self._options = options or ProvisionOptions()

    def resolve(self, request: Request, interpreter: Interpreter) -> Resolution:
        """Give one wheel for every distribution of the closure; raises as ``core.resolver.resolve``."""
        # Late: who audits or chooses pinned releases needs no resolver.
        from pytest_wheeltag.core.resolver import resolve  # noqa: PLC0415

        metadata = self._supplies.metadata
        if not self._options.with_dependencies:
            request, metadata = without_extras(request), BareMetadata(metadata)
        sources = Sources(self._supplies.catalogue, metadata)
        return resolve(request, self._screen(interpreter), sources, self._options.limits)

    def choose(self, pin: Pin, interpreter: Interpreter) -> Choice:
        """Give the wheel of a pinned release that the interpreter likes best.

        Raises ``NoWheelError`` where none is compatible, ``CatalogueError`` where an index cannot be asked.
        """
        release = self._supplies.catalogue.release(pin.name, pin.version)
        offer = screen_release(pin.name, pin.version, release.files, self._screen(interpreter))
        if offer.best is None:
            raise NoWheelError(f"{pin.name}=={pin.version}", interpreter.label, _why(offer))
        return Choice(pin.name, pin.version, offer.best)

    def provide(self, choices: Iterable[Choice]) -> dict[NormalizedName, StoreEntry]:
        """Bring wheels into the store that are not there yet; give all their entries.

        Raises ``WheelError`` for an archive that is refused and ``CatalogueError`` for one that cannot be had.
        """
        chosen = tuple(choices)
        with ThreadPoolExecutor(_THREADS, "wheeltag-store") as pool:
            entries = pool.map(self._supplies.wheels.provide, (choice.candidate.file for choice in chosen))
            return dict(zip((choice.name for choice in chosen), entries, strict=True))

    def install(self, environment: Environment, request: Request) -> InstallReport:
        """Put the closure of a request into an environment that we made.

        What is there in another version is replaced, in the same kept. Raises as ``resolve`` and ``provide``
        before anything is written, ``InstallationError`` where the environment does not take it.
        """
        resolution = self.resolve(request, environment.interpreter)
        entries = self.provide(resolution.choices)
        present = {canonicalize_name(each.name): each for each in read_installed(environment.as_existing())}
        fresh = tuple(each for each in resolution.choices if not _is_present(each, present))
        replaced = [present[choice.name] for choice in fresh if choice.name in present]
        removed = tuple(self._remove(environment, each) for each in replaced)
        warnings = [self._link(environment, entries[choice.name], resolution) for choice in fresh]
        kept = tuple(choice for choice in resolution.choices if choice not in fresh)
        told = (*resolution.warnings, *(warning for each in warnings for warning in each))
        return InstallReport(fresh, removed, kept, told)

    def uninstall(self, environment: Environment, names: Iterable[str]) -> tuple[str, ...]:
        """Take distributions out of an environment that we made; give their names with versions.

        Raises ``InstallationError``, before anything is removed, where one is not installed.
        """
        present = {canonicalize_name(each.name): each for each in read_installed(environment.as_existing())}
        wanted = [canonicalize_name(name) for name in names]
        if absent := [name for name in wanted if name not in present]:
            raise InstallationError(absent[0], "so it cannot be uninstalled", str(environment.prefix))
        return tuple(self._remove(environment, present[name]) for name in wanted)

    def _screen(self, interpreter: Interpreter) -> Screen:
        return Screen(interpreter, self._options.exclude_newer)

    def _link(self, environment: Environment, entry: StoreEntry, resolution: Resolution) -> tuple[str, ...]:
        prefix = environment.prefix
        target = target_of(environment.interpreter, str(prefix))
        is_requested = canonicalize_name(entry.wheel.name) in resolution.requested
        request = InstallRequest(is_requested=is_requested, scripts=entry.scripts, make_stub=make_stub)
        plan = plan_installation(entry.wheel, target, request)
        done = install(plan, entry.root, prefix, self._options.links)
        return (*entry.warnings, *(f"{done.distribution}: {warning}" for warning in done.warnings))

    def _remove(self, environment: Environment, distribution: InstalledDistribution) -> str:
        target = target_of(environment.interpreter, str(environment.prefix))
        return uninstall(Path(distribution.location), target, foreign=True).distribution


def _is_present(choice: Choice, present: Mapping[NormalizedName, InstalledDistribution]) -> bool:
    installed = present.get(choice.name)
    return installed is not None and is_same_version(installed.version, str(choice.version))


def _why(offer: Offer) -> str:
    if not offer.is_listed:
        return "no index lists a file of this version"
    if miss := offer.nearest_miss:
        return f"the nearest miss is `{miss.file.filename}`, but {miss.reason}: `{miss.detail}`"
    return "only a source distribution is published"
