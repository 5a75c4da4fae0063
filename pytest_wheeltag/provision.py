"""The way out on one screen: what was asked for becomes an environment that holds it."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from pytest_wheeltag.choosing import choose
from pytest_wheeltag.core.changes import plan_change, plan_removal
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.present import Present, PresentDistribution, Upgrade
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.core.resolution import Resolution, Sources
from pytest_wheeltag.core.source import RequestedSettings
from pytest_wheeltag.errors import BuildError
from pytest_wheeltag.supplies import ProvisionOptions, Supplies
from pytest_wheeltag.system.artefacts import Artefacts, SourceBuilder
from pytest_wheeltag.system.delivery import Delivery, deliver
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.installation import InstallOptions, InstallReport, carry_out
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.outfits import DeliveredOutfit
from pytest_wheeltag.system.presence import find_newly_broken, find_same, read_present
from pytest_wheeltag.system.workbench import Outfit


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
        self._cache = supplies.workbench.cache
        self._installing = self._options.installing_in(supplies.workbench.options.environ)

    def resolve(self, request: Request, interpreter: Interpreter) -> Resolution:
        """Give one file for every distribution of the closure, or those of a lock; raises as ``core.resolver.resolve``.

        The catalogue asks for each project once, so the same request has the same answer, but where something lies
        at an address.
        """
        return self._resolve(request, self._artefacts(request, interpreter))

    def provide(
        self, request: Request, interpreter: Interpreter, present: tuple[PresentDistribution, ...] = ()
    ) -> Delivery:
        """Bring the closure of a request into the store, but what is ``present``; raises as ``install``."""
        artefacts = self._artefacts(request, interpreter)
        return deliver(self._resolve(request, artefacts, present), artefacts)

    def install(self, environment: Environment, request: Request) -> InstallReport:
        """Put the closure of a request into an environment, all of it or nothing.

        What is there and will do is kept, another version of what is chosen is replaced. Raises as ``resolve``, with
        ``WheelError``, ``BuildError`` and ``StoreError``, before anything is written, ``InstallationError`` and
        ``EnvironmentStateError`` where the environment does not take it.
        """
        told = list(environment.recover(self._cache))
        while (report := self._try_install(environment, request, told)) is None:
            pass
        return replace(report, warnings=(*told, *report.warnings))

    def _try_install(
        self, environment: Environment, request: Request, told: list[str]
    ) -> InstallReport | None:
        """Resolve, deliver, hold, carry out; None where another process changed it meanwhile."""
        before = read_installed(environment.as_existing())
        delivery = self.provide(request, environment.interpreter, read_present(before))
        with environment.hold(self._cache) as site:
            told += site.recovered
            if not site.is_own and read_installed(environment.as_existing()) != before:
                return None
            is_reinstalled = self._options.upgrade is Upgrade.REINSTALL
            same = frozenset() if is_reinstalled else find_same(delivery.choices, before)
            change = plan_change(delivery.resolution, before, same)
            report = carry_out(change, site, delivery, self._installing)
        broken = find_newly_broken(environment.as_existing(), before, change)
        return replace(report, warnings=(*delivery.resolution.warnings, *report.warnings, *broken))

    def uninstall(self, environment: Environment, names: Iterable[str]) -> InstallReport:
        """Take distributions out of an environment, all of them or none.

        Raises ``RemovalError``, before anything is removed, where one is not installed or has no list of its
        files, ``EnvironmentStateError`` where the environment cannot be changed now.
        """
        with environment.hold(self._cache) as site:
            installed = read_installed(environment.as_existing())
            report = carry_out(plan_removal(names, installed, str(environment.prefix)), site)
        return replace(report, warnings=(*site.recovered, *report.warnings))

    def gather(self, requires: tuple[str, ...], origin: str, interpreter: Interpreter) -> Outfit:
        """Resolve what a build requires, as ``Outfitter`` says: from the same indexes, bound by build constraints alone."""
        if origin in self._building:
            way = " -> ".join((*self._building, origin))
            raise BuildError(origin, interpreter.label, f"it would need itself to be built: `{way}`")
        supplies, options = self._supplies, self._options.for_builds()
        inner = Provisioner(supplies, options, building=(*self._building, origin))
        delivery = inner.provide(parse_request(requires, (), origin), interpreter)
        return DeliveredOutfit(
            interpreter, delivery, supplies.maker, supplies.workbench, InstallOptions(options.links)
        )

    def open_builder(self, request: Request, interpreter: Interpreter) -> SourceBuilder:
        """Give what builds for an interpreter, with the settings that a request has for its backends."""
        # Late: most of what is asked for has wheels.
        from pytest_wheeltag.system.builds import Builder  # noqa: PLC0415

        settings = RequestedSettings.of(request.requirements)
        return Builder(self._supplies.workbench, self, interpreter, settings)

    def _artefacts(self, request: Request, interpreter: Interpreter) -> Artefacts:
        opening = partial(self.open_builder, request, interpreter)
        return Artefacts(interpreter, self._supplies.metadata, self._supplies.wheels, opening)

    def _resolve(
        self, request: Request, artefacts: Artefacts, installed: tuple[PresentDistribution, ...] = ()
    ) -> Resolution:
        key = (request, artefacts.interpreter)
        known = None if installed else self._resolved.get(key)
        found = known or self._choose(request, artefacts, Present(installed, self._options.upgrade))
        if not installed and not any(choice.reference for choice in found.choices):
            self._resolved[key] = found
        return found

    def _choose(self, request: Request, artefacts: Artefacts, present: Present) -> Resolution:
        screen = self._options.screen_for(artefacts.interpreter)
        sources = Sources(self._supplies.catalogue, artefacts, artefacts, present)
        return choose(request, screen, sources, self._options)
