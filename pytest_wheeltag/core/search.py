"""The search for a resolution: what resolvelib asks of us, and what we answer."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, Protocol

from resolvelib import AbstractProvider
from resolvelib.structs import RequirementInformation

from pytest_wheeltag.core.inquiry import Inquiry
from pytest_wheeltag.core.needs import Impossible, Need, Node, SameRelease, Wanted, split_key
from pytest_wheeltag.core.releases import AnyRelease
from pytest_wheeltag.core.resolution import SearchLimits
from pytest_wheeltag.errors import SearchLimitError

Cause = RequirementInformation[Need, Node]

# A place that was part of so many conflicts before it was taken is taken earlier.
_CONFLICTS_TO_PROMOTE = 5


class Scout(Protocol):
    """Whoever is told where the search stands, to fetch ahead of it."""

    def look_ahead(self, nodes: Iterable[Node]) -> None:
        """Fetch side by side what the search will ask for, given the releases that it will try next."""
        ...

    def look_further(self, nodes: Iterator[Node]) -> Iterator[Node]:
        """Give the releases of one place one by one, fetching for more of them the more were refused."""
        ...


class Search(AbstractProvider[Need, Node, str]):
    """Answers resolvelib, as pip's provider does, so that both take the same releases.

    Newest first; of the places still open, first those that often conflicted, then direct references, pinned ones, those with an
    upper bound, what the caller asked for in the order of asking, those with any bound, the alphabet.
    """

    def __init__(
        self, inquiry: Inquiry, scout: Scout, limits: SearchLimits, order: Mapping[str, int]
    ) -> None:
        self._inquiry = inquiry
        self._graph = inquiry.graph
        self._scout = scout
        self._limits = limits
        self._order = order
        self._stop_at = limits.clock() + limits.seconds
        self._conflicts: defaultdict[str, int] = defaultdict(int)
        self._promoted: set[str] = set()
        self._admitted: dict[tuple[Need, Node], bool] = {}

    def identify(self, requirement_or_candidate: Need | Node) -> str:
        """Give the place in the graph that a need or a release is about."""
        return requirement_or_candidate.key

    def narrow_requirement_selection(  # noqa: PLR0913, PLR0917 - resolvelib's signature
        self,
        identifiers: Iterable[str],
        resolutions: Mapping[str, Node],
        candidates: Mapping[str, Iterator[Node]],
        information: Mapping[str, Iterator[Cause]],  # noqa: ARG002 - as above
        backtrack_causes: Sequence[Cause],
    ) -> Iterable[str]:
        """Take up what the last conflict was about before anything else, then what often conflicted."""
        self._check_time()
        open_keys = list(identifiers)
        in_conflict = self._note_conflict(resolutions, backtrack_causes)
        self._scout.look_ahead([node for key in open_keys if (node := next(candidates[key], None))])
        conflicting = [key for key in open_keys if key in in_conflict]
        return conflicting or [key for key in open_keys if key in self._promoted] or open_keys

    def _note_conflict(self, resolutions: Mapping[str, Node], causes: Sequence[Cause]) -> set[str]:
        in_conflict: set[str] = set()
        for need, parent in causes:
            for key in (need.key,) if parent is None else (need.key, parent.key):
                in_conflict.add(key)
                if key not in resolutions:
                    self._conflicts[key] += 1
                    if self._conflicts[key] >= _CONFLICTS_TO_PROMOTE:
                        self._promoted.add(key)
        return in_conflict

    def get_preference(  # noqa: PLR0913, PLR0917 - resolvelib's signature
        self,
        identifier: str,
        resolutions: Mapping[str, Node],  # noqa: ARG002 - as above
        candidates: Mapping[str, Iterator[Node]],  # noqa: ARG002 - as above
        information: Mapping[str, Iterator[Cause]],
        backtrack_causes: Sequence[Cause],  # noqa: ARG002 - as above
    ) -> tuple[Any, ...]:
        """Give a sort key: the lower, the sooner a place is taken."""
        needs = [need for need, _ in information[identifier]]
        wants = [need for need in needs if isinstance(need, Wanted)]
        return (
            identifier not in self._promoted,
            not any(isinstance(need, SameRelease) for need in needs),
            not any(want.demand.reference for want in wants),
            not any(want.is_pinned for want in wants),
            not any(want.is_bounded_above for want in wants),
            self._order.get(identifier, inf),
            not any(want.is_bounded for want in wants),
            identifier,
        )

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Need]],
        incompatibilities: Mapping[str, Iterator[Node]],
    ) -> Callable[[], Iterator[Node]] | Sequence[Node]:
        """Give the releases that may take a place, best first, looked at only as far as they are iterated."""
        self._check_time()
        needs = list(requirements[identifier])
        name, extras = split_key(identifier)
        # What an extra adds is bounded by what is wanted of the project without it.
        bounds = [*needs, *(requirements[name] if extras and name in requirements else ())]
        if not bounds or any(isinstance(need, Impossible) for need in needs):
            return ()
        refused = frozenset(incompatibilities[identifier])
        if exact := (*_exact_releases(bounds), *self._inquiry.direct_releases(name, bounds)):
            nodes = dict.fromkeys(self._graph.node(release, extras) for release in exact)
            return [node for node in nodes if node not in refused and self._may_take(node, needs)]
        return lambda: self._scout.look_further(
            node
            for release in self._inquiry.matching(name, bounds)
            if (node := self._graph.node(release, extras)) not in refused
        )

    def _may_take(self, node: Node, needs: Iterable[Need]) -> bool:
        is_within = self._graph.specifier(node.name, ()).contains(node.version, prereleases=True)
        return (
            is_within
            and self._graph.is_where_constraints_say(node.release)
            and all(need.admits(node) for need in needs)
        )

    def is_satisfied_by(self, requirement: Need, candidate: Node) -> bool:
        """Tell whether a release satisfies a need: resolvelib asks about all of them in every round."""
        key = requirement, candidate
        known = self._admitted.get(key)
        if known is None:
            known = self._admitted[key] = requirement.admits(candidate)
        return known

    def get_dependencies(self, candidate: Node) -> Iterable[Need]:
        """Give what a release needs."""
        return self._inquiry.needs(candidate)

    def _check_time(self) -> None:
        if self._limits.clock() > self._stop_at:
            problem = f"the search was given up after {self._limits.seconds:g} seconds; pin more, or allow it more time"
            raise SearchLimitError(self._graph.screen.interpreter.label, problem)


def _exact_releases(needs: Iterable[Need]) -> tuple[AnyRelease, ...]:
    releases = (need.node.release for need in needs if isinstance(need, SameRelease))
    return tuple(dict.fromkeys(releases))
