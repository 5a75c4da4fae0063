import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.interpreter import (
    Interpreter,
    InterpreterSpec,
    interpreter_from_json,
    parse_interpreter_spec,
)
from pytest_wheeltag.core.tags import InterpreterFacts, PlatformFacts
from pytest_wheeltag.errors import UsageError

PURELIB = "{base}/lib/{implementation_lower}{py_version_short}{abi_thread}/site-packages"
CP313 = Interpreter(
    executable="/usr/bin/python3.13",
    version="3.13.1",
    facts=InterpreterFacts("cpython", (3, 13), "313", ".cpython-313-x86_64-linux-gnu.so"),
    platform=PlatformFacts("Linux", "linux-x86_64", "x86_64", libc="glibc", libc_version=(2, 36)),
    markers={"python_version": "3.13"},
    prefix="/usr",
    scheme="venv",
    schemes={
        "venv": {"purelib": PURELIB, "scripts": "{base}/bin"},
        "posix_user": {"purelib": "{userbase}/lib/python{py_version_short}/site-packages"},
    },
    variables={"implementation_lower": "python", "py_version_short": "3.13", "abi_thread": ""},
    libraries=("/usr/local/lib/python3.13/dist-packages",),
    foreign_libraries=("/usr/lib/python3/dist-packages",),
    externally_managed=True,
    user_scheme="posix_user",
    user_base="~/.local",
)
FREE_THREADED = replace(CP313, facts=replace(CP313.facts, is_free_threaded=True))
DEBUG = replace(CP313, facts=replace(CP313.facts, is_debug=True))
PYPY = replace(CP313, version="3.9.16", facts=replace(CP313.facts, implementation="pypy", version=(3, 9)))


@pytest.mark.parametrize(
    ("text", "implementation", "version", "flags"),
    [
        ("3.13", "cpython", (3, 13), ""),
        ("3.13t", "cpython", (3, 13), "t"),
        ("3.13d", "cpython", (3, 13), "d"),
        ("3.13td", "cpython", (3, 13), "td"),
        ("3.13.1", "cpython", (3, 13, 1), ""),
        ("3", "cpython", (3,), ""),
        ("pypy3.9", "pypy", (3, 9), ""),
        ("PyPy-3.9", "pypy", (3, 9), ""),
        ("pypy", "pypy", (), ""),
        ("cpython3.12", "cpython", (3, 12), ""),
        (" python3.12 ", "cpython", (3, 12), ""),
        ("graalpy3.11", "graalpy", (3, 11), ""),
    ],
)
def test_parses_what_users_type(text: str, implementation: str, version: tuple[int, ...], flags: str) -> None:
    spec = parse_interpreter_spec(text)
    assert (spec.implementation, spec.version) == (implementation, version)
    assert (spec.is_free_threaded, spec.is_debug) == ("t" in flags, "d" in flags)
    assert spec.text == text.strip()


@pytest.mark.parametrize("text", ["/usr/bin/python3", "./venv/bin/python", "~/p", r"C:\Python313\python.exe"])
def test_anything_with_a_separator_is_a_path(text: str) -> None:
    assert parse_interpreter_spec(text) == InterpreterSpec(text, path=text)


def test_all_is_every_interpreter() -> None:
    assert parse_interpreter_spec("all").is_all
    assert all(parse_interpreter_spec("all").matches(one) for one in (CP313, FREE_THREADED, PYPY))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "t",
        "td",
        "2.7",
        "3.x",
        "cp3x",
        "cp313",
        "3.13.1.2",
        "jython3.1",
        "3.13dt",
        "3." + "9" * 5000,
        "3.13\n3",
    ],
)
def test_anything_else_is_a_usage_error_that_names_setting_value_and_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_interpreter_spec(text, setting="wheeltag_pythons")
    assert caught.value.setting == "wheeltag_pythons"
    assert caught.value.value == text
    assert "`3.13t`" in str(caught.value)


def test_a_nul_is_refused_in_a_path_too_and_not_printed() -> None:
    with pytest.raises(UsageError) as caught:
        parse_interpreter_spec("/usr\0/bin/python")
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "interpreter", "matches"),
    [
        ("3.13", CP313, True),
        ("3", CP313, True),
        ("cpython", CP313, True),
        ("3.13.1", CP313, True),
        ("3.13.2", CP313, False),
        ("3.1", CP313, False),
        ("3.13", FREE_THREADED, False),
        ("3.13t", FREE_THREADED, True),
        ("3.13", DEBUG, False),
        ("3.13d", DEBUG, True),
        ("3.9", PYPY, False),
        ("pypy3.9", PYPY, True),
        ("/usr/bin/python3.13", CP313, False),
    ],
)
def test_a_specification_means_one_kind_of_build(text: str, interpreter: Interpreter, matches: bool) -> None:
    assert parse_interpreter_spec(text).matches(interpreter) is matches


