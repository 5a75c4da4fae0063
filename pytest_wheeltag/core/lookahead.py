"""Fetching ahead of a search: what it will most likely ask for, side by side instead of one after the other."""

from collections.abc import Iterable, Iterator
from itertools import islice

from packaging.utils import NormalizedName

from pytest_wheeltag.core.graph import Graph
from pytest_wheeltag.core.needs import Need, Node, Wanted
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.releases import Release
from pytest_wheeltag.errors import CatalogueError, WheelError

_MOST_AT_ONCE = 16


class LookAhead:
    """Follows the best release of each project to what it needs, wave by wave, before the search gets there.

    A guess that proves wrong costs a page or a METADATA that nobody asks for; a failure is left for the search to
    meet, which may never go there.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes: set[Node] = set()
        self._names: set[NormalizedName] = set()

    def start(self, needs: Iterable[Need]) -> None:
        """Fetch side by side what the search will ask for, given what it starts from."""
        self.look_ahead(self._follow(needs))

    def look_ahead(self, nodes: Iterable[Node]) -> None:
        """Fetch side by side what the search will ask for, given the releases that it will try next."""
        wave = [node for node in nodes if node not in self._nodes]
        while wave:
            self._nodes.update(wave)
            self._names.update(node.name for node in wave)
            self._prefetch(wave)
            wave = self._follow(need for node in wave for need in self._needs(node))

    def look_further(self, nodes: Iterator[Node]) -> Iterator[Node]:
        """Give the releases of one place one by one, fetching for more of them the more were refused.

        The first is mostly taken; whoever wants the second may have to go back through many.
        """
        yield from islice(nodes, 1)
        count = 2
        while batch := list(islice(nodes, count)):
            self._prefetch(batch)
            yield from batch
            count = min(2 * count, _MOST_AT_ONCE)

    def _follow(self, needs: Iterable[Need]) -> list[Node]:
        """Give the best releases for what is needed of projects that nothing was fetched for yet."""
        wanted = (need for need in needs if isinstance(need, Wanted))
        fresh = {need.key: need for need in wanted if self._is_fresh(need)}
        names = tuple(dict.fromkeys(need.demand.name for need in fresh.values()))
        self._names.update(names)
        self._graph.sources.catalogue.prefetch(names)
        found = (self._best(need) for need in fresh.values())
        return [node for node in found if node is not None and node not in self._nodes]

    def _is_fresh(self, need: Wanted) -> bool:
        # What lies at an address, or is installed and kept, needs no page.
        name = need.demand.name
        is_known = need.demand.reference is not None or self._graph.prefers_installed(name)
        return name not in self._names and not is_known

    def _prefetch(self, nodes: Iterable[Node]) -> None:
        published = (node.artefact for node in nodes if isinstance(node.release, Release))
        self._graph.sources.metadata.prefetch(
            [each for each in published if not isinstance(each, PresentDistribution)]
        )

    def _needs(self, node: Node) -> tuple[Need, ...]:
        try:
            return self._graph.needs(node)
        except (CatalogueError, WheelError):
            return ()

    def _best(self, need: Wanted) -> Node | None:
        name = need.demand.name
        try:
            release = next(self._graph.matching(name, self._graph.specifier(name, (need,))), None)
        except CatalogueError:
            return None
        return None if release is None else self._graph.node(release, need.extras)
