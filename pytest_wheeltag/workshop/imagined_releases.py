"""A world of releases that need each other and are published nowhere, behind the ports of a resolution."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import (
    Candidate,
    ProjectFiles,
    PublishedFile,
    parse_wheel_name,
    split_version,
)
from pytest_wheeltag.core.dependencies import ReleaseMetadata, parse_dependency
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.resolution import Artefact, Sources
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.errors import MetadataError, UsageError, WheeltagError
from pytest_wheeltag.workshop.imagined import imagine_file

_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w.-]+)['\"]")
_INDEX = "https://index.example/simple/"


@dataclass
class ImaginedWorld:
    """Releases by name and version, ``foo 1.0``, with what each requires; the ports of a resolution in one.

    Each has one wheel, ``py3-none-any``, unless ``filenames`` lists others for it;
    ``facts`` are what an index tells of a file. ``requires_python`` is that of METADATA. ``addresses`` say which
    release lies where. What is installed declares what the published release does, unless ``installed`` says what.
    Who is asked for a project, a release or an address that is in ``failures`` raises that.
    ``asked`` are those asked about one by one, ``waves`` the projects and releases that were announced together.
    """

    requires: Mapping[str, Sequence[str]]
    filenames: Mapping[str, Sequence[str]] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    requires_python: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, WheeltagError] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    installed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    waves: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def sources(self) -> Sources:
        """The world behind all ports."""
        return Sources(ImaginedProjects(self), ImaginedNeeds(self), ImaginedAddresses(self))

    def files_of(self, release: str) -> tuple[PublishedFile, ...]:
        """Give the files of ``foo 1.0``."""
        name, version = release.split(" ")
        default = (f"{name.replace('-', '_')}-{version}-py3-none-any.whl",)
        filenames = self.filenames.get(release, default)
        return tuple(imagine_file(each, source=_INDEX, **self.facts.get(each, {})) for each in filenames)

    def note(self, asked: str) -> None:
        """Remember what was asked about, and fail where that was prepared."""
        self.asked.append(asked)
        if asked in self.failures:
            raise self.failures[asked]


@dataclass(frozen=True)
class ImaginedProjects:
    """The catalogue of an imagined world."""

    world: ImaginedWorld

    def files(self, name: NormalizedName) -> ProjectFiles:
        """Give the files of a project."""
        self.world.note(name)
        releases = [each for each in self.world.requires if canonicalize_name(each.split(" ")[0]) == name]
        files = tuple(file for each in releases for file in self.world.files_of(each))
        return ProjectFiles(name, files, sources=(_INDEX,) if releases else ())

    def release(self, name: NormalizedName, version: Version) -> ProjectFiles:
        """Give the files of one release."""
        listed = self.files(name).files
        return ProjectFiles(
            name, tuple(each for each in listed if split_version(each.filename, name) == str(version))
        )

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """Remember what was announced; everything is here already."""
        self.world.waves.append(tuple(names))


@dataclass(frozen=True)
class ImaginedNeeds:
    """The metadata of an imagined world."""

    world: ImaginedWorld

    def metadata(self, artefact: Artefact | PresentDistribution) -> ReleaseMetadata:
        """Give what a release declares; a requirement that is none makes its METADATA useless."""
        key = f"{artefact.name} {artefact.version}"
        if isinstance(artefact, PresentDistribution):
            lines = self.world.installed.get(key, self.world.requires.get(key, ()))
        else:
            self.world.note(key)
            lines = self.world.requires[key]
        if "junk" in lines:
            raise MetadataError(key, "METADATA", "expected a requirement, found `junk`")
        return ReleaseMetadata(
            artefact.name,
            artefact.version,
            tuple(map(parse_dependency, lines)),
            self.world.requires_python.get(key, ""),
            frozenset(canonicalize_name(extra) for line in lines for extra in _EXTRA.findall(line)),
        )

    def prefetch(self, artefacts: Iterable[Artefact]) -> None:
        """Remember what was announced; everything is here already."""
        self.world.waves.append(tuple(f"{each.name} {each.version}" for each in artefacts))


@dataclass(frozen=True)
class ImaginedAddresses:
    """What lies at the addresses of an imagined world; what is named like a wheel is one, ``py3-none-any``."""

    world: ImaginedWorld

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> Artefact:
        """Give what lies at an address; nothing, or another project than ``name``, is a ``UsageError``."""
        self.world.note(reference.url)
        project, _, version = self.world.addresses.get(reference.url, "").partition(" ")
        if not project or (name is not None and canonicalize_name(project) != name):
            raise UsageError(reference.shown_url, project or "nothing", f"a distribution of {name}")
        if reference.kind is ReferenceKind.WHEEL:
            return Candidate(reference.file, parse_wheel_name(reference.filename), 1)
        return Source(
            canonicalize_name(project), Version(version), Material(reference.file, reference, hashes)
        )
