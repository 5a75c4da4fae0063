"""A resolver of another kind (PubGrub) is asked the same questions, and every answer is tried by hand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from nab_resolver.errors import ResolutionError as NoSecondAnswer
from nab_resolver.errors import ResolutionTerminatedError
from nab_resolver.ranges import Range
from nab_resolver.resolver import BaseProvider, Resolver, RootRequirement
from nab_resolver.types import RangeProtocol
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.resolution import SearchLimits
from pytest_wheeltag.core.resolver import resolve
from pytest_wheeltag.errors import ResolutionError, SearchLimitError
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.imagined_releases import ImaginedWorld

Picked = dict[str, Version]
# Each test sees the same worlds in every run.
repeatable = settings(derandomize=True, max_examples=250)


@dataclass(frozen=True)
class Question:
    """What is published, ``a 1`` with what it requires, and what is asked for; some releases may be yanked."""

    world: Mapping[str, Sequence[str]]
    roots: Sequence[str]
    constraints: Sequence[str] = ()
    yanked: frozenset[str] = frozenset()

    def versions(self, name: str) -> list[Version]:
        """Give the versions of a project, newest first."""
        found = (each.split(" ") for each in self.world)
        return sorted((Version(version) for project, version in found if project == name), reverse=True)

    def requires(self, name: str, version: Version, extra: str = "") -> list[Requirement]:
        """Give what a release requires for an extra, or without any."""
        needs = map(parsed, self.world[f"{name} {version}"])
        return [each for each in needs if not each.marker or each.marker.evaluate({"extra": extra})]

    def is_pinned(self, name: str, version: Version) -> bool:
        """Tell whether anybody at all asks for this very release."""
        bounds = (bound for each in self.everything(name) for bound in each.specifier)
        return any(bound.operator == "==" and bound.version == str(version) for bound in bounds)

    def everything(self, name: str) -> list[Requirement]:
        """Give all that is required of a project by anybody, whether it is taken or not."""
        lines = (line for lines in self.world.values() for line in lines)
        return [each for each in map(parsed, (*self.roots, *self.constraints, *lines)) if each.name == name]

    def offers(self, name: str, version: Version) -> bool:
        """Tell whether a release may be taken at all."""
        return f"{name} {version}" not in self.yanked or self.is_pinned(name, version)


@cache
def parsed(text: str) -> Requirement:
    return Requirement(text)


def admits(specifier: SpecifierSet, version: Version) -> bool:
    return specifier.contains(version, prereleases=True)


# Our answer, theirs, and what is true.


def ours(question: Question) -> Picked | None:
    facts = {f"{each.replace(' ', '-')}-py3-none-any.whl": {"yanked": ""} for each in question.yanked}
    request = parse_request(question.roots, question.constraints)
    sources = ImaginedWorld(question.world, facts=facts).sources
    try:
        found = resolve(request, Screen(imagine_interpreter()), sources, SearchLimits(max_rounds=2000))
    except ResolutionError as error:
        if isinstance(error, SearchLimitError):
            raise
        return None
    return {choice.name: choice.version for choice in found.choices}


def theirs(question: Question) -> Picked | None:
    shelf = Shelf(question)
    roots = [RootRequirement(*need) for text in question.roots for need in shelf.needs([parsed(text)])]
    bounds = shelf.joined(map(parsed, question.constraints))
    try:
        found = Resolver(shelf).resolve(roots, bounds)
    except ResolutionTerminatedError:
        raise
    except NoSecondAnswer:
        return None
    return {place: version for place, version in found.items() if "[" not in place}


class Shelf(BaseProvider[str, Version]):
    """A world as the second resolver sees it: ``a[x]`` is a project whose releases need those of ``a``."""

    def __init__(self, question: Question) -> None:
        self.question = question

    def choose_version(self, package: str, version_range: RangeProtocol[Version]) -> Version | None:
        name = package.partition("[")[0]
        versions = sorted(self.question.versions(name), key=lambda version: version.is_prerelease)
        fitting = (each for each in versions if each in version_range and self.question.offers(name, each))
        return next(fitting, None)

    def has_satisfying_version(self, package: str, version_range: RangeProtocol[Version]) -> bool:
        return self.choose_version(package, version_range) is not None

    def get_dependencies(self, package: str, version: Version) -> Mapping[str, Range[Version]]:
        name, _, extra = package.removesuffix("]").partition("[")
        found = self.joined(self.question.requires(name, version, extra))
        if extra:
            found[name] = found.get(name, Range.full()) & Range.singleton(version)
        return found

    def prioritize(self, package: str, *_: object) -> str:
        return package

    def widen_decision(self, *_: object) -> None:
        return None

    def joined(self, requirements: Iterable[Requirement]) -> dict[str, Range[Version]]:
        found: dict[str, Range[Version]] = {}
        for place, bound in self.needs(requirements):
            found[place] = found.get(place, Range.full()) & bound
        return found

    def needs(self, requirements: Iterable[Requirement]) -> Iterator[tuple[str, Range[Version]]]:
        for each in requirements:
            versions = self.question.versions(each.name)
            bound = Range.from_versions(version for version in versions if admits(each.specifier, version))
            yield each.name, bound
            yield from ((f"{each.name}[{extra}]", bound) for extra in sorted(each.extras))


def in_force(question: Question, picked: Picked) -> list[Requirement]:
    """Give every requirement that the roots lead to, if these releases are taken."""
    found = list(map(parsed, question.roots))
    done: set[tuple[str, str]] = set()
    for each in found:
        fresh = {(each.name, extra) for extra in ("", *each.extras)} - done if each.name in picked else set()
        done |= fresh
        for name, extra in fresh:
            found += question.requires(name, picked[name], extra)
    return found


def is_right(question: Question, picked: Picked) -> bool:
    """Tell whether these releases, and no others, are what the roots need."""
    needs = in_force(question, picked)
    bounds = [each for each in map(parsed, question.constraints) if each.name in picked]
    is_met = all(
        each.name in picked and admits(each.specifier, picked[each.name]) for each in (*needs, *bounds)
    )
    return is_met and picked.keys() == {each.name for each in needs}


def is_early_for_a_reason(question: Question, name: str) -> bool:
    """Tell whether somebody names a pre-release of a project, or wants it so that no final release may fit (PEP 440)."""
    specifiers = [each.specifier for each in question.everything(name)]
    finals = [each for each in question.versions(name) if not each.is_prerelease]
    is_any_final = any(all(admits(each, version) for each in specifiers) for version in finals)
    return not is_any_final or any(each.prereleases for each in specifiers)


def answers(question: Question) -> Iterator[Picked]:
    """Try every choice of releases, one for each project or none."""
    names = sorted({each.split(" ")[0] for each in question.world})
    for chosen in product(*([None, *question.versions(name)] for name in names)):
        picked = {name: version for name, version in zip(names, chosen, strict=True) if version is not None}
        if is_right(question, picked):
            yield picked


def all_newest(question: Question) -> Picked:
    """Follow the newest release of each project, whatever is asked of it."""
    picked: Picked = {}
    while missing := {each.name for each in in_force(question, picked)} - picked.keys():
        for name in missing:
            newest = next(iter(question.versions(name)), None)
            assume(newest is not None)
            picked[name] = newest or Version("0")
    return picked


NAMES = ("a", "b", "c", "d")
BOUNDS = ("", "", "==1", "==2", "<2", "<3", ">=2", "!=2", ">=3", "~=2.0", "==1.*")
EARLY_BOUNDS = (*BOUNDS, ">=3a1", "==3a1", "<=3a1")
EXTRAS = ("", "", "", "[x]", "[y]", "[x,y]")
MARKERS = ("", "", "; extra == 'x'", "; extra == 'y'")


def requirements(bounds: Sequence[str], extras: Sequence[str] = EXTRAS) -> st.SearchStrategy[str]:
    parts = map(st.sampled_from, (NAMES, extras, bounds))
    return st.tuples(*parts).map("".join)


def questions(
    versions: Sequence[str], bounds: Sequence[str], most_yanked: int = 0
) -> st.SearchStrategy[Question]:
    releases = st.tuples(st.sampled_from(NAMES), st.sampled_from(versions)).map(" ".join)
    needs = st.tuples(requirements(bounds), st.sampled_from(MARKERS)).map("".join)
    return st.builds(
        Question,
        st.dictionaries(releases, st.lists(needs, max_size=2), min_size=4, max_size=12),
        st.lists(requirements(bounds), min_size=1, max_size=3),
        st.lists(requirements(bounds, [""]), max_size=1),
        st.frozensets(releases, max_size=most_yanked),
    )


@repeatable
@given(questions(("1", "2", "3"), BOUNDS))
def test_both_find_an_answer_exactly_where_there_is_one(question: Question) -> None:
    first, second = ours(question), theirs(question)
    possible = list(answers(question))

    event("there is an answer" if possible else "there is none")
    assert bool(possible) == (first is not None) == (second is not None)
    assert first is None or first in possible
    assert second is None or second in possible


@repeatable
@given(questions(("1", "2", "3"), ("", "", "", ">=2", "!=1", "!=2")))
def test_where_the_newest_of_everything_fits_together_both_take_it(question: Question) -> None:
    newest = all_newest(question)
    assume(is_right(question, newest))

    assert ours(question) == theirs(question) == newest


@repeatable
@given(questions(("1", "2", "3a1", "3", "4rc1"), EARLY_BOUNDS, most_yanked=3))
def test_nothing_early_or_yanked_is_taken_without_a_reason(question: Question) -> None:
    """The second opinion may take any pre-release, so that it finds at least what we find."""
    found = ours(question)

    event("found" if found is not None else "none")
    if found is None:
        return
    assert is_right(question, found)
    assert theirs(question) is not None
    for name, version in found.items():
        assert question.offers(name, version)
        assert not version.is_prerelease or is_early_for_a_reason(question, name)


def chain(length: int) -> dict[str, list[str]]:
    """Each of a line of projects fits only the same version of the next; the last has only the oldest."""
    links = {
        f"p{place} {version}": [f"p{place + 1}=={version}"]
        for place in range(length)
        for version in (1, 2, 3)
    }
    return links | {f"p{length} 1": []}


DIAMOND = {"a 1": ["c<2"], "a 2": ["c>=2"], "b 1": ["c<2"], "c 1": [], "c 2": []}
EXTRA = {"a 1": ["b<2; extra == 'x'"], "a 2": ["b>=2; extra == 'x'"], "b 1": [], "b 2": [], "c 1": ["b<2"]}
EARLY = {"a 1": [], "a 2rc1": [], "b 1": ["a>=2rc1"], "c 1rc1": [], "d 1": ["a<2"]}
WIDE = {
    **{f"a {version}": [f"c=={version}"] for version in range(1, 8)},
    **{f"b {version}": [f"c=={8 - version}", "a>1"] for version in range(1, 8)},
    **{f"c {version}": [] for version in range(1, 8)},
}
FOR_AND_AGAINST = {
    **{f"a {version}": [f"b=={version}"] for version in range(1, 9)},
    **{f"b {version}": [f"a!={version}"] for version in range(1, 9)},
}
HARD = {
    "nothing": (Question({}, []), ""),
    "a project that nobody publishes": (Question({}, ["a"]), None),
    "diamond": (Question(DIAMOND, ["a", "b"]), "a 1, b 1, c 1"),
    "diamond the other way round": (Question(DIAMOND, ["b", "a"]), "a 1, b 1, c 1"),
    "diamond that is forbidden": (Question(DIAMOND, ["a>1", "b"]), None),
    "chain": (Question(chain(6), ["p0"]), "p0 1, p1 1, p2 1, p3 1, p4 1, p5 1, p6 1"),
    "chain whose end is missing": (Question({**chain(4), "p4 1": ["gone"]}, ["p0"]), None),
    "circle": (Question({"a 1": ["b"], "a 2": ["b<2"], "b 1": ["a"], "b 2": ["a<2"]}, ["b"]), "a 1, b 2"),
    "circle that excludes itself": (Question({"a 1": ["b"], "b 1": ["a!=1"]}, ["a"]), None),
    "itself in another version": (Question({"a 1": [], "a 2": ["a<2"]}, ["a"]), "a 1"),
    "extra decides": (Question(EXTRA, ["a[x]", "c"]), "a 1, b 1, c 1"),
    "extra not asked for": (Question(EXTRA, ["a", "c"]), "a 2, b 1, c 1"),
    "extra that cannot be had": (Question(EXTRA, ["a[x]>=2", "c"]), None),
    "extras of its own": (
        Question(
            {"a 1": ["a[x,y]; extra == 'all'", "b; extra == 'x'", "c; extra == 'y'"], "b 1": [], "c 1": []},
            ["a[all]"],
        ),
        "a 1, b 1, c 1",
    ),
    "constraint takes an old one": (Question(EXTRA, ["a[x]"], ["b<2"]), "a 1, b 1"),
    "constraint on an extra's project": (Question(EXTRA, ["a[x]"], ["a<2"]), "a 1, b 1"),
    "constraint on nobody": (Question(DIAMOND, ["c"], ["a<1"]), "c 2"),
    "constraint that forbids": (Question(DIAMOND, ["a"], ["a>=3"]), None),
    "pre-release unasked": (Question(EARLY, ["a", "d"]), "a 1, d 1"),
    "pre-release asked for by another": (Question(EARLY, ["a", "b"]), "a 2rc1, b 1"),
    "nothing but pre-releases": (Question(EARLY, ["c"]), "c 1rc1"),
    "pre-release excluded": (Question(EARLY, ["b", "d"]), None),
    "yanked": (Question(DIAMOND, ["c"], yanked=frozenset({"c 2"})), "c 1"),
    "yanked and pinned": (Question(DIAMOND, ["c==2"], yanked=frozenset({"c 2"})), "c 2"),
    "yanked below": (Question(DIAMOND, ["a==2"], yanked=frozenset({"c 2"})), None),
    "everything crossed": (Question(WIDE, ["a", "b"]), "a 7, b 1, c 7"),
    "everything crossed but one": (Question(WIDE, ["b", "a"], ["c<3"]), "a 2, b 6, c 2"),
    "all of it forbidden": (Question(WIDE, ["a", "b"], ["c==1"]), None),
    "local version": (Question({"a 1+cpu": [], "a 1": [], "b 1": ["a==1"]}, ["b"]), "a 1+cpu, b 1"),
    "epoch": (Question({"a 2024.1": [], "a 1!1": [], "b 1": ["a<1!0"]}, ["a", "b"]), "a 2024.1, b 1"),
}


@pytest.mark.parametrize("case", HARD)
def test_both_answer_hard_questions(case: str) -> None:
    question, expected = HARD[case]
    first, second = ours(question), theirs(question)

    shown = (
        None if first is None else ", ".join(f"{name} {version}" for name, version in sorted(first.items()))
    )
    assert shown == expected
    assert (second is not None) == (first is not None)
    assert second is None or is_right(question, second)


def test_where_we_go_back_and_forth_the_second_opinion_is_that_there_is_no_answer() -> None:
    """A limit that we share with pip: releases that each exclude what the other needs."""
    question = Question(FOR_AND_AGAINST, ["a"])

    with pytest.raises(SearchLimitError):
        ours(question)
    assert theirs(question) is None
    assert next(answers(question), None) is None
