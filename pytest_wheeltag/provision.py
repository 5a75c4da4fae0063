"""The way out on one screen: what was asked for becomes an environment that holds it."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.bare import BareMetadata, without_extras
from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.distinfo import is_same_version
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.plan import InstallRequest, plan_installation
from pytest_wheeltag.core.requirements import Demand, Request
from pytest_wheeltag.core.resolution import (
    Catalogue,
    Choice,
    MetadataSource,
    Resolution,
    SearchLimits,
    Sources,
)
from pytest_wheeltag.core.target import target_of
from pytest_wheeltag.core.verdict import InstalledDistribution, InstalledWheel
from pytest_wheeltag.core.wheel import WheelPolicy
from pytest_wheeltag.errors import InstallationError
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.linker import LinkOptions, LinkReport, install
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
    """How choosing and installing is done; ``exclude_newer`` is in UTC, None for no limit; ``constraints`` bind every request.

    Without ``with_dependencies`` only what is asked for by name is chosen and installed.
    """

    exclude_newer: datetime | None = None
    constraints: tuple[Demand, ...] = ()
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
        self._resolved: dict[tuple[Request, Interpreter], Resolution] = {}

    def resolve(self, request: Request, interpreter: Interpreter) -> Resolution:
        """Give one wheel for every distribution of the closure; raises as ``core.resolver.resolve``.

        The catalogue asks for each project once, so the same request has the same answer.
        """
        key = (request, interpreter)
        if key not in self._resolved:
            self._resolved[key] = self._resolve(request, interpreter)
        return self._resolved[key]

    def _resolve(self, request: Request, interpreter: Interpreter) -> Resolution:
        request = request & Request((), self._options.constraints)
        # Late: who audits or installs from what is resolved already needs no resolver.
        from pytest_wheeltag.core.resolver import resolve  # noqa: PLC0415

        metadata = self._supplies.metadata
        if not self._options.with_dependencies:
            request, metadata = without_extras(request), BareMetadata(metadata)
        sources = Sources(self._supplies.catalogue, metadata)
        return resolve(request, self._screen(interpreter), sources, self._options.limits)

    def provide(self, choices: Iterable[Choice]) -> dict[NormalizedName, StoreEntry]:
        """Bring wheels into the store that are not there yet; give all their entries.

        Raises ``WheelError`` for an archive that is refused and ``CatalogueError`` for one that cannot be had.
        """
        files = {choice.name: choice.candidate.file for choice in choices}
        wheels = self._supplies.wheels
        known = {name: entry for name, file in files.items() if (entry := wheels.recall(file))}
        missing = [name for name in files if name not in known]
        if missing:
            with ThreadPoolExecutor(min(_THREADS, len(missing)), "wheeltag-store") as pool:
                fetched = pool.map(wheels.provide, (files[name] for name in missing))
                known |= zip(missing, fetched, strict=True)
        return known

    def fetch(self, request: Request, interpreter: Interpreter) -> tuple[Choice, ...]:
        """Bring the closure of a request into the store, to be installed offline; raises as ``resolve`` and ``provide``."""
        choices = self.resolve(request, interpreter).choices
        self.provide(choices)
        return choices

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
        warnings = [self._link(environment, choice, entries[choice.name], resolution) for choice in fresh]
        kept = tuple(choice for choice in resolution.choices if choice not in fresh)
        told = (*resolution.warnings, *(warning for each in warnings for warning in each))
        return InstallReport(fresh, removed, kept, told)

    def uninstall(self, environment: Environment, names: Iterable[str]) -> tuple[str, ...]:
        """Take distributions out of an environment that we made; give their names with versions.

        Raises ``InstallationError``, before anything is removed, where one is not installed.
        """
        present = {canonicalize_name(each.name): each for each in read_installed(environment.as_existing())}
        wanted = tuple(dict.fromkeys(map(canonicalize_name, names)))
        if absent := [name for name in wanted if name not in present]:
            raise InstallationError(absent[0], "so it cannot be uninstalled", str(environment.prefix))
        return tuple(self._remove(environment, present[name]) for name in wanted)

    def _screen(self, interpreter: Interpreter) -> Screen:
        return Screen(interpreter, self._options.exclude_newer)

    def _link(
        self, environment: Environment, choice: Choice, entry: StoreEntry, resolution: Resolution
    ) -> tuple[str, ...]:
        is_requested = choice.name in resolution.requested
        try:
            done = self._install(environment, entry, is_requested=is_requested)
        except InstallationError as error:
            # Another process found the entry damaged while we linked from it, and healed it.
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            entry = self._supplies.wheels.provide(choice.candidate.file)
            done = self._install(environment, entry, is_requested=is_requested)
        return (*entry.warnings, *(f"{done.distribution}: {warning}" for warning in done.warnings))

    def _install(self, environment: Environment, entry: StoreEntry, *, is_requested: bool) -> LinkReport:
        target = target_of(environment.interpreter, str(environment.prefix))
        request = InstallRequest(is_requested=is_requested, scripts=entry.scripts, make_stub=make_stub)
        plan = plan_installation(entry.wheel, target, request)
        return install(plan, entry.root, environment.prefix, self._options.links)

    def _remove(self, environment: Environment, distribution: InstalledDistribution) -> str:
        target = target_of(environment.interpreter, str(environment.prefix))
        return uninstall(Path(distribution.location), target, foreign=True).distribution


def _is_present(choice: Choice, present: Mapping[NormalizedName, InstalledDistribution]) -> bool:
    installed = present.get(choice.name)
    # One that cannot be read is not kept: installing it again mends it.
    return isinstance(installed, InstalledWheel) and is_same_version(installed.version, str(choice.version))
