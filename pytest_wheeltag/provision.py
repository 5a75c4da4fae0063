"""The way out on one screen: what was asked for becomes an environment that holds it."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from packaging.utils import canonicalize_name

from pytest_wheeltag.core.bare import BareMetadata, without_extras
from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.consistency import find_broken
from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.hashchecking import unverified
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.locked import check_constraints, resolve_locked
from pytest_wheeltag.core.present import Present, PresentDistribution, Upgrade
from pytest_wheeltag.core.requirements import Demand, Request, parse_request
from pytest_wheeltag.core.resolution import Catalogue, MetadataSource, Resolution, SearchLimits, Sources
from pytest_wheeltag.core.source import RequestedSettings, Source
from pytest_wheeltag.core.verdict import InstalledDistribution
from pytest_wheeltag.core.wheel import WheelPolicy
from pytest_wheeltag.errors import BuildError, InstallationError
from pytest_wheeltag.system.artefacts import Artefacts, PublishedMetadata, SourceBuilder
from pytest_wheeltag.system.compiler import Bytecode
from pytest_wheeltag.system.environment import Environment, EnvironmentMaker, remove_environment
from pytest_wheeltag.system.installation import Delivery, Installation, InstallOptions, InstallReport
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.linker import LinkOptions
from pytest_wheeltag.system.presence import read_declarations, read_present
from pytest_wheeltag.system.transaction import Transaction, open_transaction, recover
from pytest_wheeltag.system.uninstall import check_removable, uninstall
from pytest_wheeltag.system.wheels import StoredWheels
from pytest_wheeltag.system.workbench import Outfit, Workbench

_LIMITS = SearchLimits(clock=time.monotonic)
# As many as there are connections; unpacking is bound by the processor, and waits for itself.
_THREADS = 8


@dataclass(frozen=True)
class Supplies:
    """What a provisioner works with: who knows what is published, what it needs, who has the wheels, what builds them."""

    catalogue: Catalogue
    metadata: PublishedMetadata
    wheels: StoredWheels
    workbench: Workbench
    maker: EnvironmentMaker


@dataclass(frozen=True)
class ProvisionOptions:
    """How choosing and installing is done; ``exclude_newer`` is in UTC, None for no limit; ``constraints`` bind every request.

    ``build_constraints`` bind what builds require, and nothing else. Without ``with_dependencies`` only what is
    asked for by name is chosen and installed.
    """

    exclude_newer: datetime | None = None
    constraints: tuple[Demand, ...] = ()
    build_constraints: tuple[Demand, ...] = ()
    controls: Controls = field(default_factory=Controls)
    with_dependencies: bool = True
    upgrade: Upgrade = Upgrade.KEEP
    limits: SearchLimits = _LIMITS
    links: LinkOptions = field(default_factory=LinkOptions)
    bytecode: Bytecode = Bytecode.NONE
    requires_hashes: bool = False
    policy: WheelPolicy = field(default_factory=WheelPolicy)

    def for_builds(self) -> "ProvisionOptions":
        """Give the options by which the environments of builds are furnished."""
        return replace(
            self,
            constraints=self.build_constraints,
            with_dependencies=True,
            upgrade=Upgrade.KEEP,
            bytecode=Bytecode.NONE,
            requires_hashes=False,
        )


class Provisioner:
    """Chooses for an interpreter from what is published, builds what has no wheel, and installs it from the store.

    ``building`` names the builds that this one serves, one for the other.
    """

    def __init__(
        self, supplies: Supplies, options: ProvisionOptions | None = None, *, building: tuple[str, ...] = ()
    ) -> None:
        self._supplies = supplies
        self._options = options or ProvisionOptions()
        self._building = building
        self._resolved: dict[tuple[Request, Interpreter], Resolution] = {}

    def resolve(self, request: Request, interpreter: Interpreter) -> Resolution:
        """Give one file for every distribution of the closure, or those of a lock; raises as ``core.resolver.resolve``.

        The catalogue asks for each project once, so the same request has the same answer, but where something lies
        at an address.
        """
        return self._resolve(request, self._artefacts(request, interpreter), ())

    def provide(self, request: Request, interpreter: Interpreter) -> Delivery:
        """Bring the closure of a request into the store, to be installed later or offline; raises as ``install``."""
        artefacts = self._artefacts(request, interpreter)
        return self._deliver(self._resolve(request, artefacts, ()), artefacts)

    def install(self, environment: Environment, request: Request) -> InstallReport:
        """Put the closure of a request into an environment, all of it or nothing.

        What is there and will do is kept, another version of what is chosen is replaced. Raises as ``resolve``, with
        ``WheelError``, ``BuildError`` and ``StoreError``, before anything is written, ``InstallationError`` where the
        environment does not take it.
        """
        artefacts = self._artefacts(request, environment.interpreter)
        recovered = self._recover(environment)
        while True:
            before = read_installed(environment.as_existing())
            delivery = self._deliver(self._resolve(request, artefacts, read_present(before)), artefacts)
            with self._hold(environment) as transaction:
                # Another process may have been at work there meanwhile.
                if transaction is None or read_installed(environment.as_existing()) == before:
                    installation = Installation(environment, before, delivery, self._install_options)
                    report = installation.run(transaction)
                    break
        broken = self._find_broken(environment, before, report)
        return replace(report, warnings=(*recovered, *report.warnings, *broken))

    def uninstall(self, environment: Environment, names: Iterable[str]) -> tuple[str, ...]:
        """Take distributions out of an environment, all of them or none; give their names with versions.

        Raises ``InstallationError``, before anything is removed, where one is not installed.
        """
        target = environment.target
        with self._hold(environment) as transaction:
            present = {
                canonicalize_name(each.name): each for each in read_installed(environment.as_existing())
            }
            wanted = tuple(dict.fromkeys(map(canonicalize_name, names)))
            if absent := [name for name in wanted if name not in present]:
                raise InstallationError(absent[0], "so it cannot be uninstalled", str(environment.prefix))
            places = [Path(present[name].location) for name in wanted]
            for place in places:
                check_removable(place, target)
            reports = [uninstall(each, target, foreign=True, transaction=transaction) for each in places]
        return tuple(each.distribution for each in reports)

    def gather(self, requires: tuple[str, ...], origin: str, interpreter: Interpreter) -> Outfit:
        """Resolve what a build requires, as ``Outfitter`` says: from the same indexes, bound by build constraints alone."""
        if origin in self._building:
            way = " -> ".join((*self._building, origin))
            raise BuildError(origin, interpreter.label, f"it would need itself to be built: `{way}`")
        inner = Provisioner(self._supplies, self._options.for_builds(), building=(*self._building, origin))
        delivery = inner.provide(parse_request(requires, (), origin), interpreter)
        return _Outfit(self._supplies, InstallOptions(self._options.links), delivery, interpreter)

    @property
    def _install_options(self) -> InstallOptions:
        options, environ = self._options, self._supplies.workbench.options.environ
        is_reinstalled = options.upgrade is Upgrade.REINSTALL
        return InstallOptions(options.links, options.bytecode, environ, is_reinstalled)

    def _artefacts(self, request: Request, interpreter: Interpreter) -> Artefacts:
        def open_builder() -> SourceBuilder:
            # Late: most of what is asked for has wheels.
            from pytest_wheeltag.system.builds import Builder  # noqa: PLC0415

            settings = RequestedSettings.of(request.requirements)
            return Builder(self._supplies.workbench, self, interpreter, settings)

        return Artefacts(interpreter, self._supplies.metadata, self._supplies.wheels, open_builder)

    def _resolve(
        self, request: Request, artefacts: Artefacts, installed: tuple[PresentDistribution, ...]
    ) -> Resolution:
        key = (request, artefacts.interpreter)
        known = None if installed else self._resolved.get(key)
        found = known or self._choose(request, artefacts, Present(installed, self._options.upgrade))
        if not installed and not any(choice.reference for choice in found.choices):
            self._resolved[key] = found
        return found

    def _choose(self, request: Request, artefacts: Artefacts, present: Present) -> Resolution:
        screen = Screen(artefacts.interpreter, self._options.exclude_newer, self._options.controls)
        if request.lock is not None:
            locked = resolve_locked(request.lock, screen, artefacts, present=present)
            check_constraints(
                locked, (*request.constraints, *self._options.constraints), artefacts.interpreter
            )
            return locked
        # Late: who audits or installs from what is resolved already needs no resolver.
        from pytest_wheeltag.core.resolver import resolve  # noqa: PLC0415

        request = replace(
            request,
            constraints=(*request.constraints, *self._options.constraints),
            requires_hashes=request.requires_hashes or self._options.requires_hashes,
        )
        metadata: MetadataSource = artefacts
        if not self._options.with_dependencies:
            request, metadata = without_extras(request), BareMetadata(artefacts)
        sources = Sources(self._supplies.catalogue, metadata, artefacts, present)
        return resolve(request, screen, sources, self._options.limits)

    def _deliver(self, resolution: Resolution, artefacts: Artefacts) -> Delivery:
        """Bring what was chosen into the store, building what must be built; raises as ``Artefacts.provide``."""
        chosen = {choice.name: choice.candidate for choice in resolution.choices}
        entries = {name: entry for name, each in chosen.items() if (entry := artefacts.recall(each))}
        wheels = [
            name for name, each in chosen.items() if name not in entries and not isinstance(each, Source)
        ]
        if wheels:
            with ThreadPoolExecutor(min(_THREADS, len(wheels)), "wheeltag-store") as pool:
                fetched = pool.map(artefacts.provide, (chosen[name] for name in wheels))
                entries |= zip(wheels, fetched, strict=True)
        # One after the other: compilers use all processors as it is.
        entries |= {name: artefacts.provide(each) for name, each in chosen.items() if name not in entries}
        for choice in unverified(resolution.choices):
            artefacts.verify(choice)
        return Delivery(resolution, entries)

    def _recover(self, environment: Environment) -> tuple[str, ...]:
        """Undo what a killed process left half done; what is still being made is thrown away instead."""
        if environment.is_unfinished:
            return ()
        told = recover(self._supplies.workbench.cache, environment.target)
        return () if told is None else (told,)

    def _hold(self, environment: Environment) -> AbstractContextManager[Transaction | None]:
        if environment.is_unfinished:
            return nullcontext()
        return open_transaction(self._supplies.workbench.cache, environment.target)

    def _find_broken(
        self, environment: Environment, before: tuple[InstalledDistribution, ...], report: InstallReport
    ) -> Iterator[str]:
        """Tell what no longer fits together in an environment that held more than was asked for, as pip does."""
        changed = frozenset(choice.name for choice in report.installed)
        if changed and not {canonicalize_name(each.name) for each in before} <= changed:
            after = read_declarations(read_installed(environment.as_existing()))
            yield from find_broken(after, environment.interpreter, changed)


@dataclass(frozen=True)
class _Outfit:
    """What a build requires, in the store, and the environments that are made of it."""

    supplies: Supplies
    options: InstallOptions
    delivery: Delivery
    interpreter: Interpreter

    @property
    def requirements(self) -> tuple[str, ...]:
        """A line for each distribution, with the SHA-256 of its wheel."""
        entries = self.delivery.entries
        return tuple(
            f"{each.name}=={each.version} {entries[each.name].digest}"
            for each in self.delivery.resolution.choices
        )

    @contextmanager
    def open(self) -> Iterator[Environment]:
        """Make an environment that holds it, beside the store, and remove it in the end."""
        environment = self.supplies.maker.make(self.supplies.workbench.reserve_folder(), self.interpreter)
        try:
            Installation(environment, (), self.delivery, self.options).run()
            yield environment
        finally:
            remove_environment(environment.prefix)
