"""What an index offers of one release, and why some files fall out for an interpreter."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from urllib.parse import urlsplit, urlunsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import InvalidTag
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.hashes import Hash, Hashes
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.tags import TagRanking
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.core.verdict import Silence

BuildTag = tuple[int, str] | tuple[()]

_WHEEL_DASHES_WITH_BUILD = 5
_WHEEL_DASHES_OF_A_VARIANT = 6
_SHOWN_CHARACTERS = 200
# The last four are of old; pip still takes them.
_SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar")
_DASH_BEFORE_VERSION = re.compile(r"-(?=[0-9])", re.ASCII)
_SDIST_SUFFIXES_OF_OLD = _SDIST_SUFFIXES[2:]


@dataclass(frozen=True)
class PublishedFile:
    """One file as an index lists it (simple repository API); nothing of its name is parsed yet.

    ``url`` is absolute and may hold credentials: show ``filename`` instead. ``hashes`` are pairs of
    algorithm and lower-case hexadecimal digest; ``yanked`` is None, or the reason, which may be empty;
    ``size`` in bytes and ``upload_time`` (UTC) are None where the index does not tell; ``metadata_hashes``
    is None where the index serves no metadata file (PEP 658) beside this one. ``source`` is the index or
    find-links location that listed it, without credentials.
    """

    filename: str
    url: str
    hashes: Hashes = ()
    requires_python: str | None = None
    yanked: str | None = None
    size: int | None = None
    upload_time: datetime | None = None
    metadata_hashes: Hashes | None = None
    source: str = ""

    @property
    def sha256(self) -> str | None:
        """The SHA-256 as the index claims it, in hexadecimal."""
        return dict(self.hashes).get("sha256")

    @property
    def shown_url(self) -> str:
        """The address without credentials, query and fragment, fit to be shown."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


@dataclass(frozen=True)
class ProjectFiles:
    """What all indexes together list of one project, or of one release of it.

    ``files`` are pooled over the sources in the order of listing; ``warnings`` are one line each; ``sources``
    are the locations that had the name, without credentials. ``silence`` says why there are no files, where more is
    known than that nobody lists any.
    """

    name: NormalizedName
    files: tuple[PublishedFile, ...] = ()
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    silence: Silence | None = None


@dataclass(frozen=True)
class WheelName:
    """What a wheel's file name says (binary distribution format).

    ``tags`` is the compressed tag set as written, ``build`` is empty or (number, rest).
    """

    name: NormalizedName
    version: Version
    build: BuildTag
    tags: str


class Reason(StrEnum):
    """Why a file falls out, the closest miss last."""

    UNREADABLE = "its name cannot be read"
    NEWER = "it was uploaded later than the date asked for"
    HASH = "it has none of the hashes that were given"
    TAGS = "no tag of it is accepted"
    REQUIRES_PYTHON = "it requires another Python"
    YANKED = "it was yanked"


@dataclass(frozen=True)
class Rejection:
    """A file that falls out, with the reason and what was found, fit to be shown.

    ``wheel`` is what its name says, None for an sdist and where the name cannot be read.
    """

    file: PublishedFile
    reason: Reason
    detail: str
    wheel: WheelName | None = None


@dataclass(frozen=True)
class Candidate:
    """A published wheel that an interpreter accepts; ``rank`` counts from 1, the interpreter's first tag."""

    file: PublishedFile
    wheel: WheelName
    rank: int

    @property
    def name(self) -> NormalizedName:
        """The normalised name of its project."""
        return self.wheel.name

    @property
    def version(self) -> Version:
        """Its version."""
        return self.wheel.version

    @property
    def preference(self) -> tuple[int, BuildTag]:
        """The greater the better: the tag's rank first, then the build tag, none lowest."""
        return -self.rank, self.wheel.build


