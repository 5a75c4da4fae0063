"""What a resolution is made from and gives: the ports to offers and metadata, choices, and who asked for them."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, ProjectFiles, PublishedFile
from pytest_wheeltag.core.dependencies import ReleaseMetadata
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.pathways import Pathways
from pytest_wheeltag.core.present import Present, PresentDistribution
from pytest_wheeltag.core.references import Reference
from pytest_wheeltag.core.requirements import Demand
from pytest_wheeltag.core.source import Source
from pytest_wheeltag.errors import ResolutionError

Artefact = Candidate | Source
"""What a distribution is installed from: a wheel that the interpreter accepts, or what one is built from."""


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
    """Who knows what a wheel needs, installed or not, or one that is built from source: an index, a build, a disk."""

    def metadata(self, artefact: Artefact | PresentDistribution) -> ReleaseMetadata:
        """Give what the file declares, its name and version being those of the file's name.

        Raises ``MetadataError`` where it cannot be used, so that another release may be taken; another
        ``WheelError`` or a ``CatalogueError`` ends the resolution.
        """
        ...

    def prefetch(self, artefacts: Iterable[Artefact]) -> None:
        """Fetch side by side what ``metadata`` will be asked for; failures are kept for then."""
        ...


class Surveyor(Protocol):
    """Who finds out what lies at an address: the project and version of a wheel, an archive or a tree."""

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> Artefact:
        """Give what a direct reference leads to; ``name`` is whose it is said to be, None where nobody said.

        Where there are ``hashes``, it must have one of them before anything in it is looked at.

        Raises ``WheeltagError`` where it cannot be had, is another project's, or fits no tag of the interpreter.
        """
        ...


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
    """What an installer must take for one distribution.

    ``reference`` is the address or path that it was asked for by, None for what an index lists; ``hashes`` are
    those that the file may have, any of them, empty for whatever its index claims.
    """

    name: NormalizedName
    version: Version
    artefact: Artefact
    reference: Reference | None = None
    hashes: Hashes = ()

    @property
    def file(self) -> PublishedFile:
        """The file that is fetched: a wheel, an archive, or the folder of a tree."""
        return self.artefact.file

    @property
    def is_built(self) -> bool:
        """Whether its wheel is built from source."""
        return isinstance(self.artefact, Source)

    @property
    def is_tree(self) -> bool:
        """Whether its wheel is built from a folder, which may be edited at any time."""
        return isinstance(self.artefact, Source) and self.artefact.material.is_tree


@dataclass(frozen=True)
class Edge:
    """Who asked for a distribution: ``by`` is another one of the resolution, None for whoever called."""

    name: NormalizedName
    by: NormalizedName | None
    demand: Demand


Place = tuple[NormalizedName, Hashable]
"""A release, by its project and what tells it from that one's other releases."""


@dataclass(frozen=True)
class Ending:
    """Where a search ended, in words that mean the same for any interpreter: releases with extras, and who asked."""

    places: tuple[tuple[Place, frozenset[NormalizedName]], ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Blocked:
    """Where a search ended that found nothing."""


SearchPathways = Pathways[Any, Ending | Blocked]
"""The ways of searches; their questions are those of ``core.inquiry``."""


@dataclass(frozen=True)
class Sources:
    """What a resolution takes from: the ports to indexes and builds, and what is ``present`` in an environment.

    Without a ``surveyor`` nothing can be taken from an address. ``pathways`` are those of earlier searches.
    """

    catalogue: Catalogue
    metadata: MetadataSource
    surveyor: Surveyor | None = None
    present: Present = field(default_factory=Present)
    pathways: SearchPathways = field(default_factory=Pathways)


@dataclass(frozen=True)
class Resolution:
    """What to install, one choice for each distribution, sorted by name, and why.

    ``edges`` are sorted by name, then by who asked; ``warnings`` are one line each; ``kept`` are installed
    already and will do.
    """

    choices: tuple[Choice, ...]
    edges: tuple[Edge, ...] = ()
    warnings: tuple[str, ...] = ()
    kept: tuple[PresentDistribution, ...] = ()

    @cached_property
    def requested(self) -> frozenset[NormalizedName]:
        """The distributions that were asked for by name."""
        return frozenset(edge.name for edge in self.edges if edge.by is None)

    def asked_for(self, name: NormalizedName) -> tuple[Edge, ...]:
        """Give who asked for a distribution."""
        return tuple(edge for edge in self.edges if edge.name == name)


@dataclass(frozen=True)
class Impasse:
    """Nothing satisfies a request. Why is found out when somebody wants to know: it takes longer than the search."""

    explain: Callable[[], ResolutionError]
