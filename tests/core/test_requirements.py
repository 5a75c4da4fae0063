from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker

from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.lockfile import read_lock
from pytest_wheeltag.core.references import ReferenceKind, parse_reference
from pytest_wheeltag.core.requirements import (
    Demand,
    Request,
    UnnamedDemand,
    parse_config_setting,
    parse_constraint,
    parse_demand,
    parse_request,
)
from pytest_wheeltag.core.requirementslines import RequirementLine, parse_lines
from pytest_wheeltag.errors import UsageError

WHEEL_URL = "https://files.example/foo-1.0-py3-none-any.whl"
LOCK = b'lock-version = "1.0"\ncreated-by = "test"\npackages = []\n'


def texts(demands: tuple[Demand | UnnamedDemand, ...]) -> list[str]:
    return [f"{demand.text} {demand.origin}" for demand in demands]


def test_a_demand_knows_its_name_extras_marker_and_origin() -> None:
    demand = parse_demand("Foo.Bar[B_b,a] >=1.0; python_version>'3'", "setup.cfg:4")

    assert demand.name == "foo-bar"
    assert sorted(demand.extras) == ["a", "b-b"]
    assert str(demand) == "`Foo.Bar[a,b-b]>=1.0` (asked for by setup.cfg:4)"
    assert str(demand.marker) == 'python_version > "3"'
    assert demand.reference is None


def test_a_demand_may_lead_to_one_file_alone() -> None:
    demand = parse_demand(f"foo[x] @ https://me:secret@{WHEEL_URL[8:]}#sha256={'AB' * 32} ; os_name == 'a'")

    assert demand.reference is not None
    assert demand.reference.kind is ReferenceKind.WHEEL
    assert demand.reference.hashes == (("sha256", "ab" * 32),)
    assert demand.requirement.url is None
    assert demand.text == f"foo[x] @ {WHEEL_URL}"
    assert str(demand.marker) == 'os_name == "a"'
    assert "secret" not in repr(demand)


