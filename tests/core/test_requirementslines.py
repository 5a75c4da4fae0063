from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.lineoptions import OptionName
from pytest_wheeltag.core.requirementslines import (
    EditableLine,
    InclusionLine,
    OptionLine,
    RequirementLine,
    parse_lines,
)
from pytest_wheeltag.errors import UsageError

SHA256 = "0a" * 32


def read(text: str, environ: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Give the lines of requirements alone, each with its place."""
    lines = parse_lines(text, "r.txt", environ or {})
    assert all(isinstance(line, RequirementLine) for line in lines)
    return [(line.origin, line.text) for line in lines if isinstance(line, RequirementLine)]


def test_comments_blank_lines_and_a_byte_order_mark_say_nothing() -> None:
    text = "\ufeff# what we test with\n\nfoo>=1.0  # the newest\n\tbar [x] == 2.0 ; os_name == 'posix'\r\nurl#1\n \t\n"
    assert read(text) == [
        ("r.txt:3", "foo>=1.0"),
        ("r.txt:4", "bar [x] == 2.0 ; os_name == 'posix'"),
        ("r.txt:5", "url#1"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo\\\n==1.0\nbar", [("r.txt:1", "foo==1.0"), ("r.txt:3", "bar")]),
        ("foo \\\n\\\n==1.0", [("r.txt:1", "foo ==1.0")]),
        ("foo\\", [("r.txt:1", "foo")]),
        ("\\\n\\", []),
        ("foo \\\n# why\nbar", [("r.txt:1", "foo"), ("r.txt:3", "bar")]),
        ("foo\\\n# why\nbar", [("r.txt:1", "foo"), ("r.txt:3", "bar")]),
        ("foo # why \\\nbar", [("r.txt:1", "foo")]),
        ("# why \\\nbar", [("r.txt:2", "bar")]),
    ],
    ids=[
        "continued",
        "twice",
        "at-the-end",
        "nothing",
        "comment",
        "comment-at-once",
        "in-a-comment",
        "comment-only",
    ],
)
def test_a_backslash_continues_a_line(text: str, expected: list[tuple[str, str]]) -> None:
    assert read(text) == expected


def test_variables_are_put_in_where_they_are_there() -> None:
    environ = {"NAME": "foo", "EMPTY": "", "NEST": "${NAME}", "lower": "no"}
    text = "${NAME}-${NAME}\n${EMPTY}${OTHER}\n$NAME ${lower}\n${NEST}\n"
    assert [content for _, content in read(text, environ)] == [
        "foo-foo",
        "${EMPTY}${OTHER}",
        "$NAME ${lower}",
        "${NAME}",
    ]


def test_no_line_grows_without_bound() -> None:
    text = "foo\n" + "${NAME}" * 1000
    with pytest.raises(UsageError, match=r"^r\.txt:2: expected at most 200000 characters in a line"):
        parse_lines(text, "r.txt", {"NAME": "n" * 201})


def test_a_requirement_has_hashes_and_settings() -> None:
    text = f"foo==1.0 ; os_name == 'a' \\\n --hash=sha256:{SHA256} \\\n --hash sha256:{SHA256.upper()} -C a=b -C a=c"
    (line,) = parse_lines(text, "r.txt", {})
    assert line == RequirementLine(
        "r.txt:1",
        text="foo==1.0 ; os_name == 'a'",
        hashes=(("sha256", SHA256), ("sha256", SHA256)),
        config_settings=(("a", "b"), ("a", "c")),
    )


def test_each_line_says_what_it_is_about() -> None:
    text = "-e ./tree[a] --config-settings x=y\n-r base.txt\n--constraint=https://x.example/c.txt\n--pre -f wheels"
    editable, included, constraints, options = parse_lines(text, "r.txt", {})
    assert editable == EditableLine("r.txt:1", text="./tree[a]", config_settings=(("x", "y"),))
    assert included == InclusionLine("r.txt:2", location="base.txt")
    assert constraints == InclusionLine("r.txt:3", location="https://x.example/c.txt", is_constraints=True)
    assert type(options) is OptionLine
    assert [(each.name.value, each.value) for each in options.options] == [
        ("--pre", ""),
        ("--find-links", "wheels"),
    ]


def test_no_line_takes_more_time_than_its_length() -> None:
    blank = f"{' ' * 900_000}x"
    assert read(f"{blank}\n# {blank}\nx {blank[750_000:]}\n") == [
        ("r.txt:1", "x"),
        ("r.txt:3", f"x {blank[750_000:]}"),
    ]


@pytest.mark.parametrize(
    ("text", "counting", "ignored"),
    [
        ("foo --no-binary foo", ["--no-binary"], []),
        ("foo --pre --only-final foo", ["--only-final"], ["--pre"]),
        ("foo --index-url https://x.example", [], ["--index-url"]),
        ("-e . --all-releases foo --hash=sha256:x", ["--all-releases"], ["--hash"]),
        ("-r x --only-binary foo --pre", ["--only-binary"], ["--pre"]),
        (f"--hash=sha256:{SHA256} --pre", ["--pre"], ["--hash"]),
        ("--use-feature fast-deps -C a=b", [], ["--use-feature", "--config-settings"]),
    ],
)
def test_options_count_where_pip_heeds_them(text: str, counting: list[str], ignored: list[str]) -> None:
    (line,) = parse_lines(text, "r.txt", {})
    assert [each.name for each in line.options] == counting
    assert list(line.ignored) == ignored


@pytest.mark.parametrize("text", ["foo -e .", "-e a -e b", "-r a -c b", "foo -r a", "-e . -r a"])
def test_a_line_is_about_one_thing(text: str) -> None:
    with pytest.raises(UsageError, match=r"^r\.txt:2: expected one requirement, or one `-e`"):
        parse_lines(f"\n{text}", "r.txt", {})


def test_a_mistake_in_a_continued_line_is_told_with_its_first_line() -> None:
    with pytest.raises(UsageError, match=r"^r\.txt:2: .*the nearest is `--hash`"):
        parse_lines("\nfoo \\\n  --hsh=sha256:00\n", "r.txt", {})


def test_what_may_be_a_secret_is_not_in_a_repr() -> None:
    text = "-i https://me:secret@x.example\nfoo @ https://me:secret@x.example/f.whl -C token=secret\n-r https://secret@x"
    lines = parse_lines(text, "r.txt", {})
    assert [type(line).__name__ for line in lines] == ["OptionLine", "RequirementLine", "InclusionLine"]
    assert "secret" not in repr(lines)


PIECES = st.sampled_from(
    ["foo", "-e", "-r", "--hash=", "--pre", " ", "\\", "\n", "#", "'", "${A}", "\u2028", "\ufeff"]
)


@given(st.lists(PIECES | st.text(max_size=8), max_size=20).map("".join))
def test_whatever_a_file_holds_it_is_lines_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        for line in parse_lines(text, "r.txt", {"A": "b"}):
            assert line.origin.startswith("r.txt:")
            assert {each.name for each in line.options} <= set(OptionName)


@given(st.lists(st.sampled_from(["foo", "bar==1.0", "baz[x] ; os_name == 'a'"])))
def test_however_a_file_is_broken_into_lines_they_mean_the_same(wanted: list[str]) -> None:
    plain = "\n".join(wanted)
    broken = "\n# why\n".join(each.replace(" ", " \\\n  ") for each in wanted)
    assert [text.split() for _, text in read(broken)] == [text.split() for _, text in read(plain)]
