from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.resolution import Resolution, SearchLimits
from pytest_wheeltag.core.resolver import resolve
from pytest_wheeltag.errors import (
    RefusedWheelError,
    ResolutionError,
    SearchLimitError,
    UnreachableError,
    UsageError,
)
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.imagined_releases import ImaginedWorld

Releases = Mapping[str, Sequence[str]]


def resolved(
    world: ImaginedWorld | Releases,
    *requirements: str,
    constraints: Sequence[str] = (),
    python: str = "3.11.7",
) -> Resolution:
    imagined = world if isinstance(world, ImaginedWorld) else ImaginedWorld(world)
    screen = Screen(imagine_interpreter(python))
    return resolve(parse_request(requirements, constraints), screen, imagined.sources)


def pins(resolution: Resolution) -> list[str]:
    return [f"{choice.name} {choice.version}" for choice in resolution.choices]


def test_the_closure_is_the_newest_of_everything_needed() -> None:
    world = {
        "foo 1.0": [],
        "foo 2.0": ["Bar>=1"],
        "bar 1.0": [],
        "bar 1.1": ["baz"],
        "baz 3": [],
        "other 1": [],
    }

    resolution = resolved(world, "foo")

    assert pins(resolution) == ["bar 1.1", "baz 3", "foo 2.0"]
    assert resolution.requested == {"foo"}
    assert [(edge.name, edge.by, edge.demand.text, edge.demand.origin) for edge in resolution.edges] == [
        ("bar", "foo", "Bar>=1", "foo 2.0"),
        ("baz", "bar", "baz", "bar 1.1"),
        ("foo", None, "foo", "the command line"),
    ]
    assert [edge.by for edge in resolution.asked_for(resolution.choices[0].name)] == ["foo"]


def test_nothing_asked_for_is_nothing_chosen() -> None:
    assert resolved({}) == Resolution(())


def test_an_older_release_is_taken_where_the_newest_does_not_fit() -> None:
    world = {"a 1": ["c<2"], "a 2": ["c<1"], "b 1": ["c>=1"], "c 0.5": [], "c 1": [], "c 2": []}

    assert pins(resolved(world, "a", "b")) == ["a 1", "b 1", "c 1"]


def test_markers_are_decided_for_the_interpreter_resolved_for() -> None:
    world = {
        "foo 1": ["old; python_version < '3.8'", "new; python_version >= '3.8'"],
        "old 1": [],
        "new 1": [],
    }

    assert pins(resolved(world, "foo", python="3.7.17")) == ["foo 1", "old 1"]
    assert pins(resolved(world, "foo")) == ["foo 1", "new 1"]
    assert pins(resolved(world, "foo", "gone; python_version < '3'")) == ["foo 1", "new 1"]


def test_extras_bring_what_they_need_and_nothing_else() -> None:
    world = {"foo 1": ["a; extra == 'x'", "b; extra == 'y'", "c"], "a 1": [], "b 1": [], "c 1": []}

    assert pins(resolved(world, "foo")) == ["c 1", "foo 1"]
    assert pins(resolved(world, "foo[X]")) == ["a 1", "c 1", "foo 1"]
    assert pins(resolved(world, "foo[x]", "foo[y]")) == ["a 1", "b 1", "c 1", "foo 1"]


def test_an_extra_may_ask_for_its_own_project() -> None:
    world = {
        "foo 1": ["foo[x,y]; extra == 'all'", "a; extra == 'x'", "b; extra == 'y'"],
        "a 1": [],
        "b 1": [],
    }

    assert pins(resolved(world, "foo[all]")) == ["a 1", "b 1", "foo 1"]


def test_extras_are_of_the_same_release_as_the_project() -> None:
    world = {"foo 1": ["a; extra == 'x'"], "foo 2": ["a; extra == 'x'"], "a 1": [], "bar 1": ["foo<2"]}

    assert pins(resolved(world, "foo[x]", "bar")) == ["a 1", "bar 1", "foo 1"]


