from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.controls import Controls, NameControl

WORDS = st.sampled_from((":all:", ":none:", "a", "B.b", "a,c", "c,:none:,a", ""))
NAMES = [canonicalize_name(name) for name in ("a", "b-b", "c", "d")]
# Which list each option names.
OPTIONS = st.lists(st.tuples(st.booleans(), WORDS), max_size=5)


def control(options: list[tuple[bool, str]]) -> NameControl:
    found = NameControl()
    for is_first, text in options:
        found = found.include([text]) if is_first else found.exclude([text])
    return found


def internal(module: str) -> Any:  # noqa: ANN401 - pip promises nothing of what is in there
    return pytest.importorskip("pip", "26.3", reason="compares with pip's own rules") and import_module(
        f"pip._internal.{module}"
    )


@given(OPTIONS)
def test_binaries_and_sources_are_taken_as_pip_takes_them(options: list[tuple[bool, str]]) -> None:
    pips = internal("models.format_control").FormatControl()
    for is_first, text in options:
        lists = (pips.only_binary, pips.no_binary) if is_first else (pips.no_binary, pips.only_binary)
        pips.handle_mutual_excludes(text, *lists)
    ours = Controls(control(options))

    for name in NAMES:
        formats = pips.get_allowed_formats(name)
        assert ours.takes_wheels(name) == ("binary" in formats)
        assert ours.takes_sources(name) == ("source" in formats)


@given(OPTIONS, OPTIONS)
def test_what_is_said_later_counts_where_it_says_anything(
    earlier: list[tuple[bool, str]], later: list[tuple[bool, str]]
) -> None:
    both = control(earlier).then(control(later))

    for name in NAMES:
        told = control(later).decide(name)
        assert told is None or both.decide(name) is told


def test_of_two_options_a_name_counts_before_all() -> None:
    for control in (NameControl.of([":all:"], ["a"]), NameControl.of(["b-b,c,d"], ["a"])):
        assert [control.decide(name) for name in NAMES] == [False, True, True, True]
    assert NameControl.of(["a"], [":all:"]).decide(NAMES[1]) is False


def test_a_project_by_its_own_name_comes_before_all() -> None:
    wheels = NameControl(frozenset({":all:"}), frozenset({"a"}))

    assert [wheels.decide(name) for name in NAMES] == [False, True, True, True]
    assert NameControl().decide(NAMES[0]) is None
    assert Controls().with_wheels_only().takes_sources(NAMES[0]) is False
