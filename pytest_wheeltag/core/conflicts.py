"""Why a search found nothing, told as a person would tell it: which requirement came from where."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from packaging.utils import NormalizedName

from pytest_wheeltag.core.candidates import Offer, Reason, Rejection, is_wheel, reject_yanked
from pytest_wheeltag.core.controls import Kinds
from pytest_wheeltag.core.graph import Graph
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.nearest import describe_miss, describe_nearest, nearest_miss
from pytest_wheeltag.core.needs import Impossible, Need, Node, SameRelease, Wanted
from pytest_wheeltag.core.releases import ProjectReleases
from pytest_wheeltag.core.requirements import Demand
from pytest_wheeltag.core.search import Cause
from pytest_wheeltag.core.text import printable, quoted
from pytest_wheeltag.errors import ResolutionError

_MAX_CLAUSES = 3
_MAX_DETAILS = 30
_MAX_RELEASES = 20
_MAX_VERSIONS = 5


def explain(graph: Graph, causes: Sequence[Cause]) -> ResolutionError:
    """Give the error for a search that ended with these causes; raises ``CatalogueError``."""
    askings = _group(causes)
    problem = (
        _explain_missing(graph, causes)
        or _explain_impossible([asking for asking in askings if asking.is_impossible])
        or _explain_together(graph, askings)
    )
    return ResolutionError(graph.screen.interpreter.label, problem, tuple(_details(graph, askings)))


@dataclass(frozen=True)
class _Asking:
    """The same thing asked for by the caller, or by several releases of one project."""

    what: str
    origin: str
    by: NormalizedName | None = None
    about: NormalizedName | None = None
    versions: tuple[str, ...] = ()

    @property
    def is_impossible(self) -> bool:
        return self.about is None

    @property
    def who(self) -> str:
        """Whoever asks, with a few of its versions where it has many."""
        if self.by is None:
            return self.origin
        more = len(self.versions) - _MAX_VERSIONS
        return (
            f"{self.by} {', '.join(self.versions[:_MAX_VERSIONS])}{f' and {more} more' if more > 0 else ''}"
        )


def _group(causes: Iterable[Cause]) -> tuple[_Asking, ...]:
    grouped: dict[tuple[object, ...], _Asking] = {}
    for need, parent in causes:
        asking = _asking(need, parent)
        key = asking.what, asking.by, None if asking.by else asking.origin
        known = grouped.get(key, replace(asking, versions=()))
        grouped[key] = replace(known, versions=tuple(dict.fromkeys((*known.versions, *asking.versions))))
    return tuple(grouped.values())


def _asking(need: Need, parent: Node | None) -> _Asking:
    by, versions = (None, ()) if parent is None else (parent.name, (str(parent.version),))
    if isinstance(need, Wanted):
        return _Asking(need.demand.text, need.demand.origin, by, need.demand.name, versions)
    return _Asking(printable(need.reason) if isinstance(need, Impossible) else "", "", by, None, versions)


def _explain_missing(graph: Graph, causes: Sequence[Cause]) -> str | None:
    """Say what nothing satisfies alone, where that is why: the caller asks for it, or whoever took part does."""
    needs = [(need, parent) for need, parent in causes if not isinstance(need, SameRelease)]
    missing = [
        (_explain_alone(graph, need.demand) if isinstance(need, Wanted) else None, parent)
        for need, parent in needs
    ]
    own = [problem for problem, parent in missing if problem and parent is None]
    alone = [problem for problem, _ in missing if problem]
    if own or (alone and len(alone) == len(missing)):
        return (own or alone)[0]
    return None


def _explain_alone(graph: Graph, demand: Demand) -> str | None:
    """Say why nothing satisfies one demand, None where something does if it is not for the others."""
    if demand.reference is not None or graph.installed(demand.name):
        return None
    project = graph.project(demand.name)
    if not project.project.files:
        problem = "lists no file of it" if project.project.sources else "has a project of this name"
        start = "the index" if project.project.sources else "no index"
        # Files that were left out are told of there, each with its reason.
        why = "".join(f" ({warning})" for warning in project.project.warnings[:1])
        return f"{start} {problem}{why}, asked for by {demand.origin}: {quoted(demand.name)}"
    if next(iter(project.matching(demand.requirement.specifier)), None) is not None:
        return None
    return f"{_nothing_fits(graph, demand)}, asked for by {demand.origin}: {quoted(demand.text)}"


# What is said where nothing that is taken fits, and where nothing of what is taken is published at all.
_NO_COMPATIBLE = {
    Kinds.ALL: "no compatible wheel or source distribution is published",
    Kinds.WHEELS: "no compatible wheel is published and only wheels are taken",
    Kinds.SOURCES: "no compatible source distribution is published and no wheels are taken",
}
_NONE_AT_ALL = {
    Kinds.ALL: "no wheel and no source distribution is published",
    Kinds.WHEELS: "no wheel is published, and only wheels are taken",
    Kinds.SOURCES: "no source distribution is published, and no wheels are taken",
}


def _nothing_fits(graph: Graph, demand: Demand) -> str:
    project, controls = graph.project(demand.name), graph.screen.controls
    offers = tuple(islice(project.offers(demand.requirement.specifier), _MAX_RELEASES))
    if not offers:
        return _no_version(project)
    if controls.prereleases.decide(demand.name) is False:
        offers = tuple(offer for offer in offers if not offer.version.is_prerelease)
    if not offers:
        return "only pre-releases are published, and none is taken"
    kinds = controls.kinds(demand.name)
    misses = [miss for offer in offers for miss in _misses(offer) if _is_taken(miss, kinds)]
    return _describe(misses, kinds, graph.screen.interpreter)


def _no_version(project: ProjectReleases) -> str:
    newest = ", ".join(map(str, project.listed()[:_MAX_VERSIONS]))
    return f"no published version fits (the newest are {newest})" if newest else "no version can be read"


def _misses(offer: Offer) -> Iterator[Rejection]:
    yield from offer.rejections
    # Of what is accepted only yanked files are left where nothing fits.
    yield from (reject_yanked(each.file, each.wheel) for each in offer.candidates)
    yield from (reject_yanked(file) for file in offer.sdists)


def _is_taken(miss: Rejection, kinds: Kinds) -> bool:
    return kinds is Kinds.ALL or is_wheel(miss.file.filename) is (kinds is Kinds.WHEELS)


def _describe(misses: Sequence[Rejection], kinds: Kinds, interpreter: Interpreter) -> str:
    nearest = nearest_miss(misses, interpreter)
    if nearest is None:
        return _NONE_AT_ALL[kinds]
    if nearest.reason is Reason.YANKED:
        return f"what fits was yanked and is not pinned ({describe_miss(nearest)})"
    if nearest.reason is Reason.HASH:
        return f"no published file has a hash that was given ({describe_miss(nearest)})"
    return _NO_COMPATIBLE[kinds] + describe_nearest(misses, interpreter)


def _explain_impossible(askings: Sequence[_Asking]) -> str | None:
    shown = "; ".join(f"{asking.who} {asking.what}" for asking in askings[:_MAX_CLAUSES])
    return f"no release is left that can be used: {quoted(shown)}" if askings else None


def _explain_together(graph: Graph, askings: Sequence[_Asking]) -> str:
    clauses = [f"`{asking.what}` (asked for by {asking.who})" for asking in askings]
    clauses += [f"`{each.text}` (a constraint of {each.origin})" for each in _constraints(graph, askings)]
    more = f" and {len(clauses) - _MAX_CLAUSES} more" if len(clauses) > _MAX_CLAUSES else ""
    return f"these cannot be met together: {', '.join(clauses[:_MAX_CLAUSES])}{more}"


def _constraints(graph: Graph, askings: Iterable[_Asking]) -> list[Demand]:
    names = {asking.about for asking in askings}
    return [each for each in graph.constraints if each.name in names]


def _details(graph: Graph, askings: Sequence[_Asking]) -> Iterator[str]:
    ways = _ways(graph)
    yield from (_detail(asking, ways) for asking in askings[:_MAX_DETAILS])
    if len(askings) > _MAX_DETAILS:
        yield f"and {len(askings) - _MAX_DETAILS} more"
    yield from (f"{each.origin} constrains {each.text}" for each in _constraints(graph, askings))


def _detail(asking: _Asking, ways: Mapping[NormalizedName, tuple[str, ...]]) -> str:
    verb = "" if asking.is_impossible else "requires "
    way = " -> ".join(ways.get(asking.by, ())) if asking.by else ""
    return f"{asking.who} {verb}{asking.what}{f' ({way})' if way else ''}"


def _ways(graph: Graph) -> Mapping[NormalizedName, tuple[str, ...]]:
    """Tell for each project through which requirements it came to be looked at, from whoever asked first."""
    ways: dict[NormalizedName, tuple[str, ...]] = {}
    for demand in graph.requirements:
        ways.setdefault(demand.name, (f"{demand.origin} requires {demand.text}",))
    queue = list(ways)
    by_name: dict[NormalizedName, list[Node]] = {}
    for node in graph.known_needs:
        by_name.setdefault(node.name, []).append(node)
    for name in queue:
        for node in by_name.get(name, ()):
            for need in graph.known_needs[node]:
                if isinstance(need, Wanted) and need.demand.name not in ways:
                    ways[need.demand.name] = (*ways[name], f"{node} requires {need.demand.text}")
                    queue.append(need.demand.name)
    return ways
