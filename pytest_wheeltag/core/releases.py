"""The releases of a project that an interpreter may be given, newest first, looked at only as far as needed."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.candidates import (
    Candidate,
    Offer,
    ProjectFiles,
    PublishedFile,
    Screen,
    screen_files,
    screen_release,
    split_version,
)
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.references import Reference
from pytest_wheeltag.core.resolution import Artefact
from pytest_wheeltag.core.shelf import Shelved, parse_version, shelve
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.errors import NoWheelError


@dataclass(frozen=True, eq=False)
class Release:
    """One release as a screen sees it; ``files`` are its wheels whose tags are accepted, and its source archives.

    Kinds of files that the screen's controls do not take are left out.
    """

    name: NormalizedName
    version: Version
    files: tuple[PublishedFile, ...]
    screen: Screen

    @cached_property
    def best(self) -> Artefact | None:
        """What an installer must take: the best wheel, else a source archive, the last listed.

        None where nothing is left, a yanked file where all are.
        """
        offer = screen_files(self.name, self.version, self.files, self.screen)
        hashes = tuple(sorted(self.screen.hashes.get(self.name, ())))
        materials = (Material(file, hashes=hashes) for file in reversed(offer.sdists))
        sources = [Source(self.name, self.version, each) for each in materials]
        wheels = offer.candidates[:1]
        found: list[Artefact] = [*wheels, *sources] if self._accepts(wheels) else [*sources, *wheels]
        return next((each for each in found if each.file.yanked is None), next(iter(found), None))

    @property
    def is_open(self) -> bool:
        """Whether it is taken for want of a better one: nothing of it is accepted (see ``OpenRanking``)."""
        return isinstance(self.best, Candidate) and not self._accepts((self.best,))

    @property
    def identity(self) -> Hashable:
        """What tells it from the project's other releases, whatever interpreter it is looked at for."""
        return self.version

    def _accepts(self, wheels: Iterable[Candidate]) -> bool:
        return all(self.screen.accepted.accepts(each.rank) for each in wheels)

    @property
    def taken(self) -> Artefact:
        """The same, for a release that is known to have one; ``NoWheelError`` otherwise."""
        if self.best is None:
            raise NoWheelError(
                f"{self.name}=={self.version}", self.screen.interpreter.label, "none is accepted"
            )
        return self.best

    @property
    def is_yanked(self) -> bool:
        """Whether every file of it that is accepted was yanked."""
        return self.best is not None and self.best.file.yanked is not None


@dataclass(frozen=True, eq=False)
class DirectRelease:
    """What lies at an address, as the one release of its project that will do."""

    taken: Artefact
    reference: Reference

    @property
    def name(self) -> NormalizedName:
        """The project's normalised name."""
        return self.taken.name

    @property
    def version(self) -> Version:
        """The version."""
        return self.taken.version

    @property
    def identity(self) -> Hashable:
        """What tells it from the project's other releases, whatever interpreter it is looked at for."""
        return self.version, self.reference


@dataclass(frozen=True, eq=False)
class InstalledRelease:
    """A distribution that is installed already, as one of the releases of its project."""

    taken: PresentDistribution

    @property
    def name(self) -> NormalizedName:
        """The project's normalised name."""
        return self.taken.name

    @property
    def version(self) -> Version:
        """The version."""
        return self.taken.version

    @property
    def identity(self) -> Hashable:
        """What tells it from the project's other releases, whatever interpreter it is looked at for."""
        return self.version, self.taken.location


AnyRelease = Release | DirectRelease | InstalledRelease


class _Remembered:
    """Releases that are looked for while somebody asks, and never twice."""

    def __init__(self, found: Iterator[Release]) -> None:
        self._coming = found
        self._seen: list[Release] = []

    def __iter__(self) -> Iterator[Release]:
        for position in count():
            if position == len(self._seen):
                release = next(self._coming, None)
                if release is None:
                    return
                self._seen.append(release)
            yield self._seen[position]


