"""What a resolution is made from and gives: the ports to offers and metadata, choices, and who asked for them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, ProjectFiles
from pytest_wheeltag.core.dependencies import ReleaseMetadata
from pytest_wheeltag.core.requirements import Demand


class Catalogue(Protocol):
    """Who knows what is published: the indexes, or something that stands for them."""

    def release(self, name: NormalizedName, version: Version) -> ProjectFiles:
        """Give the files of one release, in the order of listing; raises ``CatalogueError``."""
        ...

    def files(self, name: NormalizedName) -> ProjectFiles:
        """Give all files of a project in the order of listing, without ``sources`` where no index has it.

        Raises ``CatalogueError``.
        """
        ...

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """Fetch side by side what ``release`` and ``files`` will be asked for; failures are kept for then."""
        ...


class MetadataSource(Protocol):
    """Who knows what a published file needs: an index, and later a build or a lock."""

    def metadata(self, candidate: Candidate) -> ReleaseMetadata:
        """Give what the file declares, its name and version being those of the file's name.

        Raises ``MetadataError`` where it cannot be used, so that another release may be taken; another
        ``WheelError`` or a ``CatalogueError`` ends the resolution.
        """
        ...

    def prefetch(self, candidates: Iterable[Candidate]) -> None:
        """Fetch side by side what ``metadata`` will be asked for; failures are kept for then."""
        ...


@dataclass(frozen=True)
class Sources:
    """The two ports that a resolution reads from."""

    catalogue: Catalogue
    metadata: MetadataSource


def _timeless() -> float:
    return 0.0


@dataclass(frozen=True)
class SearchLimits:
    """When a search is given up: after so many rounds (a round tries one distribution) or ``seconds``.

    ``clock`` tells the seconds from any start; without one, time does not count.
    """

    max_rounds: int = 200_000
    seconds: float = 900.0
    clock: Callable[[], float] = _timeless


@dataclass(frozen=True)
class Choice:
    """The file that an installer must take for one distribution."""

    name: NormalizedName
    version: Version
    candidate: Candidate


@dataclass(frozen=True)
class Edge:
    """Who asked for a distribution: ``by`` is another one of the resolution, None for whoever called."""

    name: NormalizedName
    by: NormalizedName | None
    demand: Demand


@dataclass(frozen=True)
class Resolution:
    """What to install, one choice for each distribution, sorted by name, and why.

    ``edges`` are sorted by name, then by who asked; ``warnings`` are one line each.
    """

    choices: tuple[Choice, ...]
    edges: tuple[Edge, ...] = ()
    warnings: tuple[str, ...] = ()

    @cached_property
    def requested(self) -> frozenset[NormalizedName]:
        """The distributions that were asked for by name."""
        return frozenset(edge.name for edge in self.edges if edge.by is None)

    def asked_for(self, name: NormalizedName) -> tuple[Edge, ...]:
        """Give who asked for a distribution."""
        return tuple(edge for edge in self.edges if edge.name == name)
