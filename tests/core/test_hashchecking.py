from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, PublishedFile, parse_wheel_name
from pytest_wheeltag.core.hashchecking import allowed_hashes, check_choices, check_pins, unverified
from pytest_wheeltag.core.references import Hashes, parse_reference
from pytest_wheeltag.core.requirements import Demand, UnnamedDemand, parse_demand
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.errors import HashCheckError

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


@pytest.mark.parametrize("text", ["foo", "foo>=1", "foo==1.*", "foo<2,>1"])
def test_what_is_not_pinned_cannot_be_checked(text: str) -> None:
    with pytest.raises(HashCheckError, match=r"must be pinned with `==`, .* found: `foo"):
        check_pins([demand(text, ONE)])


def test_what_is_pinned_or_a_file_can_be_checked() -> None:
    archive = parse_reference("https://host.example/foo-1.0.zip", "the test")
    check_pins([demand("foo==1"), demand("foo===1"), UnnamedDemand(archive, "the test")])


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
