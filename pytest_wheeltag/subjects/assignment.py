"""What a project that is made for one installation asks for, and what no installer of projects can be told."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from packaging.requirements import Requirement

from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.urls import Url
from pytest_wheeltag.workplace import Workplace

NAME = "wheeltag-project"

AnyDemand = Demand | UnnamedDemand


@dataclass(frozen=True)
class Assignment:
    """What is asked for on which interpreter, from where, and how it is built.

    ``request`` is bound by what binds every one; ``build_constraints`` bind all builds; ``exclude_newer`` is in UTC,
    None for no limit; with ``strategy`` the indexes are pooled, or the first that has a name counts alone.
    """

    request: Request
    interpreter: Interpreter
    indexes: tuple[Url, ...] = ()
    find_links: tuple[Url, ...] = ()
    controls: Controls = Controls()  # noqa: RUF009 - a frozen value
    build_constraints: tuple[Demand, ...] = ()
    exclude_newer: datetime | None = None
    configuration: PipConfiguration = PipConfiguration()  # noqa: RUF009 - as above
    strategy: Strategy = Strategy.MERGE
    with_dependencies: bool = True

    def find_untold(self) -> Iterator[str]:
        """Say what neither poetry nor pdm has a way to be told, a clause each."""
        if self.request.lock is not None:
            yield "it takes a lock as that of a project alone, whose groups it must know"
        if self.strategy is Strategy.FIRST and len(self.indexes) > 1:
            yield "it pools all its indexes"
        if not self.with_dependencies:
            yield "it installs all that is needed"
        if self.request.constraints:
            yield "it knows no constraints"
        if self.request.checks_hashes or any(each.hashes for each in self.request.requirements):
            yield "it cannot be given the hashes of files"
        if self.controls.wheels_first.excluded or self.controls.prereleases.excluded:
            yield "it cannot be told that a project is an exception from what is preferred"
        for demand in self.request.requirements:
            yield from _find_untold_of(demand)


def _find_untold_of(demand: AnyDemand) -> Iterator[str]:
    if demand.reference is not None and demand.reference.hashes:
        yield f"it does not check the hash in the address of {demand.text}"
    if isinstance(demand, Demand) and any(each.operator == "===" for each in demand.requirement.specifier):
        yield f"it knows no arbitrary equality, as in {demand.text}"


def assign(place: Workplace, interpreter: Interpreter, request: Request) -> Assignment:
    """Give what is asked for together with what a place says of sources and builds."""
    opened, options = place.opened, place.configured_options
    # A project cannot be told to stay offline: it hears of what is on this disk alone.
    indexes, links = (
        tuple(url for url in urls if not opened.access.is_offline or url.scheme == "file")
        for urls in (opened.locations.index_urls, opened.locations.find_links)
    )
    return Assignment(
        options.apply_to(request),
        interpreter,
        indexes,
        links,
        options.controls,
        options.build_constraints,
        opened.exclude_newer,
        opened.configuration,
        opened.locations.strategy,
        options.with_dependencies,
    )


def render_requirement(demand: AnyDemand) -> str:
    """Write a demand as a dependency of a project (dependency specifiers); it may hold credentials."""
    requirement = Requirement(demand.name)
    requirement.extras = set(demand.extras)
    requirement.marker = demand.marker
    if demand.reference is not None:
        part = demand.reference.subdirectory
        requirement.url = f"{demand.reference.url}#subdirectory={part}" if part else demand.reference.url
    elif isinstance(demand, Demand):
        requirement.specifier = demand.requirement.specifier
    return str(requirement)
