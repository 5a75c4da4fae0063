"""The files of a project sorted by release, once for every interpreter that asks."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.candidates import (
    ProjectFiles,
    PublishedFile,
    is_variant,
    is_wheel,
    sdist_stem,
    split_version,
)

Shelved = tuple[str, PublishedFile]
"""A file with its compressed tags, which are empty for a source archive."""

_DASHES_OF_A_TAG = 3


@dataclass(frozen=True)
class Shelf(ProjectFiles):
    """What indexes list of a project, with its releases in order."""

    @cached_property
    def newest_first(self) -> tuple[tuple[Version, tuple[Shelved, ...]], ...]:
        """The releases with their wheels and source archives, in the order of listing, which decides ties.

        ``1.0`` and ``1.0.0`` are one version. Wheel variants and files of other projects are left out.
        """
        groups: dict[Version, list[Shelved]] = defaultdict(list)
        parsed: dict[str, Version | None] = {}
        for text, shelved in _shelve_each(self):
            if text not in parsed:
                parsed[text] = parse_version(text)
            version = parsed[text]
            if version is not None:
                groups[version].append(shelved)
        return tuple((version, tuple(groups[version])) for version in sorted(groups, reverse=True))


def shelve(project: ProjectFiles) -> Shelf:
    """Give the same files as a shelf: the same one where it is one already."""
    if isinstance(project, Shelf):
        return project
    return Shelf(**{each.name: getattr(project, each.name) for each in fields(ProjectFiles)})


def parse_version(text: str) -> Version | None:
    """Parse a version as file names spell it (PEP 440), None where it is none."""
    try:
        return Version(text)
    except (InvalidVersion, ValueError):
        return None


def _shelve_each(project: ProjectFiles) -> Iterator[tuple[str, Shelved]]:
    """Give each file that belongs to a release, with the text of its version.

    This sees every file of every project (numpy has 4,400): names repeat, so each is asked once.
    """
    is_ours: dict[str, bool] = {}
    for file in project.files:
        stem, text, tags = _split_wheel(file) if is_wheel(file.filename) else _split_source(file)
        if not stem:
            continue
        if stem not in is_ours:
            is_ours[stem] = canonicalize_name(stem) == project.name
        if is_ours[stem] and (tags or text[:1].isdigit()):
            yield text, (tags, file)
        elif not tags and (found := split_version(file.filename, project.name)) is not None:
            # What the last dash does not split: an archive of old, whose version holds one.
            yield found, (tags, file)


def _split_wheel(file: PublishedFile) -> tuple[str, str, str]:
    stem, _, rest = file.filename.removesuffix(".whl").partition("-")
    parts = rest.rsplit("-", _DASHES_OF_A_TAG)
    if len(parts) != _DASHES_OF_A_TAG + 1 or is_variant(file.filename):
        return "", "", ""
    # Before the version's end there may be a build tag.
    return stem, parts[0].partition("-")[0], rest[len(parts[0]) + 1 :]


def _split_source(file: PublishedFile) -> tuple[str, str, str]:
    name, _, version = (sdist_stem(file.filename) or "").rpartition("-")
    return name, version, ""
