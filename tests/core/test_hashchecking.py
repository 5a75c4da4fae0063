from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, PublishedFile, Screen, parse_wheel_name
from pytest_wheeltag.core.hashchecking import (
    allowed_hashes,
    check_choices,
    check_pins,
    check_source,
    unverified,
)
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.references import parse_reference
from pytest_wheeltag.core.releases import Release
from pytest_wheeltag.core.requirements import Demand, UnnamedDemand, parse_demand
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.errors import HashCheckError
from pytest_wheeltag.workshop.imagined import imagine_interpreter

ONE, TWO, LONG = ("sha256", "1" * 64), ("sha256", "2" * 64), ("sha512", "3" * 128)
FOO = canonicalize_name("foo")


def demand(text: str, *hashes: tuple[str, str]) -> Demand:
    return replace(parse_demand(text), hashes=hashes)


def choice(given: Hashes = (), claimed: Hashes = ()) -> Choice:
    name = "foo-1.0-py3-none-any.whl"
    file = PublishedFile(name, f"https://files.example/{name}", claimed)
    return Choice(FOO, Version("1.0"), Candidate(file, parse_wheel_name(name), 1), hashes=given)


def test_only_what_every_demand_with_hashes_admits_is_allowed() -> None:
    wanted = [demand("Foo==1", ONE, TWO), demand("foo"), demand("bar==1", LONG)]

    assert allowed_hashes(wanted, [demand("foo", TWO, LONG)]) == {"foo": {TWO}, "bar": {LONG}}
    assert allowed_hashes([demand(f"foo @ https://host.example/foo-1.0.zip#sha256={'1' * 64}")], []) == {
        "foo": {ONE}
    }


def test_hashes_that_contradict_each_other_admit_nothing() -> None:
    wanted = [replace(demand("foo==1", ONE), origin="reqs.txt:1"), demand("bar==1", ONE)]
    with pytest.raises(HashCheckError) as caught:
        allowed_hashes(wanted, [replace(demand("foo", TWO, LONG), origin="pins.txt:2")])

    assert str(caught.value) == (
        "hashes are checked, so all that is said of a project must have a hash in common, found none in: "
        "`foo==1 (reqs.txt:1)`, `foo (pins.txt:2)`"
    )


@pytest.mark.parametrize("text", ["foo", "foo>=1", "foo==1.*", "foo<2,>1"])
def test_what_is_not_pinned_cannot_be_checked(text: str) -> None:
    with pytest.raises(HashCheckError, match=r"must be pinned with `==`, .* found: `foo"):
        check_pins([demand(text)], [demand("foo==1"), demand("bar==1", ONE)])


def test_what_is_pinned_or_a_file_can_be_checked() -> None:
    archive = parse_reference(f"https://host.example/foo-1.0.zip#sha256={'1' * 64}", "the test")
    check_pins([demand("foo==1"), demand("foo===1"), UnnamedDemand(archive, "the test")])


def test_a_hash_pins_as_well_as_a_version_be_it_a_constraints() -> None:
    check_pins([demand("foo", ONE), demand("bar>=1")], [demand("bar==1", TWO)])


def test_a_file_without_a_hash_is_refused_unless_a_constraint_brings_one() -> None:
    named = demand("foo @ https://host.example/foo-1.0.zip")
    check_pins([named], [demand("foo==1", ONE)])

    unnamed = UnnamedDemand(parse_reference("https://host.example/foo-1.0.zip", "the test"), "the test")
    for each in (named, unnamed):
        with pytest.raises(
            HashCheckError, match=r"every file by its address needs one, found: `.*foo-1\.0\.zip`"
        ):
            check_pins([each], [demand("bar==1", ONE)])


def test_a_source_that_nobody_gave_a_hash_for_is_not_looked_at() -> None:
    sdist = PublishedFile("foo-1.0.tar.gz", "https://files.example/foo-1.0.tar.gz", (ONE,))
    screen = Screen(imagine_interpreter("3.11.7"))
    bare, given = (
        Release(FOO, Version("1.0"), (sdist,), replace(screen, hashes=hashes))
        for hashes in ({}, {FOO: frozenset({ONE})})
    )

    check_source(given)
    with pytest.raises(
        HashCheckError, match=rf"add to what is asked for: `foo==1.0 --hash=sha256:{'1' * 64}`"
    ):
        check_source(bare)


def test_a_missing_hash_is_told_with_what_to_add() -> None:
    with pytest.raises(HashCheckError) as caught:
        check_choices([choice(), choice(claimed=(ONE,)), choice((ONE,))])

    assert str(caught.value) == (
        "hashes are checked, so every distribution needs one, add to what is asked for: "
        f"`foo==1.0`, `foo==1.0 --hash=sha256:{'1' * 64}`"
    )


def test_a_tree_has_no_hash() -> None:
    tree = parse_reference("file:///home/me/tree", "the test")
    source = Source(FOO, Version("1.0"), Material(tree.file, tree))

    with pytest.raises(
        HashCheckError, match="no source tree can be installed, which has none: `file:///home/me/tree`"
    ):
        check_choices([Choice(FOO, Version("1.0"), source, tree, (ONE,))])


def test_only_bytes_can_tell_where_the_index_claims_no_hash_of_a_given_kind() -> None:
    known, unknown, unasked = choice((ONE,), (ONE, TWO)), choice((LONG,), (ONE,)), choice((), (ONE,))

    assert list(unverified([known, unknown, unasked])) == [unknown]
