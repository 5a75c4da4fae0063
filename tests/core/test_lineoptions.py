from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.lineoptions import (
    OptionName,
    parse_line_options,
)
from pytest_wheeltag.errors import UsageError


def parse(text: str) -> list[tuple[str, str]]:
    return [(each.name.value, each.value) for each in parse_line_options(text, "r.txt:1")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-r other.txt", [("--requirement", "other.txt")]),
        ("-rother.txt", [("--requirement", "other.txt")]),
        ("--requirement=other.txt", [("--requirement", "other.txt")]),
        ("-c 'with space.txt'", [("--constraint", "with space.txt")]),
        ("-e .", [("--editable", ".")]),
        ("-C a=b -C c=", [("--config-settings", "a=b"), ("--config-settings", "c=")]),
        ("--config-setting a=b", [("--config-settings", "a=b")]),
        ("--pypi-url https://x.example", [("--index-url", "https://x.example")]),
        ("-i https://x.example --pre", [("--index-url", "https://x.example"), ("--pre", "")]),
        ('--find-links="a b"', [("--find-links", "a b")]),
        ("--find a", [("--find-links", "a")]),
        ("--no-ind", [("--no-index", "")]),
        ("--hash=a=b", [("--hash", "a=b")]),
        ("--trusted-host -odd", [("--trusted-host", "-odd")]),
        ("", []),
    ],
)
def test_an_option_is_spelt_in_any_way_that_pip_takes(text: str, expected: list[tuple[str, str]]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "value", "hint"),
    [
        ("--indx-url=https://me:secret@x.example", "--indx-url", "the nearest is `--index-url`"),
        ("--no-deps", "--no-deps", "the nearest is `--no-index`"),
        ("--no-b --bogus", "--no-binary", "a value after this option"),
        ("--req x", "--req", "the nearest is `--require"),
        ("--", "--", "the nearest is"),
        ("-", "-", "the nearest is"),
        ("-x https://me:secret@x.example", "-x", "the nearest is"),
        ("--https://me:secret@x.example", "--https://x.example", "the nearest is"),
        ("--hash", "--hash", "a value after this option"),
        ("--hash=", "--hash", "a value after this option"),
        ("-r", "--requirement", "a value after this option"),
        ("--pre=yes", "--pre", "no value"),
        ("--no-binary --pre", "--no-binary", "a value after this option"),
        ("-e ./my folder", "folder", "one requirement to a line"),
        ("-e 'my folder", "-e 'my folder", "quotation mark"),
    ],
)
def test_an_option_that_makes_no_sense_is_an_error_with_a_hint_and_no_secret(
    text: str, value: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert (caught.value.setting, caught.value.value) == ("r.txt:1", value)
    assert hint in caught.value.expected
    assert "secret" not in str(caught.value)


def test_values_are_not_shown() -> None:
    (option,) = parse_line_options("--index-url https://me:secret@x.example", "r.txt:1")
    assert repr(option) == f"LineOption(name={OptionName.INDEX_URL!r})"


@given(st.text(st.sampled_from("-=\"' rce\\#pit") | st.characters(), max_size=40))
def test_whatever_options_hold_they_are_known_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert all(each.name in OptionName for each in parse_line_options(text, "r.txt:1"))
