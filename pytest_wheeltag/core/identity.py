"""Which published files an installed wheel can be: those that its WHEEL names, and all the others."""

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_wheeltag.core.candidates import Offer, PublishedFile, Reason, WheelName
from pytest_wheeltag.core.comparison import Subject

# Each of them may cost a request: no release has so many wheels that one interpreter could have been given.
_MAX_LISTED = 16


@dataclass(frozen=True)
class Listed:
    """A wheel of a release as an index lists it, whether it counts or not."""

    file: PublishedFile
    wheel: WheelName


def list_wheels(offer: Offer) -> tuple[Listed, ...]:
    """Give the wheels of a release that an installed one can be: those on offer, best first, then the closest misses."""
    return tuple(_listed(offer))[:_MAX_LISTED]


def _listed(offer: Offer) -> Iterator[Listed]:
    yield from (Listed(each.file, each.wheel) for each in offer.candidates)
    closeness = list(Reason)
    missed = sorted(offer.rejections, key=lambda each: closeness.index(each.reason), reverse=True)
    yield from (Listed(each.file, each.wheel) for each in missed if each.wheel)


def find_named(subject: Subject, offer: Offer) -> tuple[Listed, ...]:
    """Give the published wheels whose file name says the same as WHEEL; several may (two indexes, one name)."""
    return tuple(each for each in _listed(offer) if subject.is_published_as(each.wheel))


def is_in_question(subject: Subject, offer: Offer) -> bool:
    """Tell whether WHEEL leaves open which published file an installed wheel is.

    It does where it fits none of their names, and where it names no build number but some have one: many tools
    leave that line out.
    """
    if not find_named(subject, offer):
        return bool(offer.candidates)
    builds = (each.wheel.build for each in offer.candidates if subject.has_tags_of(each.wheel))
    return not subject.build and any(builds)


@dataclass(frozen=True)
class UnprovenFile:
    """A file of the archive that no digest of the published RECORD vouches for, though size and CRC-32 fit.

    ``entry`` is its path in the archive, ``path`` where it lies, ``sha256`` its digest as it lies there, spelt as in
    RECORD.
    """

    entry: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Resemblance:
    """How an installed wheel compares with a published one: ``misfits`` are clauses, none where they are alike."""

    misfits: tuple[str, ...] = ()
    unproven: tuple[UnprovenFile, ...] = ()


@dataclass(frozen=True)
class Identification:
    """Which published wheel an installed one is by its RECORD, None where it is none; ``warnings`` are one line each."""

    really: Listed | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examination:
    """What came of comparing the files of an installed wheel with its RECORD and with what is published.

    ``alterations`` say how files differ from RECORD, ``misfits`` how they differ from ``published``, the file that
    WHEEL names, a clause each; that is None where no published file is what it claims to be. ``really`` is the one
    whose RECORD it has instead. ``warnings`` are one line each.
    """

    alterations: tuple[str, ...] = ()
    published: Listed | None = None
    misfits: tuple[str, ...] = ()
    really: Listed | None = None
    warnings: tuple[str, ...] = ()
