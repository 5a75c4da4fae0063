import json
import random
import tomllib
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from pytest_wheeltag.core.scenario import (
    Artefact,
    Cast,
    Claim,
    Class,
    Expected,
    Form,
    Found,
    Install,
    Publish,
    Shelf,
    Tamper,
    Withdraw,
    describe_difference,
    describe_facts,
    list_casts,
)
from pytest_wheeltag.core.scenariofile import parse_scenario, read_scenario
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.imagined import imagine_interpreter

HEAD = """
title = "A title"
class = "order"
property = "best"
guards = "a rule"
roles = ["old", "new"]

[artefacts.wheel]
wheel = "foo-1.0-{old.py}-none-any.whl"
"""
CP310, CP311 = imagine_interpreter("3.10.1"), imagine_interpreter("3.11.7")
CAST = Cast({"old": CP310, "new": CP311})


def test_every_key_is_read() -> None:
    scenario = parse_scenario(
        HEAD
        + """
[artefacts.source]
sdist = "foo-1.0"
requires = ["bar"]
requires-python = ">=3.8"
tag = "py{major}-none-any"
tells = ["interpreter", "settings"]
dynamic = true
variables = ["CFLAGS"]
distributions = ["helper"]
build-requires = ["helper"]

[[steps]]
publish = ["wheel", "source"]
to = "folder"
hashes = false

[[steps]]
install = "foo"
on = "new"
from = ["other-index", "folder"]
constraints = ["bar<2"]
build-constraints = ["helper<2"]
settings = { level = "1" }
environment = { CFLAGS = "-O" }
only-binary = "bar"
no-binary = ["foo"]
expect.foo = { artefact = "source", interpreter = "new", settings = {}, environment = { CFLAGS = "-O" } }
expect.bar = "wheel"

[[steps]]
tamper = "foo"
of = 1

[[steps]]
withdraw = "wheel"
from = "folder"

[[steps]]
lock = ["wheel", "source"]
hashes-of = { wheel = "odd" }
on = "old"
refusable = true
expect.foo = "wheel"

[[steps]]
publish = "odd"
yanked = true

[artefacts.odd]
wheel = "foo-2.0-py3-none-any.whl"
record = "without-hashes"
""",
        "order-example",
    )

    assert (scenario.identifier, scenario.class_, scenario.claim) == (
        "order-example",
        Class.ORDER,
        Claim.BEST,
    )
    assert scenario.artefacts["source"] == Artefact(
        "source",
        Form.SDIST,
        "foo-1.0",
        ("bar",),
        ">=3.8",
        "py{major}-none-any",
        frozenset({"interpreter", "settings"}),
        ("CFLAGS",),
        ("helper",),
        ("helper",),
        is_dynamic=True,
    )
    source = Expected("source", "new", {}, {"CFLAGS": "-O"})
    install = Install(
        ("foo",),
        "new",
        {"foo": source, "bar": Expected("wheel")},
        shelves=(Shelf.OTHER_INDEX, Shelf.FOLDER),
        constraints=("bar<2",),
        build_constraints=("helper<2",),
        settings={"level": "1"},
        environment={"CFLAGS": "-O"},
        only_binary=("bar",),
        no_binary=("foo",),
    )
    publish = Publish(("wheel", "source"), Shelf.FOLDER, has_hashes=False)
    locked = Install(
        (),
        "old",
        {"foo": Expected("wheel")},
        lock=("wheel", "source"),
        lock_hashes={"wheel": "odd"},
        is_refusable=True,
    )
    assert scenario.steps == (
        publish,
        install,
        Tamper("foo", 1),
        Withdraw(("wheel",), Shelf.FOLDER),
        locked,
        Publish(("odd",), is_yanked=True),
    )
    assert (locked.may_be_refused, install.may_be_refused) == (True, False)
    assert scenario.artefacts["odd"].record == "without-hashes"


