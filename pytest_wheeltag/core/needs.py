"""The places of a dependency graph and what each must satisfy, as the search for a resolution sees them."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.releases import AnyRelease, DirectRelease, is_pinned
from pytest_wheeltag.core.requirements import Demand
from pytest_wheeltag.core.resolution import Artefact

# No project's name holds these characters.
PYTHON_KEY = "<python>"
_UPPER_BOUNDS = frozenset({"<", "<=", "~="})


def graph_key(name: NormalizedName, extras: Iterable[NormalizedName]) -> str:
    """Name a place in the graph: ``foo``, or ``foo[a,b]`` for what the extras add to it."""
    extended = ",".join(sorted(extras))
    return f"{name}[{extended}]" if extended else name


def split_key(key: str) -> tuple[NormalizedName, frozenset[NormalizedName]]:
    """Give the project and the extras that ``graph_key`` made a name of."""
    name, bracket, extras = key.removesuffix("]").partition("[")
    return NormalizedName(name), frozenset(map(NormalizedName, extras.split(","))) if bracket else frozenset()


@dataclass(frozen=True, eq=False)
class Node:
    """A release that may take a place in the graph; with ``extras`` it stands for what these add.

    There is one object for each key and release, so that identity is equality.
    """

    key: str
    release: AnyRelease
    artefact: Artefact | PresentDistribution
    extras: frozenset[NormalizedName] = frozenset()

    @property
    def name(self) -> NormalizedName:
        """The project's normalised name."""
        return self.release.name

    @property
    def version(self) -> Version:
        """The release's version."""
        return self.release.version

    def __str__(self) -> str:
        return f"{self.key} {self.version}"


class Need(Protocol):
    """What whoever takes the place ``key`` must satisfy."""

    @property
    def key(self) -> str:
        """The place that it is about."""
        ...

    @property
    def gist(self) -> Hashable:
        """What of it decides a search, the same in the graph of any interpreter."""
        ...

    def admits(self, node: Node) -> bool:
        """Tell whether a release may take the place."""
        ...


@dataclass(frozen=True, eq=False)
class Wanted:
    """A demand: any release that its specifier admits, pre-releases being a matter of who offers them.

    One for a direct reference is satisfied by what lies there, and by nothing else.
    """

    key: str
    demand: Demand
    _known: dict[Version, bool] = field(default_factory=dict, repr=False)

    @property
    def extras(self) -> frozenset[NormalizedName]:
        """The extras that its place stands for: none where it only bounds the project for a demand with extras."""
        return frozenset() if self.key == self.demand.name else self.demand.extras

    @cached_property
    def is_pinned(self) -> bool:
        """Whether it admits one version alone."""
        return is_pinned(self.demand.requirement.specifier)

    @cached_property
    def is_bounded_above(self) -> bool:
        """Whether it admits no version from some one on, be it by a wildcard."""
        return any(
            each.operator in _UPPER_BOUNDS or (each.operator == "==" and "*" in each.version)
            for each in self.demand.requirement.specifier
        )

    @cached_property
    def is_bounded(self) -> bool:
        """Whether there is any version that it does not admit."""
        return bool(self.demand.requirement.specifier)

    @cached_property
    def gist(self) -> Hashable:
        """Who is wanted, and where."""
        return self.key, self.demand.text, self.demand

    def admits(self, node: Node) -> bool:
        """Tell whether the specifier contains the version, or the release is what the reference leads to."""
        if self.demand.reference is not None:
            return isinstance(node.release, DirectRelease) and node.release.reference == self.demand.reference
        known = self._known.get(node.version)
        if known is None:
            specifier = self.demand.requirement.specifier
            known = self._known[node.version] = specifier.contains(node.version, prereleases=True)
        return known


@dataclass(frozen=True, eq=False)
class SameRelease:
    """An extra's place needs that of the project without extras to be taken by the very same release."""

    node: Node

    @property
    def key(self) -> str:
        """The place of the project without extras."""
        return self.node.key

    @property
    def gist(self) -> Hashable:
        """The place: whose release it must be follows from who asks."""
        return self.key

    def admits(self, node: Node) -> bool:
        """Tell whether it is the very same release."""
        return node is self.node


@dataclass(frozen=True, eq=False)
class Impossible:
    """What nothing can satisfy: another Python, an address that leads nowhere, METADATA that cannot be used."""

    key: str
    reason: str

    @property
    def gist(self) -> Hashable:
        """That nothing will do: a search does not ask why."""
        return self.key, None

    def admits(self, node: Node) -> bool:  # noqa: ARG002 - whoever it is
        """Admit nobody."""
        return False


def wanted(demand: Demand) -> tuple[Wanted, ...]:
    """Turn a demand into needs: one with extras and a bound also bounds the project without extras.

    So that the place without extras knows every bound, and fewer releases are tried in vain.
    """
    own = Wanted(graph_key(demand.name, demand.extras), demand)
    if demand.extras and (demand.reference or demand.requirement.specifier):
        return Wanted(demand.name, demand), own
    return (own,)