def test_an_extra_that_is_not_there_is_a_warning() -> None:
    resolution = resolved({"foo 1": []}, "foo[fast]")

    assert pins(resolution) == ["foo 1"]
    assert resolution.warnings == ("foo 1 does not provide the extra: `fast`",)


def test_constraints_bound_without_asking() -> None:
    world = {"foo 1": [], "foo 2": ["bar"], "bar 1": [], "bar 2": []}

    assert pins(resolved(world, "foo", constraints=["bar<2", "none==1"])) == ["bar 1", "foo 2"]
    assert pins(resolved(world, "foo", constraints=["foo<2"])) == ["foo 1"]
    assert pins(resolved(world, "foo[x]", constraints=["foo<2"])) == ["foo 1"]
    assert pins(resolved(world, "foo", constraints=["foo<2; python_version < '3'"])) == ["bar 2", "foo 2"]


def test_pre_releases_are_taken_only_where_asked_for_or_nothing_else_fits() -> None:
    world = {"foo 1": [], "foo 2a1": [], "bar 1rc1": [], "baz 1": ["foo>=2a1"]}

    assert pins(resolved(world, "foo", "bar")) == ["bar 1rc1", "foo 1"]
    assert pins(resolved(world, "foo", "baz")) == ["baz 1", "foo 2a1"]


def test_a_yanked_release_is_taken_where_pinned_and_a_warning() -> None:
    facts = {"foo-2-py3-none-any.whl": {"yanked": "breaks\x1b things"}}
    world = ImaginedWorld({"foo 1": [], "foo 2": []}, facts=facts)

    assert pins(resolved(world, "foo")) == ["foo 1"]
    resolution = resolved(world, "foo==2")
    assert pins(resolution) == ["foo 2"]
    assert resolution.warnings == ("foo 2 was yanked: `breaks\\x1b things`",)


def test_requires_python_of_metadata_passes_a_release_over() -> None:
    world = ImaginedWorld(
        {"foo 1": [], "foo 2": [], "foo 3": []}, requires_python={"foo 3": ">=3.12", "foo 2": "!=3.11.*"}
    )

    assert pins(resolved(world, "foo")) == ["foo 1"]
    assert pins(resolved(world, "foo", python="3.12.0")) == ["foo 3"]


def test_a_release_whose_metadata_is_useless_is_passed_over() -> None:
    world = {
        "foo 1": [],
        "foo 2": ["junk"],
        "foo 3": ["bar; os_name ~= 'posix'"],
        "foo 4": ["a @ https://a.example"],
    }

    assert pins(resolved(world, "foo")) == ["foo 1"]


def test_local_versions_are_newer_than_what_they_are_of() -> None:
    assert pins(resolved({"foo 1": [], "foo 1+cu118": []}, "foo==1")) == ["foo 1+cu118"]


def test_circles_are_no_trouble() -> None:
    assert pins(resolved({"a 1": ["b"], "b 1": ["a", "b"]}, "a")) == ["a 1", "b 1"]


def test_what_fails_at_the_index_ends_the_resolution() -> None:
    failure = UnreachableError("https://index.example/bar/", "expected a page, found 403")

    with pytest.raises(UnreachableError):
        resolved(ImaginedWorld({"foo 1": ["bar"]}, failures={"bar": failure}), "foo")


def test_a_refused_wheel_ends_the_resolution_only_where_the_search_gets_to_it() -> None:
    refusal = {"foo 2": RefusedWheelError("foo-2-py3-none-any.whl", "METADATA", "expected sha256 a, found b")}
    world = ImaginedWorld({"foo 1": [], "foo 2": [], "bar 1": ["foo"], "baz 1": ["foo<2"]}, failures=refusal)

    with pytest.raises(RefusedWheelError):
        resolved(world, "foo")
    assert pins(resolved(world, "bar", "baz")) == ["bar 1", "baz 1", "foo 1"]


