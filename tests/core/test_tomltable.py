import pytest

from pytest_wheeltag.core.tomltable import TomlTable, cut_text, describe_kind
from pytest_wheeltag.errors import LockError

BOUND = 2000


def parse(text: str) -> TomlTable:
    return TomlTable.parse(text, "some.lock", LockError, max_characters=BOUND)


def problem_of(caught: pytest.ExceptionInfo[LockError]) -> str:
    assert str(caught.value) == f"some.lock cannot be used, {caught.value.problem}"
    assert str(caught.value).isprintable()
    return caught.value.problem


def ask_for_everything(table: TomlTable) -> None:
    (table.text("a"), table.texts("b"), table.number("c"), table.flag("d"))
    (table.table("e") or table).text("f")
    for each in table.tables("g"):
        each.text("h")


def test_what_is_there_is_given_and_what_is_not_is_empty() -> None:
    table = parse("a = 'x'\nb = ['y']\nc = 3\nd = true\n[e]\nf = 'z'\n[[g]]\nh = 1\n[[g]]\nh = 2\n")

    assert (table.text("a"), table.texts("b"), table.number("c"), table.flag("d")) == ("x", ("y",), 3, True)
    inner = table.table("e")
    assert inner
    assert inner.text("f") == "z"
    assert [each.number("h") for each in table.tables("g")] == [1, 2]
    assert (table.text("-"), table.texts("-"), table.number("-"), table.flag("-")) == (None, (), None, False)
    assert (table.table("-"), list(table.tables("-"))) == (None, [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = 1", "expected a text in `a`, found a number"),
        ("b = 'x'", "expected a list of texts in `b`, found `x`"),
        ("b = ['x', 1]", "expected a list of texts in `b`, found a number in it"),
        ("c = true", "expected a whole number from 0 upwards in `c`, found a truth value"),
        ("c = -1", "expected a whole number from 0 upwards in `c`, found a number"),
        ("d = 1979-05-27", "expected a truth value in `d`, found a date or time"),
        ("e = []", "expected a table in `e`, found an array"),
        ("g = {}", "expected a list of tables in `g`, found a table"),
        ("g = [{}, 1]", "expected a list of tables in `g`, found a number in it"),
        ("[[g]]\n[[g]]\nh = 1", "expected a text in `g[2].h`, found a number"),
        ("[e]\nf = 1", "expected a text in `e.f`, found a number"),
    ],
)
def test_what_is_of_another_kind_is_an_error_that_says_where(text: str, problem: str) -> None:
    with pytest.raises(LockError) as caught:
        ask_for_everything(parse(text))

    assert problem_of(caught) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "a = 'x'\na = 'y'",
            "expected TOML, found a mistake (Cannot overwrite a value (at end of document))",
        ),
        (f"a = {'[' * 900}", "expected TOML, found a mistake ("),
        (".".join("a" * 40) + " = 1", "expected keys of at most 32 parts, found `a.a."),
        ("#" * (BOUND + 1), "expected at most 2000 characters, found 2001"),
        ("a = '\x00\x1b'", "expected TOML, found a mistake ("),
    ],
    ids=["twice", "deep", "key", "large", "control"],
)
def test_a_hostile_document_is_refused_in_one_line(text: str, problem: str) -> None:
    with pytest.raises(LockError) as caught:
        parse(text)

    assert problem_of(caught).startswith(problem)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[[a]]\n" * 100_001, "found 200002 and 0"),
        ("a = [" + "1," * 500_000 + "]", "found 1 and 500001"),
    ],
    ids=["tables", "values"],
)
def test_more_than_can_be_read_in_time_is_refused_before_it_is_read(text: str, found: str) -> None:
    with pytest.raises(LockError) as caught:
        TomlTable.parse(text, "some.lock", LockError, max_characters=len(text))

    assert problem_of(caught).endswith(found)


def test_what_is_not_utf_8_is_refused_with_the_place() -> None:
    with pytest.raises(LockError) as caught:
        TomlTable.decode(b"a = '\xff'", "some.lock", LockError, max_bytes=BOUND)

    assert problem_of(caught) == "expected UTF-8, found something else at byte 5"


def test_keys_and_values_of_strangers_are_shown_cut_and_escaped() -> None:
    assert cut_text("\x1b" + "x" * 300) == "\\x1b" + "x" * 199
    assert describe_kind("\x1b[31m") == "`\\x1b[31m`"
    assert describe_kind(1.5) == "a number"
