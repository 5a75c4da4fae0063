"""Resolving: from what was asked for to one choice for each distribution."""

from collections.abc import Iterator, Mapping
from functools import partial

from resolvelib import BaseReporter, ResolutionImpossible, ResolutionTooDeep, resolvers
from resolvelib.structs import State

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.conflicts import explain
from pytest_wheeltag.core.graph import Graph
from pytest_wheeltag.core.hashchecking import check_choices, check_pins
from pytest_wheeltag.core.inquiry import Inquiry, place_of
from pytest_wheeltag.core.lookahead import LookAhead
from pytest_wheeltag.core.needs import Need, Node, Wanted, wanted
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.releases import DirectRelease, Release
from pytest_wheeltag.core.requirements import Demand, Request
from pytest_wheeltag.core.resolution import (
    Blocked,
    Choice,
    Edge,
    Ending,
    Impasse,
    Resolution,
    SearchLimits,
    Sources,
)
from pytest_wheeltag.core.search import Search
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import ResolutionError, SearchLimitError

Criteria = Mapping[str, resolvers.Criterion[Need, Node]]


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
    found = try_to_resolve(request, screen, sources, limits)
    if isinstance(found, Impasse):
        raise found.explain()
    return found


def try_to_resolve(
    request: Request,
    screen: Screen,
    sources: Sources,
    limits: SearchLimits = _DEFAULT_LIMITS,
) -> Resolution | Impasse:
    """Choose as ``resolve``, for whoever need not be told why nothing satisfies the request; raises the rest.

    What earlier searches found (``sources.pathways``) is found again without a search by whoever is told the same.
    """
    if request.checks_hashes:
        check_pins(request.requirements, request.constraints)
    graph = Graph(screen, sources, request)
    inquiry = Inquiry(graph)
    end = sources.pathways.follow(inquiry.ask)
    if end is None:
        inquiry = Inquiry(graph)
        found = _search(inquiry, limits)
        if isinstance(found, ResolutionImpossible):
            sources.pathways.add(inquiry.trail, Blocked())
            return Impasse(partial(explain, graph, tuple(found.causes)))
        end = _summarise(found)
        sources.pathways.add(inquiry.trail, end)
    if isinstance(end, Blocked):
        return Impasse(partial(_explain, graph, limits))
    resolution = _read_result(inquiry, end)
    if request.checks_hashes:
        check_choices(resolution.choices)
    return resolution


def _explain(graph: Graph, limits: SearchLimits) -> ResolutionError:
    """Search for what is known not to be there, for the reasons that are found on the way."""
    found = _search(Inquiry(graph), limits)
    return explain(graph, tuple(found.causes) if isinstance(found, ResolutionImpossible) else ())


def _search(
    inquiry: Inquiry, limits: SearchLimits
) -> State[Need, Node, str] | ResolutionImpossible[Need, Node]:
    graph = inquiry.graph
    inquiry.begin()
    roots = {demand: wanted(demand) for demand in graph.requirements}
    order: dict[str, int] = {}
    for position, needs in enumerate(roots.values()):
        order.setdefault(needs[0].key, position)
    needed = _bounds_first(roots)
    scout = LookAhead(graph)
    scout.start(needed)
    resolution = resolvers.Resolution(Search(inquiry, scout, limits, order), BaseReporter[Need, Node, str]())
    try:
        return resolution.resolve(needed, max_rounds=limits.max_rounds)
    except ResolutionImpossible as error:
        return error
    except ResolutionTooDeep as error:
        problem = (
            f"the search was given up after {limits.max_rounds} rounds; pin more, or allow it more rounds"
        )
        raise SearchLimitError(graph.screen.interpreter.label, problem) from error


def _summarise(state: State[Need, Node, str]) -> Ending:
    mapping = dict(_needed(state.mapping, state.criteria))
    nodes = sorted(mapping.values(), key=lambda node: node.key)
    edges = dict.fromkeys(_edges(mapping, state.criteria))
    ordered = sorted(edges, key=lambda edge: (edge.name, edge.by or "", edge.demand.text))
    return Ending(tuple((place_of(node.release), node.extras) for node in nodes), tuple(ordered))


def _bounds_first(roots: Mapping[Demand, tuple[Wanted, ...]]) -> list[Need]:
    """Put places with extras last: when their releases are looked up, the project's other bounds are known."""
    needs: list[Need] = [need for found in roots.values() for need in found]
    return sorted(needs, key=lambda need: "[" in need.key)


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


def _read_result(inquiry: Inquiry, end: Ending) -> Resolution:
    graph, nodes = inquiry.graph, [inquiry.node(place, extras) for place, extras in end.places]
    plain = [node for node in nodes if not node.extras]
    choices = tuple(choice for node in plain if (choice := _choose(graph, node)))
    kept = tuple(each for node in plain if isinstance(each := node.artefact, PresentDistribution))
    return Resolution(choices, end.edges, tuple(dict.fromkeys(_warnings(graph, nodes))), kept)


def _choose(graph: Graph, node: Node) -> Choice | None:
    if isinstance(node.artefact, PresentDistribution):
        return None
    reference = node.release.reference if isinstance(node.release, DirectRelease) else None
    hashes = tuple(sorted(graph.screen.hashes.get(node.name, ())))
    return Choice(node.name, node.version, node.artefact, reference, hashes)


def _edges(mapping: Mapping[str, Node], criteria: Criteria) -> Iterator[Edge]:
    chosen = set(mapping.values())
    for key in mapping:
        for need, parent in criteria[key].information:
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