@pytest.mark.parametrize(
    "text",
    [
        "-r other.txt",
        "--index-url https://index.example/simple/",
        "./folder",
        "foo.whl",
        "foo.tar.gz",
        WHEEL_URL,
        "git+https://host.example/foo",
        "foo @ git+https://host.example/foo",
        "foo @ ./foo.whl",
        "foo @ https://host.example/foo",
        "foo==1.0 --hash=sha256:00",
        "foo==1.0 \\",
        "foo>=one",
        "foo; unknown_marker == '1'",
        "foo\x1b[31m",
        "f" * 20_000,
        "foo; " + "(" * 5_000 + "os_name == 'a'",
    ],
)
def test_anything_else_is_an_error_that_names_its_origin(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_demand(text, "reqs.txt:2")

    assert caught.value.setting == "reqs.txt:2"
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_no_error_shows_credentials() -> None:
    for text in (
        "foo @ https://me:secret@host.example/foo",
        "https://me:se/cr@et@host.example/f?token=secret",
    ):
        with pytest.raises(UsageError) as caught:
            parse_demand(text)
        assert "cret" not in str(caught.value)
        assert "et@" not in str(caught.value)


def test_constraints_have_no_extras() -> None:
    assert parse_constraint("foo<2").text == "foo<2"
    assert parse_constraint(f"foo @ {WHEEL_URL}").reference is not None
    with pytest.raises(UsageError, match=r"^c\.txt:1: .*without extras.*`foo\[x\]<2`$"):
        parse_constraint("foo[x]<2", "c.txt:1")


def test_a_demand_without_name_is_the_same_once_it_has_one() -> None:
    reference = parse_reference("file:///work/tree", "-e", is_editable=True)
    marker, hashes, settings = Marker("os_name == 'a'"), (("sha256", "00"),), (("key", "value"),)
    demand = UnnamedDemand(reference, "-e", parse_demand("x[B_b]").extras, marker, hashes, settings)
    assert str(demand) == "`file:///work/tree (editable)[b-b]` (asked for by -e)"

    named = demand.named("Foo")
    assert (named.name, named.extras, named.marker) == ("foo", demand.extras, marker)
    assert (named.reference, named.hashes, named.config_settings) == (reference, hashes, settings)
    assert named.origin == "-e"


def test_requests_are_joined_in_the_order_asked_for() -> None:
    joined = parse_request(["b", "a"], ["c<1"]).then(parse_request(["d"], origin="r.txt:1"))

    assert texts(joined.requirements) == ["b the command line", "a the command line", "d r.txt:1"]
    assert texts(joined.constraints) == ["c<1 the command line"]
    assert not joined.is_empty
    assert parse_request([], ["c<1"]).is_empty


def test_a_request_is_shown_on_one_line_without_credentials() -> None:
    request = parse_request(["foo[a]<2", "bar @ https://me:secret@index.example/bar-1.0-py3-none-any.whl"])

    assert request.shown == "foo[a]<2, bar @ https://index.example/bar-1.0-py3-none-any.whl"
    lock = read_lock(LOCK, "pylock.toml", "file:///work/pylock.toml")
    assert Request((), lock=lock).shown == "pylock.toml"


def test_one_hash_makes_all_files_need_one_unless_that_is_waived() -> None:
    plain = parse_request(["a"], ["c"])
    hashed = replace(plain.requirements[0], hashes=(("sha256", "00"),))
    bound = replace(plain.constraints[0], hashes=(("sha256", "00"),))
    assert not plain.checks_hashes
    for one in (Request((hashed,)), Request((), (bound,)), Request((), hash_rule=HashRule.REQUIRED)):
        assert plain.then(one).checks_hashes
    waived = Request((), hash_rule=HashRule.WAIVED)
    assert not plain.then(Request((hashed,))).then(waived).checks_hashes
    with pytest.raises(UsageError, match="one of the two"):
        waived.then(Request((), hash_rule=HashRule.REQUIRED))


def test_a_lock_stands_alone() -> None:
    lock = Request((), lock=read_lock(LOCK, "pylock.toml", "file:///"))
    assert lock.then(parse_request([], ["c<1"])).lock is lock.lock
    assert not lock.is_empty
    different = Request((), lock=read_lock(LOCK + b"\n", "other.toml", "file:///"))
    for other in (parse_request(["a"]), different):
        with pytest.raises(UsageError, match=r"^(pylock|other)\.toml: expected a lock that stands alone"):
            lock.then(other)


@given(st.text(max_size=60))
def test_whatever_a_text_holds_it_is_a_demand_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert parse_demand(text).requirement.url is None


def test_one_lock_may_be_named_twice_for_other_parts_of_it() -> None:
    lock = read_lock(LOCK, "pylock.toml", "file:///work/")
    one = Request((), lock=replace(lock, extras=frozenset({"a"})))
    two = Request((), lock=replace(lock, extras=frozenset({"b"}), groups=frozenset({"test"})))

    joined = one.then(two).lock

    assert joined is not None
    assert (joined.extras, joined.groups) == (frozenset({"a", "b"}), frozenset({"test"}))
    assert one.then(one).lock == one.lock
    other = Request((), lock=read_lock(LOCK + b"\n", "other.toml", "file:///work/"))
    with pytest.raises(UsageError, match="a lock that stands alone"):
        one.then(other)


def test_a_config_setting_is_key_and_value() -> None:
    assert parse_config_setting("a=b=c", "r.txt:1") == ("a", "b=c")
    assert parse_config_setting("a=", "r.txt:1") == ("a", "")


@pytest.mark.parametrize(
    ("text", "found"), [("hunter2", "no equals sign"), ("=hunter2", "no key"), ("", "no equals sign")]
)
def test_what_is_no_config_setting_is_an_error_that_shows_nothing_of_it(text: str, found: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_config_setting(text, "r.txt:1")

    assert str(caught.value) == f"r.txt:1: expected a config setting like `KEY=VALUE`, found: `{found}`"


@given(st.text(st.sampled_from("-=\"' #\\${}A") | st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_line_gives_the_config_settings_back(text: str) -> None:
    demand = replace(parse_demand("foo"), config_settings=(("key", text), ("other", "a b")))
    if f"key={text}".splitlines() != [f"key={text}"]:
        with pytest.raises(UsageError, match="config settings of one line each"):
            _ = demand.line
        return

    (line,) = parse_lines(demand.line, "r.txt", {"A": "expanded"})

    assert isinstance(line, RequirementLine)
    assert (line.text, line.config_settings) == ("foo", demand.config_settings)


def test_a_line_gives_address_extras_marker_and_hashes_back() -> None:
    digest = "0" * 64
    demand = parse_demand(f"foo[b,a] @ {WHEEL_URL}#sha256={digest} ; os_name == 'posix'")
    tree = UnnamedDemand(parse_reference("file:///work/tree", "-e", is_editable=True), "-e", demand.extras)

    assert replace(demand, hashes=(("sha512", "1" * 128),)).line == (
        f'foo[a,b] @ {WHEEL_URL}#sha256={digest} ; os_name == "posix" --hash=sha512:{"1" * 128}'
    )
    assert tree.line == tree.named("foo").line == "-e file:///work/tree[a,b]"
