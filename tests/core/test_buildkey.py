import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.buildkey import BuildInputs, select_environment, settings_for_backend
from pytest_wheeltag.workshop.imagined import imagine_interpreter

PAGE = Path(__file__).parents[2] / "docs" / "installing.md"
INPUTS = BuildInputs(
    source="ab" * 32,
    place="",
    subdirectory="",
    is_editable=False,
    interpreter=imagine_interpreter("3.12.1"),
    requirements=("setuptools==80 cd",),
    settings=(("a", "1"),),
    environment=(("CFLAGS", "-O2"),),
)
OTHERS: dict[str, Any] = {
    "source": "cd" * 32,
    "place": "/src/foo",
    "subdirectory": "inner",
    "is_editable": True,
    "interpreter": imagine_interpreter("3.13.1"),
    "requirements": ("setuptools==81 ef",),
    "settings": (("a", "2"),),
    "environment": (("CFLAGS", "-O3"),),
}
TEXTS = st.text("ab=,\"'", max_size=3)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple)


def test_the_same_inputs_have_the_same_key() -> None:
    assert INPUTS.key() == replace(INPUTS).key()
    assert re.fullmatch(r"[0-9a-f]{64}", INPUTS.key())


def test_each_input_counts() -> None:
    assert {each.name for each in fields(BuildInputs)} == set(OTHERS)
    keys = {replace(INPUTS, **{name: value}).key() for name, value in OTHERS.items()}
    assert len(keys | {INPUTS.key()}) == len(OTHERS) + 1


@pytest.mark.parametrize("fact", ["is_free_threaded", "is_debug"])
def test_builds_of_one_version_are_told_apart(fact: str) -> None:
    changed: dict[str, Any] = {fact: True}
    other = replace(INPUTS.interpreter, facts=replace(INPUTS.interpreter.facts, **changed))
    assert replace(INPUTS, interpreter=other).key() != INPUTS.key()


@given(one=st.tuples(PAIRS, PAIRS), other=st.tuples(PAIRS, PAIRS))
def test_no_two_inputs_run_into_each_other(one: tuple[Any, Any], other: tuple[Any, Any]) -> None:
    def key(pair: tuple[Any, Any]) -> str:
        return replace(INPUTS, settings=pair[0], environment=pair[1]).key()

    assert (key(one) == key(other)) == (one == other)


def test_the_variables_that_builds_see_are_those_of_the_page() -> None:
    section = PAGE.read_text("utf-8").partition("### What a build sees")[2].partition("### ")[0]
    listed = " ".join(re.findall(r"(?m)^(?:- |  ).*", section))
    names = [name.replace("*", "X") for name in re.findall(r"`([^`]+)`", listed)]
    assert len(names) > 60

    assert sorted(select_environment(dict.fromkeys(names, ""))) == sorted(names)
    # A build has temporary folders of its own, and nobody's secrets.
    assert (
        select_environment(dict.fromkeys(("TMPDIR", "TEMP", "TMP", "SECRET", "PYTHONPATH", "PIP_X"), ""))
        == {}
    )


@given(
    environ=st.dictionaries(st.sampled_from(["CC", "Path", "LC_ALL", "MINE", "OTHER", "lc_all"]), st.text()),
    further=st.lists(st.sampled_from(["MINE", "ABSENT"])),
)
def test_variables_are_given_as_they_are_sorted_by_name(environ: dict[str, str], further: list[str]) -> None:
    selected = select_environment(environ, further)

    assert list(selected) == sorted(selected)
    assert selected.items() <= environ.items()
    assert ("MINE" in selected) == ("MINE" in environ and "MINE" in further)
    assert "OTHER" not in selected


@given(settings=st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3))))
def test_backends_get_a_text_for_a_key_and_a_list_for_one_that_comes_twice(
    settings: list[tuple[str, str]],
) -> None:
    told = settings_for_backend(tuple(settings))

    for key in {key for key, _ in settings}:
        values = [value for other, value in settings if other == key]
        assert told[key] == (values if len(values) > 1 else values[0])
    assert list(told) == list(dict(settings))
