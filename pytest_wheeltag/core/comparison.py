"""An installed wheel beside what is on offer: the rules behind the verdicts from ``ambiguous`` on, with their messages."""

import re
from dataclasses import dataclass
from functools import cached_property

from packaging.tags import InvalidTag, TooManyTagsError, parse_tag
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.candidates import (
    BuildTag,
    Candidate,
    Offer,
    Reason,
    Rejection,
    WheelName,
    rank_candidates,
)
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.verdict import InstalledWheel, Verdict, VerdictKind, WheelIdentity

# No published wheel comes near it (the largest known expansion has 60); a hostile one may claim a billion.
MAX_EXPANSION = 10_000
# Python reads no number of more than 4,300 digits, and no build number has 18.
_BUILD = re.compile(r"([0-9]{1,18})(.*)", re.ASCII | re.DOTALL)

Expansion = frozenset[str]


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
    """Parse a build tag to (number, rest), empty where there is none or it does not start with a number."""
    match = _BUILD.fullmatch(text or "")
    return (int(match[1]), match[2]) if match else ()


@dataclass(frozen=True)
class Subject:
    """The installed side: which wheel is judged, and how its interpreter likes it."""

    wheel: InstalledWheel
    interpreter: Interpreter

    @cached_property
    def expansion(self) -> Expansion:
        """Its tags, expanded."""
        return expand_tags(self.wheel.tags) or frozenset()

    @cached_property
    def rank(self) -> int | None:
        """The rank of its best tag, None where none is accepted."""
        return self.interpreter.ranking.best_rank(self.expansion)

    @property
    def build(self) -> BuildTag:
        """Its build tag."""
        return parse_build(self.wheel.build)

    @property
    def tags(self) -> str:
        """Its tags as WHEEL has them, written short."""
        return compress_tags(self.wheel.tags)

    @property
    def written(self) -> str:
        """What WHEEL says: its tags, and its build tag if it names one."""
        build = "".join(map(str, self.build))
        return f"{self.tags}, build {build}" if build else self.tags

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.wheel.name} {self.wheel.version}"

    def is_published_as(self, name: WheelName) -> bool:
        """Tell whether a published file's name says the same as WHEEL."""
        return self.build == name.build and self.has_tags_of(name)

    def has_tags_of(self, name: WheelName) -> bool:
        """Tell whether a published file's name has the same tags as WHEEL."""
        return expand_tags((name.tags,)) == self.expansion

    def find_rejection(self, offer: Offer, reason: Reason) -> Rejection | None:
        """Give the published file that it is, though it fell out for a reason."""
        found = (each for each in offer.rejections if each.reason is reason and each.wheel)
        return next((each for each in found if each.wheel and self.is_published_as(each.wheel)), None)

    def verdict(
        self, kind: VerdictKind, message: str, best: Candidate | None = None, warnings: tuple[str, ...] = ()
    ) -> Verdict:
        """Give a verdict on it with one clause for a message."""
        return Verdict(
            canonicalize_name(self.wheel.name),
            self.wheel.version,
            kind,
            kind.outcome,
            f"{self.title} on {self.interpreter.label}: {message}",
            installed=WheelIdentity(self.wheel.tags, self.wheel.build, self.rank),
            best=identify(best) if best else None,
            warnings=(*self.wheel.findings, *warnings),
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


@dataclass(frozen=True)
class Comparison:
    """An installed wheel beside the files on offer, of which ``best`` is the first."""

    subject: Subject
    offer: Offer
    best: Candidate

    def verdict(self) -> Verdict:
        """Give the first verdict that applies, from ``ambiguous`` on."""
        if self.subject.is_published_as(self.best.wheel):
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
        return self.subject.has_tags_of(self.best.wheel) and not any(
            self.subject.has_tags_of(other.wheel) for other in others
        )

    @property
    def _is_worse(self) -> bool:
        return (-self._rank, self.subject.build) < self.best.preference

    @cached_property
    def _unwanted(self) -> Rejection | None:
        """The published file that it is, though its ``Requires-Python`` excludes this interpreter."""
        return self.subject.find_rejection(self.offer, Reason.REQUIRES_PYTHON)

    def _best(self) -> Verdict:
        file = self.best.file
        of = len(self.subject.interpreter.ranking.tags)
        message = f"installed `{self.subject.tags}`, the best published (rank {self._rank} of {of}) is `{file.filename}`"
        if self.subject.is_published_as(self.best.wheel):
            return self._verdict(VerdictKind.BEST, message)
        differs = f"{self.subject.title}: WHEEL says `{self.subject.written}`, the published file's name `{file.filename}`"
        return self._verdict(VerdictKind.BEST, message, differs)

    def _doubt(self) -> str | None:
        """Say why installers may rightly differ, where they may: files tie, a yank decides, or the order of tags."""
        return self._doubt_of_tie() or self._doubt_of_yank() or self._doubt_of_order()

    def _doubt_of_tie(self) -> str | None:
        tie = next((each for each in self.offer.ties if self.subject.is_published_as(each.wheel)), None)
        if tie is None:
            return None
        return (
            f"installed `{self.subject.tags}`, which ties with what we would take: `{tie.file.filename}` and "
            f"`{self.best.file.filename}` (rank {self.best.rank}) differ only in the order of listing"
        )

    def _doubt_of_yank(self) -> str | None:
        yanked = None if self._is_worse else self.subject.find_rejection(self.offer, Reason.YANKED)
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
        if not self.subject.is_published_as(other.wheel):
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
        newer = self.subject.find_rejection(self.offer, Reason.NEWER)
        if newer:
            return (
                f"installed `{self.subject.written}`, whose file does not count, {newer.reason} ({newer.detail}): "
                f"`{newer.file.filename}`; on offer is `{self.best.file.filename}`"
            )
        return (
            f"installed `{self.subject.written}`, which no published file carries, although `{self.best.file.filename}` "
            f"is compatible: built elsewhere than the index"
        )


def _rerank(candidate: Candidate, rank: int | None) -> Candidate | None:
    return Candidate(candidate.file, candidate.wheel, rank) if rank is not None else None