LOCK = '[[steps]]\non = "old"\n'
INSTALL = '[[steps]]\ninstall = "foo"\non = "old"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("=", "a scenario in TOML"),
        (HEAD, "`steps`, a list"),
        (f'colour = "red"\nsteps = []\n{HEAD}', "a key that the docs name, found: `colour`"),
        (f"{HEAD}[[steps]]", "one of publish, withdraw, tamper, install, lock in each step"),
        (f'{HEAD}[[steps]]\npublish = "other"', "one of wheel, found: `other`"),
        (
            f'{HEAD}[[steps]]\npublish = "wheel"\nto = "moon"',
            "one of index, other-index, folder, found: `moon`",
        ),
        (f"{HEAD}{INSTALL}", "either `expect` or `refused`"),
        (f'{HEAD}{INSTALL}refused = true\nexpect.foo = "wheel"', "either `expect` or `refused`"),
        (f'{HEAD}{INSTALL}expect.foo = "other"', "one of wheel, found: `other`"),
        (f'{HEAD}{INSTALL}expect.foo = {{ artefact = "wheel", color = "red" }}', "found: `color`"),
        (f"{HEAD}{INSTALL}refused = 1", "`refused`, true or false"),
        (f"{HEAD}{INSTALL.replace('old', 'third')}refused = true", "one of old, new, found: `third`"),
        (
            f'{HEAD}{INSTALL}refused = true\n[[steps]]\ntamper = "foo"\nof = 2',
            "the number of an installation",
        ),
        (f"steps = []\n{HEAD.replace('order', 'chaos', 1)}", "one of order, built"),
        (f"{HEAD}[artefacts.source]\nsdist = 'foo-1.0'\ntells = ['weather']\n", "interpreter or settings"),
        (f"{HEAD}tells = ['interpreter']\n", "a key that the docs name, found: `tells`"),
        (f"{HEAD}sdist = 'foo-1.0'\n", "one of `wheel`, `sdist` and `tree`"),
        (f"{HEAD}requires = [1]\n", "texts"),
        (f'steps = []\n{HEAD}record = "other"\n', "one of without-hashes, wheel, found: `other`"),
        (f'{HEAD}{INSTALL}refused = true\nfrom = "moon"', "one of index, other-index, folder, found: `moon`"),
        (f'{HEAD}{LOCK}refused = true\nlock = "other"', "one of wheel, found: `other`"),
        (f'{HEAD}{LOCK}lock = "wheel"\nrefused = true\nhashes-of.wheel = "other"', "one of wheel, found"),
    ],
)
def test_whatever_is_not_as_the_docs_say_is_a_usage_error(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_scenario(text, "order-example")
    assert str(caught.value).startswith("order-example: ")
    assert problem in str(caught.value)


def validator() -> Any:  # noqa: ANN401 - untyped library value
    text = files("pytest_wheeltag.scenarios").joinpath("schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def built_in() -> list[tuple[str, dict[str, Any]]]:
    folder = files("pytest_wheeltag.scenarios")
    found = [each for each in folder.iterdir() if each.name.endswith(".toml")]
    return [(each.name, tomllib.loads(each.read_text(encoding="utf-8"))) for each in found]


def test_every_scenario_is_as_its_schema_says() -> None:
    known = validator()
    assert len(built_in()) > 80
    for name, scenario in built_in():
        assert [error.message for error in known.iter_errors(scenario)] == [], name


def test_the_schema_knows_what_the_reader_knows() -> None:
    properties = validator().schema["properties"]
    assert properties["class"]["enum"] == list(Class)
    assert properties["property"]["enum"] == list(Claim)
    assert [each["required"][0] for each in properties["artefacts"]["additionalProperties"]["oneOf"]] == list(
        Form
    )


@pytest.mark.parametrize("seed", range(60))
def test_schema_and_reader_refuse_the_same_mistakes(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's choice
    name, scenario = sorted(built_in())[seed]
    mistaken = json.loads(json.dumps(scenario))
    table = chance.choice([mistaken, chance.choice(mistaken["steps"]), *mistaken["artefacts"].values()])
    mistake = chance.choice(["unknown", "type", "missing"])
    if mistake == "unknown":
        table["colour"] = "red"
    elif mistake == "type":
        table[chance.choice(sorted(table))] = 1.5
    else:
        del mistaken[chance.choice(["title", "class", "property", "guards", "steps", "artefacts"])]

    assert list(validator().iter_errors(mistaken)), (name, mistaken)
    with pytest.raises(UsageError):
        read_scenario(mistaken, name)


def test_roles_are_played_by_different_interpreters_of_one_implementation() -> None:
    scenario = parse_scenario(f"{HEAD}[[steps]]\npublish = []", "order-example")
    single = replace(scenario, roles=("one",))
    cp312, other = imagine_interpreter("3.12.1"), imagine_interpreter("3.9.1")

    pypy = replace(other, facts=replace(other.facts, implementation="pypy"))
    casts = list(list_casts(scenario, (CP311, cp312, CP310, pypy, CP310)))

    assert [each.labels for each in casts] == [
        ("cpython3.10", "cpython3.11"),
        ("cpython3.10", "cpython3.12"),
        ("cpython3.11", "cpython3.12"),
    ]
    assert [each.labels for each in list_casts(single, (CP311, CP310))] == [("cpython3.11",)]


def test_facts_of_interpreters_and_places_are_filled_in() -> None:
    assert CAST.fill("foo-1.0-{old.py}-none-any.whl") == "foo-1.0-py310-none-any.whl"
    assert CAST.fill("{path.wheel} {new.version}", lambda *asked: "/".join(asked)) == "path/wheel 3.11"
    facts = describe_facts(CP311)
    assert (facts["cp"], facts["abi"]) == ("cp311", "cp311")
    assert not facts["newest-platform"].startswith("linux_")
    for text in ("{old.colour}", "{third.py}"):
        with pytest.raises(UsageError, match="a fact: version, py, cp"):
            CAST.fill(text)


@pytest.mark.parametrize(
    ("expected", "found", "problem"),
    [
        (Expected("a"), Found("a"), None),
        (Expected("a"), Found("b"), "expected `a`, found `b`"),
        (Expected("a", "new"), Found("a", {"INTERPRETER": "3.11.7"}), None),
        (Expected("a", "new"), Found("a", {"INTERPRETER": "3.10.1"}), "interpreter `3.11.7`, found `3.10.1`"),
        (
            Expected("a", settings={}),
            Found("a", {"SETTINGS": {"a": "1"}}),
            "settings `{}`, found `{'a': '1'}`",
        ),
        (Expected("a", environment={"A": "1"}), Found("a"), "environment `{'A': '1'}`, found `None`"),
        (Expected("a", distributions={"b": "1"}), Found("a", {"DISTRIBUTIONS": {"b": "1"}}), None),
    ],
)
def test_what_is_installed_is_compared_with_what_must_be(
    expected: Expected, found: Found, problem: str | None
) -> None:
    told = describe_difference(expected, found, CAST)
    assert (told is None) if problem is None else (told is not None and problem in told)
