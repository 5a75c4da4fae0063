import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.askedfor import AskedFor, FileOptions, join_asked
from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.lineoptions import parse_line_options
from pytest_wheeltag.core.lockfile import read_lock
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.errors import UsageError

LOCK = b'lock-version = "1.0"\ncreated-by = "test"\npackages = []\n'


def controls(text: str) -> Controls:
    return FileOptions(control_options=parse_line_options(text, "r.txt:1")).apply_to(Controls())


def test_a_later_index_takes_the_place_of_all_before() -> None:
    first = FileOptions("https://a.example", ("https://b.example",), ("/links",), ("host",))
    extra = FileOptions(extra_index_urls=("https://c.example",), find_links=("/more",))
    other = FileOptions("https://d.example", ("https://e.example",), no_index=True)

    assert first.then(extra).extra_index_urls == ("https://b.example", "https://c.example")
    assert first.then(extra).index_url == "https://a.example"
    both = first.then(extra).then(other)
    assert (both.index_url, both.extra_index_urls) == ("https://d.example", ("https://e.example",))
    assert (both.find_links, both.trusted_hosts, both.no_index) == (("/links", "/more"), ("host",), True)


def test_addresses_are_not_shown() -> None:
    options = FileOptions("https://me:secret@a.example", ("https://secret@b",), ("https://secret@c",))
    assert "secret" not in repr(AskedFor(options=options))


@pytest.mark.parametrize(
    ("text", "takes_wheels", "takes_sources"),
    [
        ("", True, True),
        ("--only-binary demo", True, False),
        ("--no-binary :all: --only-binary Demo", True, False),
        ("--only-binary demo --no-binary :all:", False, True),
        ("--no-binary demo --no-binary :none:", True, True),
        ("--no-binary other,demo", False, True),
    ],
)
def test_kinds_of_files_are_controlled_in_the_order_of_lines(
    text: str, takes_wheels: bool, takes_sources: bool
) -> None:
    name = canonicalize_name("demo")
    found = controls(text)
    assert (found.takes_wheels(name), found.takes_sources(name)) == (takes_wheels, takes_sources)


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("", None),
        ("--pre", True),
        ("--only-final demo --pre", False),
        ("--pre --only-final demo", False),
        ("--only-final demo --all-releases :all:", True),
        ("--all-releases demo --only-final :all:", False),
    ],
)
def test_kinds_of_releases_are_controlled_in_the_order_of_lines(text: str, decision: bool | None) -> None:
    assert controls(text).prereleases.decide(canonicalize_name("demo")) is decision


def test_wheels_come_first_of_all_projects() -> None:
    assert controls("").wheels_first.decide(canonicalize_name("demo")) is None
    assert controls("--prefer-binary").wheels_first.decide(canonicalize_name("demo")) is True


def test_all_parts_are_joined_in_their_order() -> None:
    parts = (
        AskedFor(parse_request(["b"], ["c<1"]), warnings=("one",)),
        AskedFor(options=FileOptions("https://a.example")),
        AskedFor(Request((), hash_rule=HashRule.REQUIRED)),
        AskedFor(parse_request(["a"]), FileOptions(no_index=True), ("two",)),
    )
    joined = join_asked(parts)
    assert [each.text for each in joined.request.requirements] == ["b", "a"]
    assert [each.text for each in joined.request.constraints] == ["c<1"]
    assert joined.request.checks_hashes
    assert joined.options == FileOptions("https://a.example", no_index=True)
    assert joined.warnings == ("one", "two")


def test_a_lock_stands_alone() -> None:
    lock = AskedFor(Request((), lock=read_lock(LOCK, "pylock.toml", "file:///")))
    bounded = join_asked((lock, AskedFor(Request((), parse_request([], ["c<1"]).constraints))))
    assert bounded.request.lock is lock.request.lock
    assert len(bounded.request.constraints) == 1
    different = AskedFor(Request((), lock=read_lock(LOCK + b"\n", "other.toml", "file:///")))
    for other in (different, AskedFor(parse_request(["a"]))):
        with pytest.raises(UsageError, match="stands alone"):
            join_asked((lock, other))


def test_hashes_are_not_both_required_and_waived() -> None:
    with pytest.raises(UsageError, match="one of the two"):
        join_asked(
            (
                AskedFor(Request((), hash_rule=HashRule.REQUIRED)),
                AskedFor(Request((), hash_rule=HashRule.WAIVED)),
            )
        )


OPTIONS = st.builds(
    FileOptions,
    st.none() | st.sampled_from(["https://a.example", "https://b.example"]),
    st.lists(st.sampled_from("abc"), max_size=2).map(tuple),
    st.lists(st.sampled_from("abc"), max_size=2).map(tuple),
    no_index=st.booleans(),
)


@given(OPTIONS, OPTIONS, OPTIONS)
def test_it_does_not_matter_which_parts_are_joined_first(
    a: FileOptions, b: FileOptions, c: FileOptions
) -> None:
    assert a.then(b).then(c) == a.then(b.then(c))
    assert a.then(FileOptions()) == FileOptions().then(a) == a
