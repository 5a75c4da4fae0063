"""What stands behind a choice: the port through which offers come, and the file chosen for a distribution."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.candidates import Candidate, ProjectFiles
from pytest_wheeltag.errors import UsageError


class Catalogue(Protocol):
    """Who knows what is published: the indexes, or something that stands for them."""

    def release(self, name: NormalizedName, version: Version) -> ProjectFiles:
        """Give the files of one release, in the order of listing; raises ``CatalogueError``."""
        ...

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """Fetch side by side what ``release`` will be asked for; failures are kept for then."""
        ...


@dataclass(frozen=True)
class Choice:
    """The file that an installer must take for one distribution."""

    name: NormalizedName
    version: Version
    candidate: Candidate


@dataclass(frozen=True)
class Pin:
    """A requirement that leaves the choice of a file open, but not that of the version."""

    name: NormalizedName
    version: Version


def parse_pin(text: str) -> Pin:
    """Parse ``NAME==VERSION`` (dependency specifiers); raises ``UsageError`` for anything looser."""
    expected = "a pinned requirement, `NAME==VERSION`"
    try:
        requirement = Requirement(text)
        (specifier,) = requirement.specifier
        version = Version(specifier.version)
    except (InvalidRequirement, InvalidVersion, ValueError) as error:
        raise UsageError("requirement", text, expected) from error
    if specifier.operator not in {"==", "==="} or requirement.url:
        raise UsageError("requirement", text, expected)
    return Pin(canonicalize_name(requirement.name), version)
