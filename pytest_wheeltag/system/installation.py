"""Putting what was chosen into an environment, in place of what is there, all of it or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.plan import InstallRequest, plan_installation
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.resolution import Choice, Resolution
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.core.verdict import InstalledDistribution
from pytest_wheeltag.system.compiler import Bytecode, Compiler
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.linker import LinkOptions, Route, install
from pytest_wheeltag.system.presence import is_from
from pytest_wheeltag.system.stubs import make_stub
from pytest_wheeltag.system.transaction import Transaction
from pytest_wheeltag.system.uninstall import check_removable, uninstall


@dataclass(frozen=True)
class Delivery:
    """A resolution with the store's entry for each of its choices, ready to be installed."""

    resolution: Resolution
    entries: Mapping[NormalizedName, StoreEntry]

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What was chosen, sorted by name."""
        return self.resolution.choices


@dataclass(frozen=True)
class InstallReport:
    """What was done to an environment: what was put in, by name, taken out, and kept, and warnings, one line each.

    An uninstallation puts nothing in.
    """

    installed: tuple[Choice, ...]
    removed: tuple[str, ...] = ()
    kept: tuple[PresentDistribution, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class InstallOptions:
    """How a delivery is put in place: how files are linked, which bytecode is made, by an interpreter in ``environ``.

    ``is_reinstalled`` replaces even the very file that was asked for.
    """

    links: LinkOptions = field(default_factory=LinkOptions)
    bytecode: Bytecode = Bytecode.NONE
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_reinstalled: bool = False


@dataclass
class Installation:
    """One delivery on its way into an environment whose ``installed`` distributions are known."""

    environment: Environment
    installed: Sequence[InstalledDistribution]
    delivery: Delivery
    options: InstallOptions
    warnings: list[str] = field(default_factory=list)

    def run(self, transaction: Transaction | None = None) -> InstallReport:
        """Take away what is replaced, then link everything; raises ``InstallationError``, ``WheelError``."""
        resolution = self.delivery.resolution
        present = {canonicalize_name(each.name): each for each in self.installed}
        staying = tuple(
            choice for choice in resolution.choices if self._stays(choice, present.get(choice.name))
        )
        fresh = tuple(choice for choice in resolution.choices if choice not in staying)
        replaced = [present[choice.name] for choice in fresh if choice.name in present]
        for each in replaced:
            check_removable(Path(each.location), self._target)
        removed = tuple(uninstall(Path(each.location), self._target, transaction) for each in replaced)
        with Compiler(self.environment.python, self.options.environ) as compiler:
            for choice in fresh:
                self._note_tags(choice)
                self._link(choice, self._linking(compiler), transaction)
            self.warnings += compiler.warnings
        same = (PresentDistribution(each.name, each.version) for each in staying)
        kept = tuple(sorted((*resolution.kept, *same), key=lambda each: each.name))
        return InstallReport(fresh, removed, kept, (*resolution.warnings, *self.warnings))

    @property
    def _target(self) -> InstallTarget:
        return self.environment.target

    def _stays(self, choice: Choice, installed: InstalledDistribution | None) -> bool:
        """Tell whether the very file that was asked for by its address is installed; a tree may have been edited."""
        if installed is None or choice.reference is None or choice.is_tree or self.options.is_reinstalled:
            return False
        return is_from(installed, choice.reference.render_direct_url(choice.file.sha256))

    def _note_tags(self, choice: Choice) -> None:
        """Tell of a wheel that was built here, and whose tag says that it is for others; pip takes it as well."""
        wheel = self.delivery.entries[choice.name].wheel
        interpreter = self.environment.interpreter
        if choice.is_built and interpreter.ranking.best_rank(wheel.tags) is None:
            self.warnings.append(
                f"{choice.name} {choice.version}: built by {interpreter.label}, though its tag is for others: "
                f"`{' '.join(wheel.tags)}`"
            )

    def _linking(self, compiler: Compiler) -> LinkOptions:
        if self.options.bytecode is Bytecode.NONE:
            return self.options.links
        return replace(self.options.links, compile_payload=partial(compiler.compile, self.environment.prefix))

    def _link(self, choice: Choice, links: LinkOptions, transaction: Transaction | None) -> None:
        entry = self.delivery.entries[choice.name]
        reference = choice.reference
        request = InstallRequest(
            is_requested=choice.name in self.delivery.resolution.requested,
            direct_url=reference.render_direct_url(choice.file.sha256) if reference else None,
            scripts=entry.scripts,
            make_stub=make_stub,
        )
        plan = plan_installation(entry.wheel, self._target, request)
        done = install(plan, Route(entry.root, self.environment.prefix, transaction), links)
        told = () if choice.is_built else entry.warnings
        self.warnings += (*told, *(f"{done.distribution}: {warning}" for warning in done.warnings))
