"""All that is known of releases and their needs while a resolution is searched for."""

from collections.abc import Iterable, Iterator, Mapping

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.dependencies import Dependency, ReleaseMetadata
from pytest_wheeltag.core.markers import MarkerJudge
from pytest_wheeltag.core.needs import (
    PYTHON_KEY,
    Impossible,
    Need,
    Node,
    SameRelease,
    Wanted,
    graph_key,
    wanted,
)
from pytest_wheeltag.core.releases import ProjectReleases, Release
from pytest_wheeltag.core.requirements import Demand, Request
from pytest_wheeltag.core.resolution import Sources
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import MetadataError, UsageError

_ANY = SpecifierSet()


class Graph:
    """All that is known of releases and what they need, for one interpreter, as far as it was looked at."""

    def __init__(self, screen: Screen, sources: Sources, request: Request) -> None:
        self.screen = screen
        self.sources = sources
        self.markers = MarkerJudge(screen.interpreter)
        self.requirements = tuple(filter(self._applies, request.requirements))
        self.constraints = tuple(filter(self._applies, request.constraints))
        self._bounds = _join(self.constraints)
        self._projects: dict[NormalizedName, ProjectReleases] = {}
        self._nodes: dict[tuple[str, Release], Node] = {}
        self._needs: dict[Node, tuple[Need, ...]] = {}
        self._python = Version(".".join(map(str, screen.interpreter.version_info[:3])))

    def project(self, name: NormalizedName) -> ProjectReleases:
        """Give the releases of a project; raises ``CatalogueError``."""
        if name not in self._projects:
            self._projects[name] = ProjectReleases(self.sources.catalogue.files(name), self.screen)
        return self._projects[name]

    def specifier(self, name: NormalizedName, needs: Iterable[Need]) -> SpecifierSet:
        """Join the bounds of several needs and of the constraints."""
        joined = self._bounds.get(name, _ANY)
        for need in needs:
            if isinstance(need, Wanted) and need.demand.requirement.specifier:
                joined &= need.demand.requirement.specifier
        return joined

    def node(self, release: Release, extras: frozenset[NormalizedName]) -> Node:
        """Give the one object that stands for a release, with extras, in the graph."""
        key = graph_key(release.name, extras)
        if (key, release) not in self._nodes:
            self._nodes[key, release] = Node(key, release, release.taken, extras)
        return self._nodes[key, release]

    def metadata(self, node: Node) -> ReleaseMetadata:
        """Give what a release declares; raises ``MetadataError``."""
        return self.sources.metadata.metadata(node.candidate)

    @property
    def known_needs(self) -> Mapping[Node, tuple[Need, ...]]:
        """What each release needs that was looked at so far."""
        return self._needs

    def needs(self, node: Node) -> tuple[Need, ...]:
        """Give what a release needs; where its METADATA cannot be used, what nothing satisfies."""
        if node not in self._needs:
            self._needs[node] = self._find_needs(node)
        return self._needs[node]

    def _find_needs(self, node: Node) -> tuple[Need, ...]:
        try:
            metadata = self.metadata(node)
            own = tuple(self._own_needs(node, metadata))
        except MetadataError as error:
            return (Impossible(f"<{node}>", error.problem),)
        except ValueError as error:
            return (Impossible(f"<{node}>", str(error)),)
        if node.extras:
            return SameRelease(self.node(node.release, frozenset())), *own
        return own if self._admits_python(metadata) else (self._other_python(metadata),)

    def _own_needs(self, node: Node, metadata: ReleaseMetadata) -> Iterator[Need]:
        provided = node.extras & metadata.extras
        for dependency in metadata.requires:
            if self.markers.holds(dependency.condition, provided):
                yield from _needs_of(node, dependency)

    def _admits_python(self, metadata: ReleaseMetadata) -> bool:
        required = metadata.requires_python
        return not required or SpecifierSet(required).contains(self._python, prereleases=True)

    def _other_python(self, metadata: ReleaseMetadata) -> Impossible:
        return Impossible(PYTHON_KEY, f"requires Python {metadata.requires_python}")

    def _applies(self, demand: Demand) -> bool:
        marker = demand.requirement.marker
        try:
            return marker is None or self.markers.holds(str(marker))
        except ValueError as error:
            raise UsageError(demand.origin, printable(str(marker)), "a marker that can be decided") from error


def _join(constraints: Iterable[Demand]) -> Mapping[NormalizedName, SpecifierSet]:
    joined: dict[NormalizedName, SpecifierSet] = {}
    for demand in constraints:
        joined[demand.name] = joined.get(demand.name, _ANY) & demand.requirement.specifier
    return joined


def _needs_of(node: Node, dependency: Dependency) -> tuple[Need, ...]:
    demand = Demand(dependency.requirement, f"{node.name} {node.version}")
    if demand.requirement.url is not None:
        return (
            Impossible(
                f"<{demand.name} by url>", f"requires {demand.name} from a URL, which is not supported"
            ),
        )
    return wanted(demand)
