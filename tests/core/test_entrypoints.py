from collections.abc import Callable
from typing import ParamSpec, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.entrypoints import EntryPoint, find_twins, is_wrapper, parse_entry_points
from pytest_wheeltag.core.paths import is_interpreter_name
from pytest_wheeltag.workshop.wheels import render_entry_points

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(
    lambda name: not is_interpreter_name(name)
)
IDENTIFIERS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
DOTTED = st.lists(IDENTIFIERS, min_size=1, max_size=3).map(".".join)


Parsed = TypeVar("Parsed")
Arguments = ParamSpec("Arguments")


def parsed(
    parse: Callable[Arguments, Parsed], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Parsed | None:
    """Give what was parsed, None where it was refused in words that may be printed."""
    try:
        return parse(*args, **kwargs)
    except DistInfoError as error:
        problem = str(error)
    assert problem.isprintable()
    return None


NAMED = st.dictionaries(NAMES, st.tuples(DOTTED, DOTTED), max_size=4)


@settings(max_examples=40)
@given(NAMED, NAMED)
def test_entry_points_round_trip(
    console: dict[str, tuple[str, str]], gui: dict[str, tuple[str, str]]
) -> None:
    """The file's contents are in INI format; names are case-sensitive, values are object references."""
    gui = {name: value for name, value in gui.items() if name not in console}
    groups = {"console_scripts": console, "other": gui, "gui_scripts": gui}
    text = render_entry_points(
        {group: {name: ":".join(value) for name, value in names.items()} for group, names in groups.items()}
    )
    expected = [EntryPoint(name, *value) for name, value in console.items()]
    expected += [EntryPoint(name, *value, is_gui=True) for name, value in gui.items()]
    assert parse_entry_points(text.encode()) == tuple(expected)


@given(st.binary(max_size=200))
def test_entry_points_are_read_or_refused(data: bytes) -> None:
    for content in (data, b"[console_scripts]\n" + data):
        modules = [point.module for point in parsed(parse_entry_points, content) or ()]
        assert all(part.isidentifier() for module in modules for part in module.split("."))


@pytest.mark.parametrize(
    "value", ["foo.bar:baz.main", "foo.bar : baz.main", "foo.bar:baz.main [extra]", "foo.bar:baz.main[a, b]"]
)
def test_object_references(value: str) -> None:
    assert parse_entry_points(f"[gui_scripts]\nrun = {value}\n".encode()) == (
        EntryPoint("run", "foo.bar", "baz.main", is_gui=True),
    )


@pytest.mark.parametrize(
    "line",
    ["run = foo", "run = foo:", "run = :main", "run = foo:main()", "run = foo:main;x", "run = foo..bar:main",
     "run = foo:a:b", "run = foo bar:main", "run = foo:main\n  more", "run = foo:main [a] [b]", "run =", "run",
     "= foo:main", "a b = foo:main", "../run = foo:main", "-run = foo:main", ".run = foo:main", "PyThOn3 = foo:main",
     "run/x = foo:main", "rün = foo:main", "run = foo:main\nrun = foo:main", f"{'a' * 201} = foo:main",
     "run = %(x)s:main", "[x]\n[x]"],
)  # fmt: skip
def test_commands_that_are_refused(line: str) -> None:
    with pytest.raises(DistInfoError):
        parse_entry_points(f"[console_scripts]\n{line}\n".encode())


def test_one_name_in_both_groups_is_refused() -> None:
    with pytest.raises(DistInfoError, match="both groups"):
        parse_entry_points(b"[console_scripts]\nrun = a:b\n[gui_scripts]\nrun = a:b\n")


@pytest.mark.parametrize(
    "text", ["", "\n", "[other]\nanything = goes here\n", "[DEFAULT]\npython = a:b\n[console_scripts]\n"]
)
def test_other_groups_are_read_over(text: str) -> None:
    assert parse_entry_points(text.encode()) == ()


def test_twins_and_wrappers() -> None:
    points = [EntryPoint(name, "a", "b") for name in ("foo", "bar", "Foo")]
    assert list(find_twins(points)) == [("foo", "Foo")]
    commands = {point.name for point in points}
    shipped = ("foo", "foo.exe", "foo-script.py", "bar-script.pyw", "bar.pya", "foo.py", "baz", "foo-script")
    assert [name for name in shipped if is_wrapper(name, commands)] == list(shipped[:5])