def test_an_undecidable_marker_of_the_caller_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="the command line: expected a marker that can be decided"):
        resolved({"foo 1": []}, "foo; os_name ~= 'posix'")


def endless() -> Releases:
    """Each release of one excludes what the other needs: resolvelib goes back and forth between them for ever."""
    versions = range(1, 9)
    return {
        **{f"foo {version}": [f"bar=={version}"] for version in versions},
        **{f"bar {version}": [f"foo!={version}"] for version in versions},
    }


def test_a_hopeless_search_ends_after_so_many_rounds() -> None:
    limits = SearchLimits(max_rounds=50)

    with pytest.raises(SearchLimitError, match="given up after 50 rounds"):
        resolve(
            parse_request(["foo"]), Screen(imagine_interpreter()), ImaginedWorld(endless()).sources, limits
        )


def test_a_hopeless_search_ends_after_so_many_seconds() -> None:
    ticks = iter(range(10_000))
    limits = SearchLimits(seconds=20, clock=lambda: float(next(ticks)))

    with pytest.raises(SearchLimitError, match="given up after 20 seconds"):
        resolve(
            parse_request(["foo"]), Screen(imagine_interpreter()), ImaginedWorld(endless()).sources, limits
        )


def test_every_combination_is_tried_before_a_conflict_is_told() -> None:
    world = {
        **{f"foo {version}": [f"shared=={version}"] for version in range(1, 9)},
        **{f"bar {version}": [f"shared=={version + 10}"] for version in range(1, 9)},
        **{f"shared {version}": [] for version in range(1, 20)},
    }

    with pytest.raises(ResolutionError, match="these cannot be met together: `shared=="):
        resolved(world, "foo", "bar")


NAMES = ("a", "b", "c", "d")
SPECIFIERS = ("", "==1", "==2", "<2", "<3", ">=2", "!=2", ">=3")
requirement = st.builds(lambda name, bound: name + bound, st.sampled_from(NAMES), st.sampled_from(SPECIFIERS))
worlds = st.dictionaries(
    st.builds(lambda name, version: f"{name} {version}", st.sampled_from(NAMES), st.integers(1, 3)),
    st.lists(requirement, max_size=2),
    max_size=10,
)


def closures(world: Releases, roots: Sequence[str]) -> Iterator[dict[str, str]]:
    """Try every choice of releases, one for each project or none."""
    choices = [[None, *(each for each in world if each.startswith(name + " "))] for name in NAMES]
    for chosen in product(*choices):
        picked = {each.split()[0]: each.split()[1] for each in chosen if each}
        wanted = [*roots, *(need for each in chosen if each for need in world[each])]
        if all(is_met(Requirement(need), picked) for need in wanted):
            yield picked


def reachable(resolution: Resolution) -> set[str]:
    reached: set[str] = set(resolution.requested)
    for _ in NAMES:
        reached |= {edge.name for edge in resolution.edges if edge.by in reached}
    return reached


def is_met(need: Requirement, picked: Mapping[str, str]) -> bool:
    return need.name in picked and need.specifier.contains(picked[need.name], prereleases=True)


@given(worlds, st.lists(requirement, min_size=1, max_size=3))
def test_a_resolution_is_found_exactly_where_there_is_one(world: Releases, roots: list[str]) -> None:
    limits = SearchLimits(max_rounds=1000)
    screen = Screen(imagine_interpreter())
    try:
        resolution = resolve(parse_request(roots), screen, ImaginedWorld(world).sources, limits)
    except SearchLimitError:
        event("the search went back and forth")
    except ResolutionError:
        assert next(closures(world, roots), None) is None
    else:
        found = {choice.name: str(choice.version) for choice in resolution.choices}
        assert found in list(closures(world, roots))
        assert found.keys() == reachable(resolution)
