"""Carrying out a change of an environment: what is replaced goes, what was chosen comes, all of it or nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pytest_wheeltag.core.changes import Change
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.plan import InstallPlan, InstallRequest, plan_installation
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.system.compiler import Bytecode, Compiler
from pytest_wheeltag.system.delivery import Delivery
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.environment import Site
from pytest_wheeltag.system.linker import LinkOptions, Route, install
from pytest_wheeltag.system.stubs import make_stub
from pytest_wheeltag.system.uninstall import check_removable, uninstall


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
    """How a delivery is put in place: how files are linked, and which bytecode is made, by processes in ``environ``."""

    links: LinkOptions = field(default_factory=LinkOptions)
    bytecode: Bytecode = Bytecode.NONE
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    def linking_with(self, compiler: Compiler, prefix: Path) -> LinkOptions:
        """Give how files are linked in the environment ``prefix``, bytecode by ``compiler`` where it is wanted."""
        if self.bytecode is Bytecode.NONE:
            return self.links
        return replace(self.links, compile_payload=partial(compiler.compile, prefix))


_NOTHING = Delivery()
_PLAINLY = InstallOptions()


def carry_out(
    change: Change, site: Site, delivery: Delivery = _NOTHING, options: InstallOptions = _PLAINLY
) -> InstallReport:
    """Take out what is replaced, then put in what ``delivery`` has for each choice.

    Raises ``RemovalError`` before anything is touched where something cannot be taken out; ``InstallationError``,
    ``WheelError``.
    """
    removed = _take_out(change, site)
    warnings: list[str] = []
    with Compiler(site.environment.python, options.environ) as compiler:
        links = options.linking_with(compiler, site.environment.prefix)
        for choice in change.installed:
            warnings += _put_in(choice, delivery, site, links)
        warnings += compiler.warnings
    return InstallReport(change.installed, removed, change.kept, tuple(warnings))


def _take_out(change: Change, site: Site) -> tuple[str, ...]:
    target = site.environment.target
    places = [Path(each.location) for each in change.removed]
    for place in places:
        check_removable(place, target)
    return tuple(uninstall(place, target, site.transaction) for place in places)


def _put_in(choice: Choice, delivery: Delivery, site: Site, links: LinkOptions) -> Iterator[str]:
    """Link one wheel; give warnings, one line each."""
    entry = delivery.entries[choice.name]
    plan = _plan(choice, entry, site, is_requested=choice.name in delivery.resolution.requested)
    route = Route(entry.root, site.environment.prefix, site.transaction)
    done = install(plan, route, links)
    yield from (
        _describe_tags(choice, entry, site.environment.interpreter) if choice.is_built else entry.warnings
    )
    yield from (f"{done.distribution}: {warning}" for warning in done.warnings)


def _plan(choice: Choice, entry: StoreEntry, site: Site, *, is_requested: bool) -> InstallPlan:
    reference = choice.reference
    request = InstallRequest(
        is_requested=is_requested,
        direct_url=reference.render_direct_url(choice.file.sha256) if reference else None,
        scripts=entry.scripts,
        make_stub=make_stub,
    )
    return plan_installation(entry.wheel, site.environment.target, request)


def _describe_tags(choice: Choice, entry: StoreEntry, interpreter: Interpreter) -> Iterator[str]:
    """Tell of a wheel that was built here, and whose tag says that it is for others; pip takes it as well."""
    tags = entry.wheel.tags
    if interpreter.ranking.best_rank(tags) is None:
        problem = f"built by {interpreter.label}, though its tag is for others: `{' '.join(tags)}`"
        yield f"{choice.name} {choice.version}: {problem}"