@pytest.mark.parametrize(
    ("interpreter", "label"),
    [
        (CP313, "cpython3.13"),
        (FREE_THREADED, "cpython3.13t"),
        (DEBUG, "cpython3.13d"),
        (PYPY, "pypy3.9"),
        (replace(CP313, version="3.14.0rc1"), "cpython3.14"),
    ],
)
def test_a_label_names_implementation_version_and_build(interpreter: Interpreter, label: str) -> None:
    assert interpreter.label == label
    assert label in repr(interpreter)
    assert parse_interpreter_spec(label).matches(interpreter)


def test_a_release_candidate_is_not_final() -> None:
    assert CP313.is_final
    assert not replace(CP313, version="3.14.0rc1").is_final


def test_scheme_paths_follow_from_a_prefix() -> None:
    assert CP313.scheme_paths("/v") == {
        "purelib": "/v/lib/python3.13/site-packages",
        "scripts": "/v/bin",
    }
    assert (
        CP313.scheme_paths("/h/.local", "posix_user")["purelib"] == "/h/.local/lib/python3.13/site-packages"
    )
    free_threaded = replace(CP313, variables={**CP313.variables, "abi_thread": "t"})
    assert free_threaded.scheme_paths("/v")["purelib"] == "/v/lib/python3.13t/site-packages"


def test_a_prefix_is_text_even_where_it_looks_like_a_template() -> None:
    assert CP313.scheme_paths(r"/{base}\1")["scripts"] == r"/{base}\1/bin"


def test_an_unknown_scheme_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        CP313.scheme_paths("/v", "nt")


def test_the_ranking_is_that_of_its_facts() -> None:
    assert CP313.ranking.tags[0] == "cp313-cp313-linux_x86_64"
    assert FREE_THREADED.ranking.tags[0] == "cp313-cp313t-linux_x86_64"


@pytest.mark.parametrize("interpreter", [CP313, FREE_THREADED, DEBUG, PYPY])
def test_json_gives_the_same_interpreter_back(interpreter: Interpreter) -> None:
    assert interpreter.ranking.tags  # fills its cache
    read = interpreter_from_json(json.loads(json.dumps(interpreter.to_json())))
    assert read == interpreter
    assert hash(read) == hash(interpreter)


def test_keys_of_a_newer_version_are_ignored() -> None:
    values = CP313.to_json()
    values["colour"] = values["facts"]["colour"] = values["platform"]["colour"] = "blue"
    assert interpreter_from_json(values) == CP313


def damaged(path: str, value: object) -> dict[str, Any]:
    values = json.loads(json.dumps(CP313.to_json()))
    *folders, name = path.split("/")
    target = values
    for folder in folders:
        target = target[folder]
    target[name] = value
    assert isinstance(values, dict)
    return values


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", "3.11\0"),
        ("version", "three"),
        ("version", 3),
        ("executable", None),
        ("prefix", "/a\0b"),
        ("markers", []),
        ("markers", {"python_version": 3}),
        ("schemes", {"venv": "x"}),
        ("schemes", 1),
        ("variables", {"base": ["x"]}),
        ("libraries", "/usr/lib"),
        ("libraries", [1]),
        ("externally_managed", "no"),
        ("facts", None),
        ("facts", []),
        ("facts/version", [3]),
        ("facts/version", ["3", "13"]),
        ("facts/is_debug", 0),
        ("platform", "linux"),
        ("platform/libc", "uclibc"),
        ("platform/libc", []),
        ("platform/libc_version", [2, 36, 1]),
        ("platform/macos", None),
        ("platform/manylinux_refused", [None]),
    ],
)
def test_a_fact_of_another_type_is_a_value_error(path: str, value: object) -> None:
    with pytest.raises(ValueError, match="not the facts of an interpreter"):
        interpreter_from_json(damaged(path, value))


@pytest.mark.parametrize("name", ["executable", "version", "facts", "platform", "markers", "prefix"])
def test_a_missing_fact_is_a_value_error(name: str) -> None:
    values = CP313.to_json()
    del values[name]
    with pytest.raises(ValueError, match="not the facts of an interpreter"):
        interpreter_from_json(values)


@given(
    st.dictionaries(
        st.sampled_from(sorted(CP313.to_json())),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    )
)
def test_whatever_a_probe_prints_is_an_interpreter_or_a_value_error(values: dict[str, Any]) -> None:
    try:
        read = interpreter_from_json({**CP313.to_json(), **values})
    except ValueError:
        return
    assert read.label
    assert isinstance(hash(read), int)
