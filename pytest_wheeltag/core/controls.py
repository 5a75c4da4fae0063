"""Which kinds of files, and which kinds of releases, are taken of which project."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum

from packaging.utils import NormalizedName, canonicalize_name

ALL = ":all:"
NONE = ":none:"

Names = frozenset[str]


@dataclass(frozen=True)
class NameControl:
    """Two lists of projects that take names from each other, as pip's ``--only-binary`` and ``--no-binary`` do.

    A list holds normalised names, or ``:all:`` for every project that neither list names.
    """

    included: Names = frozenset()
    excluded: Names = frozenset()

    @classmethod
    def of(cls, included: Iterable[str], excluded: Iterable[str] = ()) -> "NameControl":
        """Give what two options say whose order is not known: names by themselves come before ``:all:``."""
        return cls().then(cls(cls().include(included).included, cls().exclude(excluded).excluded))

    def decide(self, name: NormalizedName) -> bool | None:
        """Tell on which list a project is, None for neither: by its own name first."""
        if name in self.included:
            return True
        if name in self.excluded:
            return False
        if ALL in self.included:
            return True
        return False if ALL in self.excluded else None

    def include(self, texts: Iterable[str]) -> "NameControl":
        """Give it with what further options add to the first list: names with commas, ``:all:`` or ``:none:``."""
        target, other = set(self.included), set(self.excluded)
        for text in texts:
            _move(text, target, other)
        return NameControl(frozenset(target), frozenset(other))

    def exclude(self, texts: Iterable[str]) -> "NameControl":
        """Give it with what further options add to the second list."""
        swapped = NameControl(self.excluded, self.included).include(texts)
        return NameControl(swapped.excluded, swapped.included)

    def then(self, later: "NameControl") -> "NameControl":
        """Give what is true where somebody said ``later`` what they wanted besides."""
        every = frozenset({ALL})
        # It empties both lists: names by themselves come after it.
        known = self.include(later.included & every).exclude(later.excluded & every)
        return known.include(later.included - every).exclude(later.excluded - every)


def _move(text: str, target: set[str], other: set[str]) -> None:
    for word in filter(None, map(str.strip, text.split(","))):
        if word == ALL:
            other.clear()
            target.clear()
            target.add(ALL)
        elif word == NONE:
            target.clear()
        else:
            other.discard(canonicalize_name(word))
            target.add(canonicalize_name(word))


class Kinds(Enum):
    """The kinds of files that are taken of a project."""

    ALL = "wheels and source distributions"
    WHEELS = "wheels"
    SOURCES = "source distributions"


@dataclass(frozen=True)
class Controls:
    """What is taken of each project.

    ``wheels_only`` includes those that are never built from source, and excludes those that always are;
    ``wheels_first`` includes those of which an older wheel is better than a newer source; ``prereleases``
    includes those whose pre-releases count like others, and excludes those of which none is taken.
    """

    wheels_only: NameControl = field(default_factory=NameControl)
    wheels_first: NameControl = field(default_factory=NameControl)
    prereleases: NameControl = field(default_factory=NameControl)

    def kinds(self, name: NormalizedName) -> Kinds:
        """Give the kinds of files that may be taken."""
        return {None: Kinds.ALL, True: Kinds.WHEELS, False: Kinds.SOURCES}[self.wheels_only.decide(name)]

    def takes_wheels(self, name: NormalizedName) -> bool:
        """Tell whether a published wheel may be taken."""
        return self.kinds(name) is not Kinds.SOURCES

    def takes_sources(self, name: NormalizedName) -> bool:
        """Tell whether a wheel may be built from source."""
        return self.kinds(name) is not Kinds.WHEELS

    def then(self, later: "Controls") -> "Controls":
        """Give what is true where somebody said ``later`` what they wanted besides."""
        return Controls(
            self.wheels_only.then(later.wheels_only),
            self.wheels_first.then(later.wheels_first),
            self.prereleases.then(later.prereleases),
        )

    def with_wheels_only(self) -> "Controls":
        """Give the same, but nothing is built from source."""
        return replace(self, wheels_only=NameControl(frozenset({ALL})))