@dataclass(frozen=True)
class Offer:
    """The files of one release that are on offer to an interpreter, and those that fell out.

    ``candidates`` come best first; of files that tie the last listed comes first, as pip takes it.
    ``sdists`` are source distributions whose ``Requires-Python`` admits the interpreter; ``variants`` counts
    file names with a part too many, which are left alone.
    """

    name: NormalizedName
    version: Version
    candidates: tuple[Candidate, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    sdists: tuple[PublishedFile, ...] = ()
    variants: int = 0

    @property
    def best(self) -> Candidate | None:
        """The wheel that an installer must take, None where no published wheel is accepted."""
        return self.candidates[0] if self.candidates else None

    @cached_property
    def ties(self) -> tuple[Candidate, ...]:
        """The further candidates that nothing but the order of listing sets apart from the best."""
        if self.best is None:
            return ()
        names = {self.best.file.filename}
        return tuple(
            candidate
            for candidate in self.candidates[1:]
            if candidate.preference == self.best.preference and candidate.file.filename not in names
        )

    @property
    def is_listed(self) -> bool:
        """Whether any index knows this name and version at all; what was uploaded later does not exist."""
        rejected = any(each.reason is not Reason.NEWER for each in self.rejections)
        return bool(self.candidates or rejected or self.sdists or self.variants)

    @property
    def nearest_miss(self) -> Rejection | None:
        """The rejection that came closest to being accepted."""
        closeness = list(Reason)
        return max(self.rejections, key=lambda rejection: closeness.index(rejection.reason), default=None)


@dataclass(frozen=True)
class Screen:
    """What files are screened for: the interpreter, and the moment after which uploads do not count.

    ``controls`` say which kinds of files and releases are taken; ``hashes`` holds, by project, those that a file
    must have one of.
    """

    interpreter: Interpreter
    exclude_newer: datetime | None = None
    controls: Controls = field(default_factory=Controls)
    hashes: Mapping[NormalizedName, frozenset[Hash]] = field(default_factory=dict)

    @property
    def accepted(self) -> TagRanking:
        """The tags that the interpreter accepts."""
        return self.interpreter.ranking


def is_wheel(filename: str) -> bool:
    """Tell whether a file name claims to be a wheel's."""
    return filename.endswith(".whl")


def is_variant(filename: str) -> bool:
    """Tell whether a wheel's name has a part too many: a wheel variant, which is a draft.

    Six parts whose third is no build tag, since it starts with no digit, or seven.
    """
    if not is_wheel(filename):
        return False
    dashes = filename.count("-")
    if dashes == _WHEEL_DASHES_WITH_BUILD:
        return not filename.split("-")[2][:1].isdigit()
    return dashes == _WHEEL_DASHES_OF_A_VARIANT


def parse_wheel_name(filename: str) -> WheelName:
    """Parse a wheel's file name by the binary distribution format; raises ``ValueError`` that says which part is wrong."""
    parts = filename.removesuffix(".whl").rsplit("-", 3)
    try:
        name, version, build, _ = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidTag) as error:
        raise ValueError(str(error)) from error
    return WheelName(name, version, build, "-".join(parts[1:]))


# Hundreds of interpreters look at the same files.
_parse_known = lru_cache(maxsize=16384)(parse_wheel_name)


def split_version(filename: str, name: NormalizedName) -> str | None:
    """Cut the version out of a wheel's or an sdist's file name without parsing it, None where it is not ``name``'s.

    An sdist's version may hold a dash, as those of old did: the name decides where it begins.
    """
    if is_wheel(filename):
        parts = filename.split("-", 2)
        is_ours = len(parts) > 2 and canonicalize_name(parts[0]) == name  # noqa: PLR2004 - name, version, rest
        return parts[1] if is_ours else None
    stem = sdist_stem(filename)
    if stem is None:
        return None
    # A version starts with a digit: `demo-tools-1.0` is not version `tools-1.0` of demo.
    dashes = (match.start() for match in _DASH_BEFORE_VERSION.finditer(stem))
    return next((stem[place + 1 :] for place in dashes if canonicalize_name(stem[:place]) == name), None)


def sdist_stem(filename: str) -> str | None:
    """Give a source archive's name without its suffix, None for any other file."""
    suffix = next((each for each in _SDIST_SUFFIXES if filename.endswith(each)), None)
    return None if suffix is None else filename.removesuffix(suffix)


def screen_release(
    name: NormalizedName, version: Version, files: Sequence[PublishedFile], screen: Screen
) -> Offer:
    """Sort the files of one release into what is on offer to an interpreter and what falls out.

    Versions are equal by PEP 440. Yanked files count only where no other file is accepted. ``files`` are in
    the order of listing, which decides ties.
    """
    return screen_files(name, version, tuple(files_of_version(files, name, version)), screen)


def screen_files(
    name: NormalizedName, version: Version, ours: Sequence[PublishedFile], screen: Screen
) -> Offer:
    """Do as ``screen_release`` with files of which it is known that they are that release's."""
    variants = sum(is_variant(file.filename) for file in ours)
    hashes = screen.hashes.get(name, frozenset())
    judged = [
        _reject_other_hash(file, hashes) or _screen_file(file, screen)
        for file in ours
        if not is_variant(file.filename)
    ]
    candidates = [found for found in judged if isinstance(found, Candidate)]
    rejections = [found for found in judged if isinstance(found, Rejection)]
    unyanked = [candidate for candidate in candidates if candidate.file.yanked is None]
    if unyanked:
        rejections += [
            reject_yanked(each.file, each.wheel) for each in candidates if each.file.yanked is not None
        ]
    sdists = tuple(found for found in judged if isinstance(found, PublishedFile))
    return Offer(
        name,
        version,
        rank_candidates(unyanked or candidates),
        tuple(rejections),
        sdists,
        variants,
    )


