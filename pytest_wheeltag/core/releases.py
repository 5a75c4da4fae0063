"""The releases of a project that an interpreter may be given, newest first, looked at only as far as needed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.candidates import (
    Offer,
    ProjectFiles,
    PublishedFile,
    Screen,
    is_variant,
    is_wheel,
    screen_release,
    sdist_stem,
    split_version,
)
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.references import Reference
from pytest_wheeltag.core.resolution import Artefact
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.core.tags import TagRanking
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
        offer = screen_release(self.name, self.version, self.files, self.screen)
        hashes = tuple(sorted(self.screen.hashes.get(self.name, ())))
        materials = (Material(file, hashes=hashes) for file in reversed(offer.sdists))
        sources = [Source(self.name, self.version, each) for each in materials]
        found: list[Artefact] = [*offer.candidates[:1], *sources]
        return next((each for each in found if each.file.yanked is None), next(iter(found), None))

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
        self.project = project
        self._screen = screen
        self._matching: dict[SpecifierSet, _Remembered] = {}

    @cached_property
    def _newest_first(self) -> tuple[Release, ...]:
        groups = _group_by_version(_accepted(self.project, self._screen))
        return tuple(
            Release(self.project.name, version, tuple(groups[version]), self._screen)
            for version in sorted(groups, reverse=True)
        )

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
        if not controls.wheels_first.decide(name):
            yield from found
            return
        built: list[Release] = []
        for release in found:
            if isinstance(release.best, Source):
                built.append(release)
            else:
                yield release
        yield from built

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
        listed = _group_by_version(_versions(self.project))
        for version in sorted(listed, reverse=True):
            if specifier.contains(version, prereleases=True):
                yield screen_release(self.project.name, version, listed[version], self._screen)

    def listed(self) -> tuple[Version, ...]:
        """Give every version that has any file, newest first."""
        return tuple(sorted(_group_by_version(_versions(self.project)), reverse=True))


def is_pinned(specifier: SpecifierSet) -> bool:
    """Tell whether a specifier names one version: ``===``, or ``==`` without a wildcard."""
    return any(
        each.operator == "===" or (each.operator == "==" and not each.version.endswith(".*"))
        for each in specifier
    )


def _version(release: Release) -> Version:
    return release.version


def _accepted(project: ProjectFiles, screen: Screen) -> Iterator[tuple[str, PublishedFile]]:
    """Give the wheels with an accepted tag and the source archives, as far as they are taken, each with its version."""
    if screen.controls.takes_wheels(project.name):
        yield from _accepted_wheels(project, screen.accepted)
    if screen.controls.takes_sources(project.name):
        yield from _sources(project)


def _sources(project: ProjectFiles) -> Iterator[tuple[str, PublishedFile]]:
    # Names repeat, so each is asked once; what the last dash does not split is left to `split_version`.
    is_ours: dict[str, bool] = {}
    for file in project.files:
        stem = None if is_wheel(file.filename) else sdist_stem(file.filename)
        if stem is None:
            continue
        name, _, version = stem.rpartition("-")
        if name not in is_ours:
            is_ours[name] = canonicalize_name(name) == project.name
        text = (
            version if is_ours[name] and version[:1].isdigit() else split_version(file.filename, project.name)
        )
        if text is not None:
            yield text, file


def _accepted_wheels(project: ProjectFiles, ranking: TagRanking) -> Iterator[tuple[str, PublishedFile]]:
    """Give the wheels with an accepted tag, each with the text of its version.

    This sees every file of every project (numpy has 4,400): tags and names repeat, so each is asked once.
    """
    is_accepted: dict[str, bool] = {}
    is_ours: dict[str, bool] = {}
    for file in project.files:
        filename = file.filename
        stem, _, rest = filename.partition("-")
        parts = rest.removesuffix(".whl").rsplit("-", 3)
        if len(parts) != 4 or not filename.endswith(".whl"):  # noqa: PLR2004 - version and the parts of a tag
            continue
        tags = rest[len(parts[0]) + 1 : -len(".whl")]
        if tags not in is_accepted:
            is_accepted[tags] = ranking.rank(tags) is not None
        if not is_accepted[tags]:
            continue
        if stem not in is_ours:
            is_ours[stem] = canonicalize_name(stem) == project.name
        if is_ours[stem] and not is_variant(filename):
            # Before the version's end there may be a build tag.
            yield parts[0].partition("-")[0], file


def _versions(project: ProjectFiles) -> Iterator[tuple[str, PublishedFile]]:
    for file in project.files:
        text = split_version(file.filename, project.name)
        if text is not None:
            yield text, file


def _group_by_version(files: Iterable[tuple[str, PublishedFile]]) -> dict[Version, list[PublishedFile]]:
    # `1.0` and `1.0.0` are one version, and the order of listing decides ties.
    groups: dict[Version, list[PublishedFile]] = defaultdict(list)
    parsed: dict[str, Version | None] = {}
    for text, file in files:
        if text not in parsed:
            parsed[text] = _parse_version(text)
        version = parsed[text]
        if version is not None:
            groups[version].append(file)
    return dict(groups)


def _parse_version(text: str) -> Version | None:
    try:
        return Version(text)
    except (InvalidVersion, ValueError):
        return None