class ProjectReleases:
    """What of a project may be given to an interpreter: its releases with accepted files, newest first."""

    def __init__(self, project: ProjectFiles, screen: Screen) -> None:
        self.project = shelve(project)
        self._screen = screen
        self._matching: dict[SpecifierSet, _Remembered] = {}

    @cached_property
    def _newest_first(self) -> Iterable[Release]:
        return _Remembered(self._look_through())

    def _look_through(self) -> Iterator[Release]:
        name = self.project.name
        for version, entries in self.project.newest_first:
            if files := tuple(_accepted(entries, self._screen, name)):
                yield Release(name, version, files, self._screen)

    def matching(self, specifier: SpecifierSet) -> Iterable[Release]:
        """Give the releases that satisfy a specifier (version specifiers), the one to try first first.

        As pip chooses: pre-releases only where the specifier names one or no final release fits; yanked
        releases only where the version is pinned and all that fit were yanked. May be iterated again; each
        release is looked at when it is reached.
        """
        found = self._matching.get(specifier)
        if found is None:
            found = self._matching[specifier] = _Remembered(self._match(specifier))
        return found

    def _match(self, specifier: SpecifierSet) -> Iterator[Release]:
        yanked: list[Release] = []
        is_any_unyanked = False
        for release in self._fitting(specifier):
            if release.is_yanked:
                yanked.append(release)
            else:
                is_any_unyanked = True
                yield release
        if not is_any_unyanked and is_pinned(specifier):
            yield from yanked

    def _fitting(self, specifier: SpecifierSet) -> Iterator[Release]:
        name, controls = self.project.name, self._screen.controls
        wants_early = controls.prereleases.decide(name)
        found = self._within(
            specifier, wants_early=specifier.prereleases if wants_early is None else wants_early
        )
        if wants_early is False:
            found = (release for release in found if not release.version.is_prerelease)
        wheels_first = controls.wheels_first.decide(name)
        built: list[Release] = []
        unfit: list[Release] = []
        for release in found:
            if release.is_open:
                unfit.append(release)
            elif wheels_first and isinstance(release.best, Source):
                built.append(release)
            else:
                yield release
        yield from built
        yield from unfit

    def _within(self, specifier: SpecifierSet, *, wants_early: bool | None) -> Iterator[Release]:
        # Not left to `SpecifierSet.filter` alone: it would look at every release before it gives the first.
        within = specifier.filter(self._newest_first, prereleases=True, key=_version)
        if wants_early:
            yield from (release for release in within if release.best is not None)
            return
        is_any_final = False
        early: list[Release] = []
        for release in within:
            if release.version.is_prerelease:
                early.append(release)
            elif release.best is not None:
                is_any_final = True
                yield release
        if not is_any_final:
            yield from (release for release in early if release.best is not None)

    def offers(self, specifier: SpecifierSet) -> Iterator[Offer]:
        """Give what is on offer of every release that satisfies a specifier, wheels or not, newest first.

        For messages: nothing is remembered, and every file is looked at.
        """
        listed = _listed(self.project)
        for version in sorted(listed, reverse=True):
            if specifier.contains(version, prereleases=True):
                yield screen_release(self.project.name, version, listed[version], self._screen)

    def listed(self) -> tuple[Version, ...]:
        """Give every version that has any file, newest first."""
        return tuple(sorted(_listed(self.project), reverse=True))


def is_pinned(specifier: SpecifierSet) -> bool:
    """Tell whether a specifier names one version: ``===``, or ``==`` without a wildcard."""
    return any(
        each.operator == "===" or (each.operator == "==" and not each.version.endswith(".*"))
        for each in specifier
    )


def _version(release: Release) -> Version:
    return release.version


def _accepted(entries: Iterable[Shelved], screen: Screen, name: NormalizedName) -> Iterator[PublishedFile]:
    """Give the wheels with an accepted tag and the source archives, as far as they are taken."""
    takes_wheels, takes_sources = screen.controls.takes_wheels(name), screen.controls.takes_sources(name)
    for tags, file in entries:
        if (takes_wheels and screen.accepted.rank(tags) is not None) if tags else takes_sources:
            yield file


def _listed(project: ProjectFiles) -> dict[Version, list[PublishedFile]]:
    """Group all files by version, whatever they are, in the order of listing."""
    groups: dict[Version, list[PublishedFile]] = defaultdict(list)
    for file in project.files:
        text = split_version(file.filename, project.name)
        version = None if text is None else parse_version(text)
        if version is not None:
            groups[version].append(file)
    return dict(groups)