def rank_candidates(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Order candidates best first: tag, then build tag, then the last listed."""
    last_first = reversed(tuple(candidates))
    return tuple(sorted(last_first, key=lambda candidate: candidate.preference, reverse=True))


def files_of_version(
    files: Iterable[PublishedFile], name: NormalizedName, version: Version
) -> Iterable[PublishedFile]:
    """Give the files of one version (PEP 440 equality) of a project, as their names tell, in their order."""
    # A project of a thousand files has a few hundred versions: each text is parsed once.
    is_equal: dict[str, bool] = {str(version): True}
    for file in files:
        text = split_version(file.filename, name)
        if text is None:
            continue
        if text not in is_equal:
            is_equal[text] = _equals(text, version)
        if is_equal[text]:
            yield file


def _equals(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except InvalidVersion:
        return False


def _reject_other_hash(file: PublishedFile, hashes: frozenset[Hash]) -> Rejection | None:
    """Reject a file of which it is known that it has none of the hashes; without a common algorithm nobody knows."""
    common = {algorithm for algorithm, _ in file.hashes} & {algorithm for algorithm, _ in hashes}
    if not common or not hashes.isdisjoint(file.hashes):
        return None
    known = dict(file.hashes)
    return Rejection(file, Reason.HASH, ", ".join(f"{each} {known[each]}" for each in sorted(common)))


def _screen_file(file: PublishedFile, screen: Screen) -> Candidate | Rejection | PublishedFile:
    if not is_wheel(file.filename):
        return _screen_sdist(file, screen)
    try:
        wheel = _parse_known(file.filename)
    except ValueError as error:
        return Rejection(file, Reason.UNREADABLE, _shown(str(error)))
    if newer := _reject_newer(file, screen):
        return replace(newer, wheel=wheel)
    rank = screen.accepted.rank(wheel.tags)
    if rank is None:
        return Rejection(file, Reason.TAGS, _shown(wheel.tags), wheel)
    rejection = _reject_other_python(file, screen)
    return replace(rejection, wheel=wheel) if rejection else Candidate(file, wheel, rank)


def _screen_sdist(file: PublishedFile, screen: Screen) -> Rejection | PublishedFile:
    if not file.filename.endswith(_SDIST_SUFFIXES_OF_OLD):
        try:
            parse_sdist_filename(file.filename)
        except InvalidSdistFilename as error:
            return Rejection(file, Reason.UNREADABLE, _shown(str(error)))
    return _reject_newer(file, screen) or _reject_other_python(file, screen) or file


def _reject_newer(file: PublishedFile, screen: Screen) -> Rejection | None:
    # Files on this machine have no upload time; pip admits them too.
    if screen.exclude_newer is None or file.url.startswith("file:"):
        return None
    if file.upload_time is None:
        return Rejection(file, Reason.NEWER, "the index does not tell when it was uploaded")
    if file.upload_time <= screen.exclude_newer:
        return None
    return Rejection(file, Reason.NEWER, f"uploaded {file.upload_time:%Y-%m-%d %H:%M}")


def _reject_other_python(file: PublishedFile, screen: Screen) -> Rejection | None:
    if not file.requires_python:
        return None
    problem = _describe_other_python(file.requires_python, screen.interpreter.version_info[:3])
    return Rejection(file, Reason.REQUIRES_PYTHON, problem) if problem else None


@lru_cache(maxsize=8192)
def _describe_other_python(specifier: str, release: tuple[int, ...]) -> str:
    """Say which Pythons are admitted instead, empty where this one is."""
    shown = _shown(specifier)
    try:
        admitted = SpecifierSet(specifier)
    except InvalidSpecifier:
        return f"not a version specifier: {shown}"
    return "" if admitted.contains(".".join(map(str, release)), prereleases=True) else shown or "nothing"


def reject_yanked(file: PublishedFile, wheel: WheelName | None = None) -> Rejection:
    """Give the rejection of a yanked file, with the reason that its index tells."""
    reason = _shown(file.yanked or "") or "no reason given"
    return Rejection(file, Reason.YANKED, reason, wheel)


def _shown(text: str) -> str:
    """Make an index's text fit for a message: it may hold anything."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return printable(cut)
