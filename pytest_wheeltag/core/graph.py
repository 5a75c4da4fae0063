"""All that is known of releases and their needs while a resolution is searched for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.dependencies import Dependency, ReleaseMetadata
from pytest_wheeltag.core.hashchecking import allowed_hashes, check_source
from pytest_wheeltag.core.hashes import Hashes
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
from pytest_wheeltag.core.present import Upgrade
from pytest_wheeltag.core.references import Reference
from pytest_wheeltag.core.releases import (
    AnyRelease,
    DirectRelease,
    InstalledRelease,
    ProjectReleases,
    Release,
)
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand, demand_of
from pytest_wheeltag.core.resolution import Sources
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import CatalogueError, MetadataError, UsageError, WheeltagError

_ANY = SpecifierSet()


class Graph:
    """All that is known of releases and what they need, for one interpreter, as far as it was looked at.

    What the request asks for by address is looked at at once: only then its projects are known.
    """

    def __init__(self, screen: Screen, sources: Sources, request: Request) -> None:
        self.sources = sources
        self.markers = MarkerJudge(screen.interpreter)
        self._direct: dict[Reference, DirectRelease] = {}
        self._checks_hashes = request.checks_hashes
        self.constraints = tuple(filter(self._applies, request.constraints))
        requirements = tuple(filter(self._applies, request.requirements))
        self.screen = replace(screen, hashes=allowed_hashes(requirements, self.constraints))
        self.requirements = tuple(map(self._named, requirements))
        # Only now all projects have names.
        self.screen = replace(screen, hashes=allowed_hashes(self.requirements, self.constraints))
        self._present = sources.present
        self._requested = frozenset(demand.name for demand in self.requirements)
        self._installed: dict[NormalizedName, InstalledRelease] = {}
        self._bounds = _join(self.constraints)
        self._projects: dict[NormalizedName, ProjectReleases] = {}
        self._nodes: dict[tuple[str, AnyRelease], Node] = {}
        self._needs: dict[Node, tuple[Need, ...]] = {}
        self._python = Version(".".join(map(str, screen.interpreter.version_info[:3])))

    def project(self, name: NormalizedName) -> ProjectReleases:
        """Give the published releases of a project; raises ``CatalogueError``."""
        if name not in self._projects:
            self._projects[name] = ProjectReleases(self.sources.catalogue.files(name), self.screen)
        return self._projects[name]

    def matching(self, name: NormalizedName, specifier: SpecifierSet) -> Iterator[AnyRelease]:
        """Give the releases that may take a project's place within these bounds, the one to try first first.

        One that is installed and fits comes first, or in its place by version where it may be upgraded; indexes
        are asked only as far as this is iterated. Raises ``CatalogueError``.
        """
        installed = self.installed(name)
        if installed is None or not specifier.contains(installed.version, prereleases=True):
            yield from self.project(name).matching(specifier)
            return
        is_open = not self.prefers_installed(name)
        if not is_open:
            yield installed
        for release in self.project(name).matching(specifier):
            if is_open and release.version <= installed.version:
                is_open = False
                yield installed
            if release.version != installed.version:
                yield release
        if is_open:
            yield installed

    def installed(self, name: NormalizedName) -> InstalledRelease | None:
        """Give the installed release of a project that may be kept, None where there is none."""
        found = self._present.find(name)
        return None if found is None else self._installed.setdefault(name, InstalledRelease(found))

    def prefers_installed(self, name: NormalizedName) -> bool:
        """Tell whether an installed release is kept as long as it fits, although there may be a newer one."""
        upgrade = self._present.upgrade
        is_upgraded = upgrade is Upgrade.EAGER or (upgrade is Upgrade.REQUESTED and name in self._requested)
        return not is_upgraded and self.installed(name) is not None

    def direct(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> DirectRelease:
        """Give what lies at an address; raises ``WheeltagError`` where that cannot be had or used.

        It must have one of the hashes that were given for its project, or of ``hashes`` where nobody said whose it is.
        """
        if reference not in self._direct:
            if self.sources.surveyor is None:
                setting, expected = "an address", "a project by name, since nothing is looked at here"
                raise UsageError(setting, str(reference), expected)
            allowed = tuple(sorted(self.screen.hashes.get(name, ()))) if name else hashes
            taken = self.sources.surveyor.survey(reference, name, allowed)
            self._direct[reference] = DirectRelease(taken, reference)
        return self._direct[reference]

    def references(self, name: NormalizedName, needs: Iterable[Need]) -> tuple[Reference, ...]:
        """Give the addresses that needs and constraints name for a project."""
        wants = [need.demand for need in needs if isinstance(need, Wanted)]
        bounds = [each for each in self.constraints if each.name == name]
        return tuple(dict.fromkeys(each.reference for each in (*wants, *bounds) if each.reference))

    def is_where_constraints_say(self, release: AnyRelease) -> bool:
        """Tell whether a release lies at every address that the constraints name for its project, editable or not."""
        reference = release.reference if isinstance(release, DirectRelease) else None
        place = replace(reference, is_editable=False) if reference else None
        bounds = (each.reference for each in self.constraints if each.name == release.name)
        return all(place == replace(each, is_editable=False) for each in bounds if each)

    def specifier(self, name: NormalizedName, needs: Iterable[Need]) -> SpecifierSet:
        """Join the bounds of several needs and of the constraints."""
        joined = self._bounds.get(name, _ANY)
        for need in needs:
            if isinstance(need, Wanted) and need.demand.requirement.specifier:
                joined &= need.demand.requirement.specifier
        return joined

    def node(self, release: AnyRelease, extras: frozenset[NormalizedName]) -> Node:
        """Give the one object that stands for a release, with extras, in the graph."""
        key = graph_key(release.name, extras)
        if (key, release) not in self._nodes:
            self._nodes[key, release] = Node(key, release, release.taken, extras)
        return self._nodes[key, release]

    def metadata(self, node: Node) -> ReleaseMetadata:
        """Give what a release declares; raises ``MetadataError``.

        Where hashes are checked, no source without one is looked at: its backend is code. Raises ``HashCheckError``.
        """
        if self._checks_hashes and isinstance(node.release, Release):
            check_source(node.release)
        return self.sources.metadata.metadata(node.artefact)

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
        # What is installed has been admitted by whoever installed it.
        is_admitted = isinstance(node.release, InstalledRelease) or self._admits_python(metadata)
        return own if is_admitted else (self._other_python(metadata),)

    def _own_needs(self, node: Node, metadata: ReleaseMetadata) -> Iterator[Need]:
        provided = node.extras & metadata.extras
        for dependency in metadata.requires:
            if self.markers.holds(dependency.condition, provided):
                yield from self._needs_of(node, dependency)

    def _needs_of(self, node: Node, dependency: Dependency) -> tuple[Need, ...]:
        try:
            needs = _wanted_by(f"{node.name} {node.version}", dependency.plain)
            demand = needs[0].demand
            if demand.reference is not None:
                self.direct(demand.reference, demand.name)
        except CatalogueError:
            raise
        except WheeltagError as error:
            key = f"<{dependency.requirement.name} by address>"
            return (Impossible(key, f"requires {dependency.requirement.name} from an address, {error}"),)
        return needs

    def _admits_python(self, metadata: ReleaseMetadata) -> bool:
        required = metadata.requires_python
        return not required or _contains(required, self._python)

    def _other_python(self, metadata: ReleaseMetadata) -> Impossible:
        return Impossible(PYTHON_KEY, f"requires Python {metadata.requires_python}")

    def _named(self, demand: Demand | UnnamedDemand) -> Demand:
        if demand.reference is None:
            return demand
        if isinstance(demand, Demand):
            self.direct(demand.reference, demand.name)
            return demand
        return demand.named(self.direct(demand.reference, None, demand.hashes).name)

    def _applies(self, demand: Demand | UnnamedDemand) -> bool:
        marker = demand.marker
        try:
            return marker is None or self.markers.holds(str(marker))
        except ValueError as error:
            raise UsageError(demand.origin, printable(str(marker)), "a marker that can be decided") from error


@lru_cache(maxsize=16384)
def _wanted_by(origin: str, plain: str) -> tuple[Wanted, ...]:
    # What a release wants is the same for all interpreters that it is resolved for, and one object then.
    return wanted(demand_of(Requirement(plain), origin))


@lru_cache(maxsize=8192)
def _contains(specifier: str, version: Version) -> bool:
    return SpecifierSet(specifier).contains(version, prereleases=True)


def _join(constraints: Iterable[Demand]) -> Mapping[NormalizedName, SpecifierSet]:
    joined: dict[NormalizedName, SpecifierSet] = {}
    for demand in constraints:
        joined[demand.name] = joined.get(demand.name, _ANY) & demand.requirement.specifier
    return joined
