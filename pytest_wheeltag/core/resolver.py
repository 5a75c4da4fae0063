"""Resolving: from what was asked for to one choice for each distribution."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from resolvelib import BaseReporter, ResolutionImpossible, ResolutionTooDeep, resolvers

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.conflicts import explain
from pytest_wheeltag.core.graph import Graph
from pytest_wheeltag.core.hashchecking import check_choices, check_pins
from pytest_wheeltag.core.lookahead import LookAhead
from pytest_wheeltag.core.needs import Need, Node, Wanted, wanted
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.releases import DirectRelease, Release
from pytest_wheeltag.core.requirements import Demand, Request
from pytest_wheeltag.core.resolution import Choice, Edge, Resolution, SearchLimits, Sources
from pytest_wheeltag.core.search import Search
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import SearchLimitError

Criteria = Mapping[str, resolvers.Criterion[Need, Node]]


@dataclass(frozen=True)
class Found:
    """Where a search ended: who took each place that is needed, and why it is."""

    mapping: Mapping[str, Node]
    criteria: Criteria


_DEFAULT_LIMITS = SearchLimits()


def resolve(
    request: Request,
    screen: Screen,
    sources: Sources,
    limits: SearchLimits = _DEFAULT_LIMITS,
) -> Resolution:
    """Choose one file for every distribution of the closure, the same as pip.

    Markers and tags are those of the screen's interpreter; what is present in an environment is kept or
    upgraded as pip does. Raises ``ResolutionError`` where nothing satisfies the
    request, ``SearchLimitError`` where that could not be found out within the limits, ``CatalogueError`` and
    ``WheelError`` where an index or a wheel gives no usable answer, ``UsageError`` for a marker that cannot be
    decided, ``HashCheckError`` where hashes are checked and one is missing.
    """
    if request.checks_hashes:
        check_pins(request.requirements, request.constraints)
    graph = Graph(screen, sources, request)
    roots = {demand: wanted(demand) for demand in graph.requirements}
    order: dict[str, int] = {}
    for position, needs in enumerate(roots.values()):
        order.setdefault(needs[0].key, position)
    needed = _bounds_first(roots)
    scout = LookAhead(graph)
    scout.start(needed)
    resolution = _read_result(graph, _run(Search(graph, scout, limits, order), graph, needed, limits))
    if request.checks_hashes:
        check_choices(resolution.choices)
    return resolution


def _bounds_first(roots: Mapping[Demand, tuple[Wanted, ...]]) -> list[Need]:
    """Put places with extras last: when their releases are looked up, the project's other bounds are known."""
    needs: list[Need] = [need for found in roots.values() for need in found]
    return sorted(needs, key=lambda need: "[" in need.key)


def _run(search: Search, graph: Graph, roots: list[Need], limits: SearchLimits) -> Found:
    try:
        resolution = resolvers.Resolution(search, BaseReporter[Need, Node, str]())
        state = resolution.resolve(roots, max_rounds=limits.max_rounds)
    except ResolutionImpossible as error:
        raise explain(graph, tuple(error.causes)) from error
    except ResolutionTooDeep as error:
        problem = (
            f"the search was given up after {limits.max_rounds} rounds; pin more, or allow it more rounds"
        )
        raise SearchLimitError(graph.screen.interpreter.label, problem) from error
    return Found(dict(_needed(state.mapping, state.criteria)), state.criteria)


def _needed(mapping: Mapping[str, Node], criteria: Criteria) -> Iterator[tuple[str, Node]]:
    """Leave out what took a place that nobody needs any more, after the search had gone back.

    resolvelib's own walk does not end where such releases need each other.
    """
    parents = {key: [parent for _, parent in criteria[key].information] for key in mapping}
    reached = {key for key, found in parents.items() if None in found}
    fresh = reached
    while fresh:
        takers = {mapping[key] for key in fresh}
        fresh = {key for key in mapping.keys() - reached if not takers.isdisjoint(parents[key])}
        reached |= fresh
    yield from ((key, node) for key, node in mapping.items() if key in reached)


def _read_result(graph: Graph, found: Found) -> Resolution:
    nodes = sorted(found.mapping.values(), key=lambda node: node.key)
    plain = [node for node in nodes if not node.extras]
    choices = tuple(choice for node in plain if (choice := _choose(graph, node)))
    kept = tuple(each for node in plain if isinstance(each := node.artefact, PresentDistribution))
    edges = dict.fromkeys(_edges(found))
    ordered = sorted(edges, key=lambda edge: (edge.name, edge.by or "", edge.demand.text))
    return Resolution(choices, tuple(ordered), tuple(dict.fromkeys(_warnings(graph, nodes))), kept)


def _choose(graph: Graph, node: Node) -> Choice | None:
    if isinstance(node.artefact, PresentDistribution):
        return None
    reference = node.release.reference if isinstance(node.release, DirectRelease) else None
    hashes = tuple(sorted(graph.screen.hashes.get(node.name, ())))
    return Choice(node.name, node.version, node.artefact, reference, hashes)


def _edges(found: Found) -> Iterator[Edge]:
    chosen = set(found.mapping.values())
    for key in found.mapping:
        for need, parent in found.criteria[key].information:
            if isinstance(need, Wanted) and (parent is None or parent in chosen):
                yield Edge(need.demand.name, None if parent is None else parent.name, need.demand)


def _warnings(graph: Graph, nodes: list[Node]) -> Iterator[str]:
    for node in nodes:
        for extra in sorted(node.extras - graph.metadata(node).extras):
            yield f"{node.name} {node.version} does not provide the extra: `{extra}`"
        if isinstance(node.release, Release):
            yield from _warnings_of_index(graph, node, node.release)


def _warnings_of_index(graph: Graph, node: Node, release: Release) -> Iterator[str]:
    if not node.extras and release.taken.file.yanked is not None:
        reason = printable(release.taken.file.yanked) or "no reason given"
        yield f"{node.name} {node.version} was yanked: `{reason}`"
    yield from graph.project(node.name).project.warnings
