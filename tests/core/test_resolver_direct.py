"""What is asked for by its address: nothing else will do, whoever asks besides."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.present import Present, PresentDistribution, Upgrade
from pytest_wheeltag.core.references import parse_reference
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand, parse_request
from pytest_wheeltag.core.resolution import Resolution
from pytest_wheeltag.core.resolver import resolve
from pytest_wheeltag.core.source import Source
from pytest_wheeltag.errors import HashCheckError, ResolutionError, UnreachableError, UsageError
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.imagined_releases import ImaginedWorld

WHEEL = "https://one.example/foo-1-py3-none-any.whl"
MIRROR = "https://two.example/foo-1-py3-none-any.whl"
NEWER = "https://one.example/foo-2-py3-none-any.whl"
ARCHIVE = "https://one.example/bar-7.tar.gz"
TREE = "file:///home/me/foo"
ADDRESSES = {WHEEL: "foo 1", MIRROR: "foo 1", NEWER: "foo 2", ARCHIVE: "bar 7", TREE: "foo 1"}
RELEASES = {"foo 1": ["bar"], "foo 2": ["bar"], "foo 3": ["bar"], "bar 1": [], "bar 7": []}
DIGEST = "1" * 64


def world_of(more: Mapping[str, Sequence[str]] | None = None) -> ImaginedWorld:
    """Give a world where bar 7 lies at an address only."""
    return ImaginedWorld({**RELEASES, **(more or {})}, filenames={"bar 7": ()}, addresses=ADDRESSES)


def resolved(
    request: Request | Sequence[str],
    more: Mapping[str, Sequence[str]] | None = None,
    constraints: Sequence[str] = (),
    installed: Sequence[PresentDistribution] = (),
) -> Resolution:
    wanted = request if isinstance(request, Request) else parse_request(request, constraints)
    sources = replace(world_of(more).sources, present=Present(tuple(installed), Upgrade.KEEP))
    return resolve(wanted, Screen(imagine_interpreter()), sources)


def taken(resolution: Resolution) -> dict[str, str]:
    """Give the address of each that was asked for by one, the version of each other."""
    return {
        each.name: each.reference.url if each.reference else str(each.version) for each in resolution.choices
    }


def unnamed(url: str, *extras: str, is_editable: bool = False) -> UnnamedDemand:
    reference = parse_reference(url, "the test", is_editable=is_editable)
    return UnnamedDemand(reference, "the test", frozenset(map(canonicalize_name, extras)))


def test_what_lies_there_is_taken_although_an_index_has_a_newer_one() -> None:
    assert taken(resolved([f"foo @ {WHEEL}"])) == {"foo": WHEEL, "bar": "1"}
    assert taken(resolved([f"foo @ {WHEEL}", "foo"])) == {"foo": WHEEL, "bar": "1"}
    assert taken(resolved(["foo", f"foo @ {WHEEL}"])) == {"foo": WHEEL, "bar": "1"}


def test_without_a_name_it_is_whatever_lies_there() -> None:
    assert taken(resolved(Request((unnamed(ARCHIVE), *parse_request(["foo"]).requirements)))) == {
        "foo": "3",
        "bar": ARCHIVE,
    }


def test_the_same_address_may_be_asked_for_twice() -> None:
    assert taken(resolved([f"foo @ {WHEEL}", f"Foo @ {WHEEL}"])) == {"foo": WHEEL, "bar": "1"}


@pytest.mark.parametrize(
    "requirements",
    [
        [f"foo @ {WHEEL}", f"foo @ {MIRROR}"],
        [f"foo @ {WHEEL}", f"foo @ {NEWER}"],
        [f"foo @ {WHEEL}", "asker"],
    ],
    ids=["a mirror", "another version", "a dependency"],
)
def test_two_addresses_of_one_project_exclude_each_other(requirements: list[str]) -> None:
    with pytest.raises(ResolutionError, match=r"these cannot be met together: .*foo @ https://one"):
        resolved(requirements, {"asker 1": [f"foo @ {MIRROR}"]})


@pytest.mark.parametrize("bound", ["foo==1", "foo<2", "foo>=1,!=2", "foo[x]<3"])
def test_a_bound_beside_an_address_that_it_admits(bound: str) -> None:
    assert taken(resolved([f"foo @ {WHEEL}", bound]))["foo"] == WHEEL


@pytest.mark.parametrize("bound", ["foo==2", "foo>1", "foo[x]!=1"])
def test_a_bound_beside_an_address_that_it_does_not_admit(bound: str) -> None:
    with pytest.raises(ResolutionError):
        resolved([f"foo @ {WHEEL}", bound])
    with pytest.raises(ResolutionError):
        resolved([bound, f"foo @ {WHEEL}"])


def test_the_bound_of_a_dependency_may_give_way_for_an_older_release() -> None:
    more = {"asker 1": ["foo"], "asker 2": ["foo>=3"]}

    assert taken(resolved(["asker", f"foo @ {WHEEL}"], more)) == {"asker": "1", "foo": WHEEL, "bar": "1"}


def test_a_dependency_may_lead_to_an_address() -> None:
    more = {"asker 1": [f"bar @ {ARCHIVE}"]}

    assert taken(resolved(["asker"], more)) == {"asker": "1", "bar": ARCHIVE}
    assert taken(resolved(["asker", "foo"], more)) == {"asker": "1", "bar": ARCHIVE, "foo": "3"}


def test_a_dependency_that_leads_nowhere_passes_its_release_over() -> None:
    more = {"asker 1": [], "asker 2": ["bar @ https://one.example/gone.zip"], "asker 3": [f"foo @ {ARCHIVE}"]}

    assert taken(resolved(["asker"], more)) == {"asker": "1"}
    with pytest.raises(ResolutionError, match="requires foo from an address"):
        resolved(["asker==3"], more)


def test_what_fails_at_an_address_ends_the_resolution() -> None:
    failures = {ARCHIVE: UnreachableError("https://one.example/", "expected an archive, found 403")}
    world = ImaginedWorld(
        {"asker 1": [], "asker 2": [f"bar @ {ARCHIVE}"]}, failures=failures, addresses=ADDRESSES
    )

    with pytest.raises(UnreachableError):
        resolve(parse_request(["asker"]), Screen(imagine_interpreter()), world.sources)


def test_extras_of_what_lies_there_are_those_that_it_declares() -> None:
    more = {"foo 1": ["bar; extra == 'x'"], "foo 3": []}

    assert taken(resolved([f"foo[x] @ {WHEEL}"], more)) == {"foo": WHEEL, "bar": "1"}
    assert taken(resolved([f"foo @ {WHEEL}", "foo[x]"], more)) == {"foo": WHEEL, "bar": "1"}
    assert taken(resolved(["foo[x]", f"foo @ {WHEEL}"], more)) == {"foo": WHEEL, "bar": "1"}
    assert taken(resolved(Request((unnamed(WHEEL, "x"),)), more)) == {"foo": WHEEL, "bar": "1"}
    assert resolved([f"foo[y] @ {WHEEL}"], more).warnings == ("foo 1 does not provide the extra: `y`",)


def test_another_project_than_was_said_is_refused() -> None:
    with pytest.raises(UsageError, match="expected a distribution of foo, found: `bar`"):
        resolved([f"foo @ {ARCHIVE}"])


def test_a_constraint_says_where_a_project_lies() -> None:
    assert taken(resolved(["foo"], constraints=[f"foo @ {WHEEL}"])) == {"foo": WHEEL, "bar": "1"}
    assert taken(resolved(["foo[x]"], constraints=[f"foo @ {WHEEL}"])) == {"foo": WHEEL, "bar": "1"}
    assert taken(resolved(["foo"], constraints=[f"bar @ {ARCHIVE}"])) == {"foo": "3", "bar": ARCHIVE}
    assert taken(resolved([f"foo @ {WHEEL}"], constraints=[f"foo @ {WHEEL}"]))["foo"] == WHEEL


def test_a_constraint_on_what_nobody_needs_is_not_looked_at() -> None:
    world = world_of()
    request = parse_request(["bar"], [f"foo @ {WHEEL}"])

    assert taken(resolve(request, Screen(imagine_interpreter()), world.sources)) == {"bar": "1"}
    assert WHEEL not in world.asked


@pytest.mark.parametrize(
    ("requirements", "constraints"),
    [
        (["foo>1"], [f"foo @ {WHEEL}"]),
        ([f"foo @ {WHEEL}"], [f"foo @ {MIRROR}"]),
        ([f"foo @ {WHEEL}"], ["foo>1"]),
        (["foo"], [f"foo @ {WHEEL}", f"foo @ {MIRROR}"]),
        (["foo"], [f"foo @ {WHEEL}", "foo>1"]),
    ],
    ids=["bound", "elsewhere", "bound by a constraint", "two places", "place and bound"],
)
def test_a_constraint_that_cannot_be_met(requirements: list[str], constraints: list[str]) -> None:
    with pytest.raises(ResolutionError):
        resolved(requirements, constraints=constraints)


def test_a_constraint_on_a_tree_is_met_by_the_editable_tree() -> None:
    request = Request((unnamed(TREE, is_editable=True),), parse_request([], [f"foo @ {TREE}"]).constraints)

    resolution = resolved(request)

    assert taken(resolution)["foo"] == TREE
    assert [each.reference.is_editable for each in resolution.choices if each.reference] == [True]


def test_what_is_installed_does_not_take_the_place_of_what_lies_there() -> None:
    """Whether it must be installed anew is for the one who installs to say."""
    installed = [PresentDistribution(canonicalize_name("foo"), Version("1"))]

    resolution = resolved([f"foo @ {WHEEL}"], installed=installed)

    assert taken(resolution)["foo"] == WHEEL
    assert resolution.kept == ()


def test_hashes_of_an_address_are_those_that_its_file_may_have() -> None:
    [choice] = resolved([f"bar @ {ARCHIVE}#sha256={DIGEST}"]).choices

    assert choice.hashes == (("sha256", DIGEST),)


@pytest.mark.parametrize("is_waived", [True, False])
@pytest.mark.parametrize("text", ["foo==1", f"foo @ {WHEEL}"])
def test_contradicting_hashes_never_mean_that_any_file_will_do(text: str, *, is_waived: bool) -> None:
    wanted, bound = parse_request([text]), parse_request([], ["foo==1"])
    request = Request(
        tuple(replace(each, hashes=(("sha256", "1" * 64),)) for each in wanted.requirements),
        tuple(replace(each, hashes=(("sha256", "2" * 64),)) for each in bound.constraints),
        hash_rule=HashRule.WAIVED if is_waived else HashRule.IF_GIVEN,
    )
    world = world_of()

    with pytest.raises(HashCheckError, match="must have a hash in common"):
        resolve(request, Screen(imagine_interpreter()), world.sources)
    assert world.asked == []


def test_hashes_of_constraints_hold_for_what_a_dependency_names_by_address() -> None:
    bound = parse_request([], ["bar"]).constraints[0]
    given = (("sha256", DIGEST), ("sha512", "3" * 128))
    request = Request(
        parse_request(["asker"]).requirements, (replace(bound, hashes=given),), hash_rule=HashRule.WAIVED
    )

    chosen = resolved(request, {"asker 1": [f"bar @ {ARCHIVE}"]}).choices

    materials = [each.artefact.material for each in chosen if isinstance(each.artefact, Source)]
    assert [material.hashes for material in materials] == [given]


def test_nothing_is_taken_from_an_address_where_nobody_can_look() -> None:
    sources = replace(world_of().sources, surveyor=None)

    with pytest.raises(UsageError, match="an address"):
        resolve(parse_request([f"foo @ {WHEEL}"]), Screen(imagine_interpreter()), sources)


def test_what_lies_there_is_looked_at_once() -> None:
    world = world_of({"asker 1": [f"foo @ {WHEEL}"]})

    resolve(
        parse_request(["asker", f"foo @ {WHEEL}", "foo[x]"]), Screen(imagine_interpreter()), world.sources
    )

    assert world.asked.count(WHEEL) == 1


def test_an_edge_tells_who_named_the_address() -> None:
    resolution = resolved(["asker"], {"asker 1": [f"bar @ {ARCHIVE}"]})

    assert [(edge.name, edge.by, edge.demand.text) for edge in resolution.edges] == [
        ("asker", None, "asker"),
        ("bar", "asker", f"bar @ {ARCHIVE}"),
    ]
    assert all(isinstance(edge.demand, Demand) for edge in resolution.edges)
