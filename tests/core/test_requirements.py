from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.requirements import (
    Demand,
    Request,
    parse_constraint,
    parse_constraints_file,
    parse_demand,
    parse_request,
    parse_requirements_file,
)
from pytest_wheeltag.errors import UsageError


def texts(demands: tuple[Demand, ...]) -> list[str]:
    return [f"{demand.text} {demand.origin}" for demand in demands]


def test_a_demand_knows_its_name_extras_and_origin() -> None:
    demand = parse_demand("Foo.Bar[B_b,a] >=1.0; python_version>'3'", "setup.cfg:4")

    assert demand.name == "foo-bar"
    assert sorted(demand.extras) == ["a", "b-b"]
    assert str(demand) == "`Foo.Bar[a,b-b]>=1.0` (asked for by setup.cfg:4)"
    assert str(demand.requirement.marker) == 'python_version > "3"'


def test_a_plain_file_has_requirements_comments_and_blank_lines() -> None:
    text = "\ufeff# what we test with\n\nfoo>=1.0  # the newest\n\tbar [x] == 2.0 ; os_name == 'posix'\r\nurl#1\n"

    with pytest.raises(UsageError) as caught:
        parse_requirements_file(text, "requirements.txt")
    assert (caught.value.setting, caught.value.value) == ("requirements.txt:5", "url#1")

    plain = text.replace("url#1", "")
    assert texts(parse_requirements_file(plain, "requirements.txt")) == [
        "foo>=1.0 requirements.txt:3",
        "bar[x]==2.0 requirements.txt:4",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "-r other.txt",
        "--index-url https://index.example/simple/",
        "-e .",
        "./folder",
        "foo.whl",
        "https://files.example/foo-1.0-py3-none-any.whl",
        "foo @ https://files.example/foo-1.0-py3-none-any.whl",
        "git+https://host.example/foo",
        "foo==1.0 --hash=sha256:00",
        "foo==1.0 \\",
        "foo>=one",
        "foo; unknown_marker == '1'",
        "foo\x1b[31m",
        "f" * 20_000,
        "foo; " + "(" * 5_000 + "os_name == 'a'",
    ],
)
def test_anything_else_is_an_error_that_names_file_and_line(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_requirements_file(f"foo\n{line}\n", "reqs.txt")

    assert caught.value.setting == "reqs.txt:2"
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_no_error_shows_credentials() -> None:
    for text in (
        "foo @ https://me:secret@host.example/foo.whl",
        "https://me:se/cr@et@host.example/f?token=secret",
    ):
        with pytest.raises(UsageError) as caught:
            parse_demand(text)
        assert "cret" not in str(caught.value)
        assert "et@" not in str(caught.value)


def test_constraints_have_no_extras() -> None:
    assert parse_constraint("foo<2").text == "foo<2"
    assert texts(parse_constraints_file("foo<2 # why\n\n", "c.txt")) == ["foo<2 c.txt:1"]
    with pytest.raises(UsageError, match=r"^c\.txt:1: .*without extras.*`foo\[x\]<2`$"):
        parse_constraints_file("foo[x]<2", "c.txt")


def test_requests_are_joined_in_the_order_asked_for() -> None:
    joined = parse_request(["b", "a"], ["c<1"]) & Request(parse_requirements_file("d", "r.txt"))

    assert texts(joined.requirements) == ["b the command line", "a the command line", "d r.txt:1"]
    assert texts(joined.constraints) == ["c<1 the command line"]


@given(st.text(max_size=60))
def test_whatever_a_line_holds_it_is_a_demand_or_a_usage_error(line: str) -> None:
    with suppress(UsageError):
        assert all(demand.requirement.url is None for demand in parse_requirements_file(line, "r.txt"))
