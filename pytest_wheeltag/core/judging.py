"""How an installed wheel is weighed against what is on offer: the rules behind the property ``best``."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from packaging.tags import InvalidTag, TooManyTagsError, parse_tag
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.candidates import (
    BuildTag,
    Candidate,
    Offer,
    Reason,
    Rejection,
    parse_wheel_name,
    rank_candidates,
)
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.verdict import (
    InstalledDistribution,
    InstalledWheel,
    MalformedDistribution,
    Property,
    UnwheeledDistribution,
    Verdict,
    VerdictKind,
    WheelIdentity,
)

# No published wheel comes near it (the largest known expansion has 60); a hostile one may claim a billion.
MAX_EXPANSION = 10_000
_ALTERATIONS_SHOWN = 3

Expansion = frozenset[str]


@dataclass(frozen=True)
class Silence:
    """Why there is no offer to weigh against: an index could not be asked (``UNREACHABLE``), or nothing is known offline (``UNKNOWN``)."""

    kind: VerdictKind
    message: str


def expand_tags(tags: tuple[str, ...]) -> Expansion | None:
    """Expand (compressed) tags to single ones; None where one is no tag or the expansion is absurd."""
    expansion: set[str] = set()
    for tag in tags:
        try:
            expansion.update(str(each) for each in parse_tag(tag, limit=MAX_EXPANSION))
        except (InvalidTag, TooManyTagsError, ValueError):
            return None
    return frozenset(expansion)


def parse_build(text: str | None) -> BuildTag:
    """Parse a build tag to (number, rest), empty where there is none or it does not start with a digit."""
    digits = 0
    while text and digits < len(text) and text[digits].isdecimal():
        digits += 1
    return (int(text[:digits]), text[digits:]) if text and digits else ()


def judge_unread(
    distribution: MalformedDistribution | UnwheeledDistribution, interpreter: Interpreter
) -> Verdict:
    """Judge what is no wheel that could be read: ``malformed`` or ``unwheeled``."""
    subject = _Subject(distribution, interpreter)
    match distribution:
        case MalformedDistribution(problem=problem):
            return subject.verdict(VerdictKind.MALFORMED, problem)
        case UnwheeledDistribution(reason=reason):
            return subject.verdict(VerdictKind.UNWHEELED, reason)


def judge_alone(wheel: InstalledWheel, interpreter: Interpreter) -> Verdict | None:
    """Judge a wheel that needs no index: it cannot run here, or was installed directly.

    None means that the offer decides.
    """
    subject = _Subject(wheel, interpreter)
    tags = interpreter.ranking.tags
    if subject.rank is None:
        message = f"installed `{subject.tags}`, none of which is among the {len(tags)} tags that this interpreter supports, from `{tags[0]}` on"
        return subject.verdict(VerdictKind.INCOMPATIBLE, message)
    if wheel.direct_url is not None:
        return subject.verdict(
            VerdictKind.DIRECT, f"installed `{subject.tags}` directly from `{wheel.direct_url}`"
        )
    return None


def judge_intact(wheel: InstalledWheel, interpreter: Interpreter, alterations: Iterable[str]) -> Verdict:
    """Judge the property ``intact``: ``alterations`` say how files differ from RECORD, a clause each.

    Gives ``incompatible``, ``altered``, ``direct`` or ``intact``, the first that applies.
    """
    alone = judge_alone(wheel, interpreter)
    if alone and alone.kind is VerdictKind.INCOMPATIBLE:
        return replace(alone, property=Property.INTACT)
    found = tuple(alterations)
    subject = _Subject(wheel, interpreter)
    if found:
        shown = "; ".join(found[:_ALTERATIONS_SHOWN])
        more = f"; and {len(found) - _ALTERATIONS_SHOWN} more" if len(found) > _ALTERATIONS_SHOWN else ""
        verdict = subject.verdict(VerdictKind.ALTERED, f"not as RECORD lists it: {shown}{more}")
    else:
        verdict = alone or subject.verdict(VerdictKind.INTACT, "every file is as RECORD lists it")
    return replace(verdict, property=Property.INTACT)


def judge(installed: InstalledWheel, interpreter: Interpreter, offer: Offer | Silence) -> Verdict:
    """Judge an installed wheel against what is on offer to its interpreter.

    Gives the first verdict that applies, in the order of ``VerdictKind``; ``judge_alone`` comes first.
    """
    subject = _Subject(installed, interpreter)
    if isinstance(offer, Silence):
        return subject.verdict(offer.kind, offer.message)
    if not offer.is_listed:
        return subject.verdict(
            VerdictKind.UNLISTED, f"no index knows this version (installed `{subject.tags}`)"
        )
    if offer.best is None:
        return subject.verdict(VerdictKind.BUILT, _built(subject, offer))
    return _Comparison(subject, offer, offer.best).verdict()


@dataclass(frozen=True)
class _Subject:
    """The installed side: who is judged, and how its interpreter likes it."""

    installed: InstalledDistribution
    interpreter: Interpreter

    @cached_property
    def expansion(self) -> Expansion:
        return (
            (expand_tags(self.installed.tags) or frozenset())
            if isinstance(self.installed, InstalledWheel)
            else frozenset()
        )

    @cached_property
    def rank(self) -> int | None:
        return self.interpreter.ranking.best_rank(self.expansion)

    @property
    def build(self) -> BuildTag:
        return parse_build(self.installed.build) if isinstance(self.installed, InstalledWheel) else ()

    @property
    def tags(self) -> str:
        return compress_tags(self.installed.tags) if isinstance(self.installed, InstalledWheel) else ""

    @property
    def title(self) -> str:
        """Name and version; of what cannot be read the version may be unknown."""
        return f"{self.installed.name} {self.installed.version}".rstrip()

    def verdict(
        self, kind: VerdictKind, message: str, best: Candidate | None = None, warnings: tuple[str, ...] = ()
    ) -> Verdict:
        installed = self.installed
        identity = None
        if isinstance(installed, InstalledWheel):
            identity = WheelIdentity(installed.tags, installed.build, self.rank)
        return Verdict(
            canonicalize_name(installed.name),
            installed.version,
            kind,
            kind.outcome,
            f"{self.title} on {self.interpreter.label}: {message}",
            installed=identity,
            best=identify(best) if best else None,
            warnings=(*installed.findings, *warnings),
        )


def identify(candidate: Candidate) -> WheelIdentity:
    """Give what a report tells of a published wheel."""
    build = "".join(map(str, candidate.wheel.build)) or None
    file = candidate.file
    return WheelIdentity((candidate.wheel.tags,), build, candidate.rank, file.filename, file.sha256)


def compress_tags(tags: tuple[str, ...]) -> str:
    """Write several tags as one compressed tag set where they are one, else one after the other."""
    parts = [tag.split("-") for tag in tags]
    if len(tags) <= 1 or any(len(part) != 3 for part in parts):  # noqa: PLR2004 - interpreter, ABI, platform
        return ", ".join(tags)
    compressed = "-".join(".".join(dict.fromkeys(column)) for column in zip(*parts, strict=True))
    is_product = expand_tags((compressed,)) == expand_tags(tags)
    return compressed if is_product else ", ".join(tags)


def _built(subject: _Subject, offer: Offer) -> str:
    miss = offer.nearest_miss
    if miss is None:
        return f"built from source as `{subject.tags}`: no wheel of this version is published"
    return (
        f"built from source as `{subject.tags}`: no published wheel is compatible, the nearest is "
        f"`{miss.file.filename}`, but {miss.reason}: {miss.detail}"
    )


@dataclass(frozen=True)
class _Comparison:
    """An installed wheel beside the files on offer, of which ``best`` is the first."""

    subject: _Subject
    offer: Offer
    best: Candidate

    def verdict(self) -> Verdict:
        """Give the first verdict that applies, from ``ambiguous`` on."""
        if self._is_published_as(self.best):
            return self._best()
        if doubt := self._doubt():
            return self._verdict(VerdictKind.AMBIGUOUS, doubt)
        if self._carries_best_tag and (self._has_best_build or self._omits_build):
            return self._best()
        if self._is_worse or self._unwanted:
            return self._verdict(VerdictKind.INFERIOR, self._inferior())
        return self._verdict(VerdictKind.REBUILT, self._rebuilt())

    def _verdict(self, kind: VerdictKind, message: str, *warnings: str) -> Verdict:
        return self.subject.verdict(kind, message, self.best, warnings)

    @property
    def _rank(self) -> int:
        return self.subject.rank or 0

    @property
    def _carries_best_tag(self) -> bool:
        return self._rank == self.best.rank

    @property
    def _has_best_build(self) -> bool:
        return self.subject.build == self.best.wheel.build

    @property
    def _omits_build(self) -> bool:
        """Whether WHEEL leaves out the build number of the only file that it can be, as some do."""
        if self.subject.build:
            return False
        others = (each for each in self.offer.candidates if each is not self.best)
        return self._has_tags_of(self.best) and not any(self._has_tags_of(other) for other in others)

    @property
    def _is_worse(self) -> bool:
        return (-self._rank, self.subject.build) < self.best.preference

    @cached_property
    def _unwanted(self) -> Rejection | None:
        """The published file that it is, though its ``Requires-Python`` excludes this interpreter."""
        return next(self._rejections(Reason.REQUIRES_PYTHON), None)

    def _rejections(self, reason: Reason) -> Iterator[Rejection]:
        """Give the files that fell out for this reason and are what is installed."""
        for rejection in self.offer.rejections:
            published = _as_candidate(rejection, self.subject.interpreter)
            if rejection.reason is reason and published and self._is_published_as(published):
                yield rejection

    def _has_tags_of(self, candidate: Candidate) -> bool:
        return expand_tags((candidate.wheel.tags,)) == self.subject.expansion

    def _is_published_as(self, candidate: Candidate) -> bool:
        return self.subject.build == candidate.wheel.build and self._has_tags_of(candidate)

    def _best(self) -> Verdict:
        file = self.best.file
        of = len(self.subject.interpreter.ranking.tags)
        message = f"installed `{self.subject.tags}`, the best published (rank {self._rank} of {of}) is `{file.filename}`"
        if self._is_published_as(self.best):
            return self._verdict(VerdictKind.BEST, message)
        differs = (
            f"{self.subject.title}: WHEEL says `{self._written}`, the published file's name `{file.filename}`"
        )
        return self._verdict(VerdictKind.BEST, message, differs)

    @property
    def _written(self) -> str:
        build = "".join(map(str, self.subject.build))
        return f"{self.subject.tags}, build {build}" if build else self.subject.tags

    def _doubt(self) -> str | None:
        """Say why installers may rightly differ, where they may: files tie, a yank decides, or the order of tags."""
        return self._doubt_of_tie() or self._doubt_of_yank() or self._doubt_of_order()

    def _doubt_of_tie(self) -> str | None:
        tie = next((each for each in self.offer.ties if self._is_published_as(each)), None)
        if tie is None:
            return None
        return (
            f"installed `{self.subject.tags}`, which ties with what we would take: `{tie.file.filename}` and "
            f"`{self.best.file.filename}` (rank {self.best.rank}) differ only in the order of listing"
        )

    def _doubt_of_yank(self) -> str | None:
        yanked = None if self._is_worse else next(self._rejections(Reason.YANKED), None)
        if yanked is None:
            return None
        return (
            f"installed `{self.subject.tags}`, whose file was yanked ({yanked.detail}): `{yanked.file.filename}`; "
            f"not yanked is `{self.best.file.filename}`"
        )

    def _doubt_of_order(self) -> str | None:
        moved = self.subject.interpreter.ranking.with_linux_moved
        reranked = (_rerank(each, moved.rank(each.wheel.tags)) for each in reversed(self.offer.candidates))
        other = rank_candidates(each for each in reranked if each)[0]
        if not self._is_published_as(other):
            return None
        return (
            f"installed `{self.subject.tags}`, the best only where `linux_*` ranks as in other versions of packaging "
            f"(26.3 moved it before `manylinux`); here the best is `{self.best.file.filename}`"
        )

    def _inferior(self) -> str:
        of = len(self.subject.interpreter.ranking.tags)
        best = self.best
        if self._unwanted and not self._is_worse:
            return (
                f"installed `{self.subject.tags}`, whose file requires Python {self._unwanted.detail}: "
                f"`{self._unwanted.file.filename}`; on offer is `{best.wheel.tags}` in `{best.file.filename}`"
            )
        if self._carries_best_tag:
            installed = f"build {self._build_text(self.subject.build)}"
            better = f"build {self._build_text(best.wheel.build)}"
            return f"installed `{self.subject.tags}` {installed}, better published {better} (both rank {best.rank} of {of}) in `{best.file.filename}`"
        return (
            f"installed `{self.subject.tags}`, better published `{best.wheel.tags}` (rank {self._rank} against "
            f"{best.rank} of {of}) in `{best.file.filename}`"
        )

    @staticmethod
    def _build_text(build: BuildTag) -> str:
        return "".join(map(str, build)) or "none"

    def _rebuilt(self) -> str:
        return (
            f"installed `{self._written}`, which no published file carries, although `{self.best.file.filename}` "
            f"is compatible: built elsewhere than the index"
        )


def _rerank(candidate: Candidate, rank: int | None) -> Candidate | None:
    return Candidate(candidate.file, candidate.wheel, rank) if rank is not None else None


def _as_candidate(rejection: Rejection, interpreter: Interpreter) -> Candidate | None:
    wheel = parse_wheel_name(rejection.file.filename) if rejection.file.filename.endswith(".whl") else None
    rank = interpreter.ranking.rank(wheel.tags) if wheel else None
    return Candidate(rejection.file, wheel, rank) if wheel and rank is not None else None
