"""What a release declares that it needs: the headers of METADATA that a resolution depends on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.distinfo import DistInfoError, decode, headers
from pytest_wheeltag.core.text import quoted

MAX_METADATA_BYTES = 8_000_000
_MAX_REQUIREMENTS = 10_000
_MAX_LINE_CHARACTERS = 10_000


@dataclass(frozen=True)
class Dependency:
    """One Requires-Dist, split at its marker (``condition``, empty where it always holds).

    Most lines of a large release belong to extras that nobody wants: their requirement is never parsed.
    """

    plain: str
    condition: str = ""

    @cached_property
    def requirement(self) -> Requirement:
        """The requirement without its marker."""
        return Requirement(self.plain)

    def __str__(self) -> str:
        return f"{self.plain}; {self.condition}" if self.condition else self.plain


@dataclass(frozen=True)
class ReleaseMetadata:
    """What METADATA of a wheel declares (core metadata) that a resolution depends on.

    ``requires`` come in the order of the file; ``requires_python`` is empty where any will do.
    """

    name: NormalizedName
    version: Version
    requires: tuple[Dependency, ...] = ()
    requires_python: str = ""
    extras: frozenset[NormalizedName] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Give it as plain JSON values, which ``release_metadata_from_json`` reads back."""
        return {
            "name": self.name,
            "version": str(self.version),
            "requires": [[dependency.plain, dependency.condition] for dependency in self.requires],
            "requires_python": self.requires_python,
            "extras": sorted(self.extras),
        }


def release_metadata_from_json(values: Mapping[str, Any]) -> ReleaseMetadata:
    """Read back what ``ReleaseMetadata.to_json`` gave; raises ``ValueError`` for anything else.

    Requirements are not parsed again: they were checked when they were read from METADATA.
    """
    try:
        return ReleaseMetadata(
            canonicalize_name(values["name"]),
            Version(values["version"]),
            tuple(Dependency(str(plain), str(condition)) for plain, condition in values["requires"]),
            str(values["requires_python"]),
            frozenset(map(canonicalize_name, values["extras"])),
        )
    except (KeyError, TypeError, AttributeError) as error:
        msg = f"not what a release declares, {type(error).__name__}"
        raise ValueError(msg) from error


def parse_release_metadata(data: bytes) -> ReleaseMetadata:
    """Parse METADATA (core metadata); raises ``DistInfoError``.

    Every requirement is checked, whoever may want it, as pip does; a Requires-Python that is none admits all.
    """
    if len(data) > MAX_METADATA_BYTES:
        raise DistInfoError("METADATA", f"expected at most {MAX_METADATA_BYTES} bytes, found {len(data)}")
    text = decode(data, "METADATA")
    name, version = _only(text, "Name"), _parse_version(_only(text, "Version"))
    lines = headers(text, "Requires-Dist")
    if len(lines) > _MAX_REQUIREMENTS:
        raise DistInfoError(
            "METADATA", f"expected at most {_MAX_REQUIREMENTS} Requires-Dist, found {len(lines)}"
        )
    return ReleaseMetadata(
        canonicalize_name(name),
        version,
        tuple(parse_dependency(line) for line in lines),
        _valid_specifier(headers(text, "Requires-Python")),
        frozenset(map(canonicalize_name, headers(text, "Provides-Extra"))),
    )


def parse_dependency(line: str) -> Dependency:
    """Parse one Requires-Dist (dependency specifiers); raises ``DistInfoError``."""
    if len(line) > _MAX_LINE_CHARACTERS:
        raise DistInfoError("METADATA", f"expected a requirement (PEP 508), found {quoted(line)}")
    try:
        requirement = Requirement(line)
    except (InvalidRequirement, ValueError, RecursionError) as error:
        raise DistInfoError("METADATA", f"expected a requirement (PEP 508), found {quoted(line)}") from error
    condition = str(requirement.marker) if requirement.marker else ""
    requirement.marker = None
    return Dependency(str(requirement), condition)


def _valid_specifier(values: tuple[str, ...]) -> str:
    try:
        return str(SpecifierSet(values[0])) if values else ""
    except (InvalidSpecifier, ValueError):
        return ""


def _only(text: str, header: str) -> str:
    values = tuple(dict.fromkeys(headers(text, header)))
    if len(values) == 1 and values[0]:
        return values[0]
    found = " and ".join(map(quoted, values[:2])) if any(values) else "none"
    raise DistInfoError("METADATA", f"expected one {header}, found {found}")


def _parse_version(text: str) -> Version:
    try:
        return Version(text)
    except (InvalidVersion, ValueError) as error:
        raise DistInfoError("METADATA", f"expected a version (PEP 440), found {quoted(text)}") from error
