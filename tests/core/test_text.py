import pytest
from hypothesis import given
from hypothesis.strategies import text

from pytest_wheeltag.core.text import nearest_spelling, printable, quoted


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("plain Ünïcode", "plain Ünïcode"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("evil\u202etxt", r"evil\u202etxt"),
        ("two\nlines\r", r"two\nlines\r"),
        ("f\udcffo", r"f\udcffo"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_a_terminal_might_obey_is_escaped(given_text: str, shown: str) -> None:
    assert printable(given_text) == shown


@given(text())
def test_anything_becomes_printable_and_can_be_encoded(anything: str) -> None:
    shown = printable(anything)
    assert shown.isprintable()
    shown.encode()
    assert printable(shown) == shown


def test_a_quoted_text_is_cut_where_it_is_long() -> None:
    assert quoted("a\tb") == "`a\\tb`"
    assert quoted("x" * 10_000_000) == f"`{'x' * 200}…`"


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (["test", "docs"], "the nearest is `test`"),
        (["\x1b", "x" * 201], "the nearest is `\\x1b`"),
        (["x" * 201], "there is none"),
        ([], "there is none"),
    ],
)
def test_the_nearest_spelling_is_named(known: list[str], told: str) -> None:
    assert nearest_spelling("tset" * 1000, known) == told
