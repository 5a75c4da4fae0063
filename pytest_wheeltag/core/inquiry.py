"""What a search asks of its interpreter and indexes, put to a graph and written down with the answers."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from pytest_wheeltag.core.graph import Graph
from pytest_wheeltag.core.needs import Need, Node
from pytest_wheeltag.core.pathways import Answer
from pytest_wheeltag.core.references import Reference
from pytest_wheeltag.core.releases import AnyRelease, DirectRelease
from pytest_wheeltag.core.resolution import Place


def place_of(release: AnyRelease) -> Place:
    """Give what tells a release from all others, whatever interpreter it is looked at for."""
    return release.name, release.identity


@dataclass(frozen=True, eq=False)
class WhatIsAsked:
    """Which requirements and constraints count."""


@dataclass(frozen=True, eq=False)
class WhichRelease:
    """Which release of a project comes at a position, from 0, of those that a specifier admits."""

    name: NormalizedName
    specifier: SpecifierSet
    position: int


@dataclass(frozen=True, eq=False)
class WhatLiesThere:
    """Which releases addresses lead to."""

    name: NormalizedName
    references: tuple[Reference, ...]


@dataclass(frozen=True, eq=False)
class WhatItNeeds:
    """What a release needs in a place of the graph."""

    place: Place
    extras: frozenset[NormalizedName]


Question = WhatIsAsked | WhichRelease | WhatLiesThere | WhatItNeeds


@dataclass
class _Reading:
    """The releases of one project that a specifier admits, as far as they were asked for."""

    coming: Iterator[AnyRelease]
    seen: list[AnyRelease] = field(default_factory=list)
    asked: int = 0

    def at(self, position: int) -> AnyRelease | None:
        while len(self.seen) <= position:
            release = next(self.coming, None)
            if release is None:
                return None
            self.seen.append(release)
        return self.seen[position]


class Inquiry:
    """Answers a search from a graph; ``trail`` holds what was asked and answered, in order, each thing once.

    An answer means the same whatever graph gave it: so other searches can be told by it (``Pathways``).
    """

    def __init__(self, graph: Graph) -> None:
        self.trail: list[tuple[Question, Answer]] = []
        self.graph = graph
        self._readings: dict[tuple[NormalizedName, SpecifierSet], _Reading] = {}
        self._releases: dict[Place, AnyRelease] = {}
        self._needed: set[Node] = set()
        self._looked: set[tuple[NormalizedName, tuple[Reference, ...]]] = set()
        self._answers: dict[type, Callable[..., Answer]] = {
            WhatIsAsked: self._what_is_asked,
            WhichRelease: self._which_release,
            WhatLiesThere: self._what_lies_there,
            WhatItNeeds: self._what_it_needs,
        }

    def ask(self, question: Question) -> Answer:
        """Answer a question that a search of another graph came to, after those before it; raises as the graph does."""
        return self._answers[type(question)](question)

    def begin(self) -> None:
        """Write down what a search sets out from."""
        self._note(WhatIsAsked())

    def node(self, place: Place, extras: frozenset[NormalizedName]) -> Node:
        """Give the node of a release that was met."""
        return self.graph.node(self._releases[place], extras)

    def matching(self, name: NormalizedName, needs: Iterable[Need]) -> Iterator[AnyRelease]:
        """Give the releases that may take a project's place, as ``Graph.matching``."""
        specifier = self.graph.specifier(name, needs)
        reading = self._reading(name, specifier)
        for position in count():
            if position == reading.asked:
                reading.asked += 1
                self._note(WhichRelease(name, specifier, position))
            release = reading.at(position)
            if release is None:
                return
            yield release

    def direct_releases(self, name: NormalizedName, needs: Iterable[Need]) -> tuple[DirectRelease, ...]:
        """Give what the addresses lead to that needs and constraints name, as ``Graph.direct_releases``."""
        references = self.graph.references(name, needs)
        if references and (name, references) not in self._looked:
            self._looked.add((name, references))
            self._note(WhatLiesThere(name, references))
        return tuple(self.graph.direct(each, name) for each in references)

    def needs(self, node: Node) -> tuple[Need, ...]:
        """Give what a release needs, as ``Graph.needs``."""
        if node not in self._needed:
            self._needed.add(node)
            self._meet(node.release)
            self._note(WhatItNeeds(place_of(node.release), node.extras))
        return self.graph.needs(node)

    def _note(self, question: Question) -> None:
        self.trail.append((question, self.ask(question)))

    def _reading(self, name: NormalizedName, specifier: SpecifierSet) -> _Reading:
        key = name, specifier
        if key not in self._readings:
            self._readings[key] = _Reading(self.graph.matching(name, specifier))
        return self._readings[key]

    def _meet(self, release: AnyRelease) -> Hashable:
        self._releases[place_of(release)] = release
        return release.identity

    def _what_is_asked(self, _: WhatIsAsked) -> Answer:
        return cast("Answer", (self.graph.requirements, self.graph.constraints))

    def _which_release(self, question: WhichRelease) -> Answer:
        release = self._reading(question.name, question.specifier).at(question.position)
        return None if release is None else self._meet(release)

    def _what_lies_there(self, question: WhatLiesThere) -> Answer:
        found = (self.graph.direct(each, question.name) for each in question.references)
        return tuple(map(self._meet, found))

    def _what_it_needs(self, question: WhatItNeeds) -> Answer:
        needs = self.graph.needs(self.node(question.place, question.extras))
        return tuple(need.gist for need in needs)
