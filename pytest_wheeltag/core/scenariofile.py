"""Reading conformance scenarios from TOML: every key is known, every name means something."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar

from pytest_wheeltag.core.scenario import (
    WITHOUT_HASHES,
    Artefact,
    Claim,
    Class,
    Expected,
    Form,
    Install,
    Publish,
    Scenario,
    Shelf,
    Step,
    Tamper,
    Withdraw,
)
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UsageError

_E = TypeVar("_E", bound=StrEnum)
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_TELLS = frozenset({"interpreter", "settings"})
_KINDS = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    dict: "a table",
    list: "a list",
    list | str: "texts",
}
_VERBS = ("publish", "withdraw", "tamper", "install", "lock")


def parse_scenario(text: str, identifier: str) -> Scenario:
    """Read a scenario; raises ``UsageError``, which names it, for anything that is not as the docs say."""
    try:
        return read_scenario(tomllib.loads(text), identifier)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(identifier, str(error), "a scenario in TOML") from error


def read_scenario(values: Mapping[str, Any], identifier: str) -> Scenario:
    """Read a scenario from the values of its TOML; raises as ``parse_scenario``."""
    table = _Table(values, identifier)
    artefacts = {name: _artefact(name, each) for name, each in table.tables("artefacts")}
    roles = table.texts("roles")
    scenario = Scenario(
        identifier,
        table.text("title"),
        table.choice("class", Class),
        table.choice("property", Claim),
        table.text("guards"),
        roles,
        artefacts,
        tuple(map(_step, table.list_of_tables("steps"))),
    )
    table.finish()
    _check_names(scenario)
    return scenario


def _artefact(name: str, table: "_Table") -> Artefact:
    forms = [form for form in Form if form in table.values]
    if len(forms) != 1 or not _NAME.fullmatch(name):
        raise table.wrong(name, "one of `wheel`, `sdist` and `tree`, under a name of lower-case letters")
    title = table.text(forms[0])
    common = Artefact(name, forms[0], title, table.texts("requires"), table.text("requires-python", ""))
    artefact = _wheel(common, table) if forms[0] is Form.WHEEL else _source(common, table)
    table.finish()
    return artefact


def _wheel(common: Artefact, table: "_Table") -> Artefact:
    return replace(common, record=table.text("record", ""))


def _source(common: Artefact, table: "_Table") -> Artefact:
    tells = frozenset(table.texts("tells"))
    if not tells <= _TELLS:
        raise table.wrong("tells", " or ".join(sorted(_TELLS)))
    return replace(
        common,
        tag=table.text("tag", common.tag),
        tells=tells,
        variables=table.texts("variables"),
        distributions=table.texts("distributions"),
        build_requires=table.texts("build-requires"),
        is_dynamic=table.flag("dynamic", default=False),
    )


def _step(table: "_Table") -> Step:
    verbs = [verb for verb in _VERBS if verb in table.values]
    if len(verbs) != 1:
        raise table.wrong("steps", f"one of {', '.join(_VERBS)} in each step")
    step = _STEPS[verbs[0]](table)
    table.finish()
    return step


def _publish(table: "_Table") -> Publish:
    return Publish(
        table.texts("publish"),
        table.choice("to", Shelf, Shelf.INDEX),
        table.flag("hashes", default=True),
        table.flag("yanked", default=False),
    )


def _withdraw(table: "_Table") -> Withdraw:
    return Withdraw(table.texts("withdraw"), table.choice("from", Shelf, Shelf.INDEX))


def _tamper(table: "_Table") -> Tamper:
    return Tamper(table.text("tamper"), table.number("of"))


def _install(table: "_Table") -> Install:
    return Install(
        table.texts("install"),
        table.text("on"),
        _expected(table),
        table.flag("refused", default=False),
        table.choices("from", Shelf, (Shelf.INDEX,)),
        table.texts("constraints"),
        table.texts("build-constraints"),
        table.mapping("settings"),
        table.mapping("environment"),
        table.texts("only-binary"),
        table.texts("no-binary"),
        table.texts("lock"),
        table.mapping("hashes-of"),
        table.flag("refusable", default=False),
    )


_STEPS: Mapping[str, Callable[["_Table"], Step]] = {
    "publish": _publish,
    "withdraw": _withdraw,
    "tamper": _tamper,
    "install": _install,
    "lock": _install,
}


def _expected(table: "_Table") -> dict[str, Expected]:
    values = table.take("expect", dict, {})
    return {name: _expectation(_Table(_long(each), table.place)) for name, each in values.items()}


def _long(value: object) -> dict[str, Any]:
    return {"artefact": value} if isinstance(value, str) else dict(value) if isinstance(value, dict) else {}


def _expectation(table: "_Table") -> Expected:
    facts = {
        fact: table.mapping(fact) if fact in table.values else None
        for fact in ("settings", "environment", "distributions")
    }
    expected = Expected(table.text("artefact"), table.text("interpreter", "") or None, **facts)
    table.finish()
    return expected


def _check_names(scenario: Scenario) -> None:
    """Raise ``UsageError`` where a step speaks of an artefact or of a role that there is none of."""
    known = (WITHOUT_HASHES, *scenario.artefacts)
    _check(scenario, (each.record for each in scenario.artefacts.values() if each.record), known)
    for step in scenario.steps:
        if isinstance(step, Publish | Withdraw):
            _check(scenario, step.artefacts, scenario.artefacts)
        elif isinstance(step, Install):
            expected = step.expected.values()
            _check(scenario, (each.artefact for each in expected), scenario.artefacts)
            _check(
                scenario, (step.role, *filter(None, (each.interpreter for each in expected))), scenario.roles
            )
            _check(scenario, (*step.lock, *step.lock_hashes, *step.lock_hashes.values()), scenario.artefacts)
            if step.is_refused == bool(step.expected):
                raise UsageError(scenario.identifier, "install", "either `expect` or `refused`")
        elif not 1 <= step.number <= len(scenario.installs):
            raise UsageError(scenario.identifier, str(step.number), "the number of an installation")


def _check(scenario: Scenario, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(scenario.identifier, name, f"one of {', '.join(known)}")


class _Table:
    """A table whose keys are taken one after the other; what is left in the end is unknown."""

    def __init__(self, values: Mapping[str, Any], place: str) -> None:
        self.values = dict(values)
        self.place = place

    def wrong(self, key: str, expected: str) -> UsageError:
        return UsageError(self.place, printable(str(self.values.get(key, key))), expected)

    def take(self, key: str, kind: type[Any] | UnionType, default: object = None) -> Any:  # noqa: ANN401 - as TOML has it
        value = self.values.get(key, default)
        if not isinstance(value, kind):
            raise UsageError(self.place, printable(f"{key} = {value!r}"), f"`{key}`, {_KINDS[kind]}")
        self.values.pop(key, None)
        return value

    def text(self, key: str, default: str | None = None) -> str:
        return str(self.take(key, str, default))

    def flag(self, key: str, *, default: bool) -> bool:
        return bool(self.take(key, bool, default))

    def number(self, key: str) -> int:
        return int(self.take(key, int))

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self.take(key, list | str, list(default))
        texts = (value,) if isinstance(value, str) else tuple(value)
        if not all(isinstance(each, str) for each in texts):
            raise UsageError(self.place, printable(f"{key} = {value!r}"), "texts")
        return texts

    def mapping(self, key: str) -> dict[str, str]:
        value = self.take(key, dict, {})
        if not all(isinstance(each, str) for each in value.values()):
            raise UsageError(self.place, printable(f"{key} = {value!r}"), "texts by names")
        return dict(value)

    def choice(self, key: str, kind: type[_E], default: _E | None = None) -> _E:
        value = self.text(key, default)
        if value not in set(kind):
            raise UsageError(self.place, printable(value), f"one of {', '.join(kind)}")
        return kind(value)

    def choices(self, key: str, kind: type[_E], default: tuple[_E, ...]) -> tuple[_E, ...]:
        return tuple(_Table({key: each}, self.place).choice(key, kind) for each in self.texts(key, default))

    def tables(self, key: str) -> "list[tuple[str, _Table]]":
        return [(name, _Table(each, self.place)) for name, each in self.take(key, dict).items()]

    def list_of_tables(self, key: str) -> "list[_Table]":
        return [_Table(each, self.place) for each in self.take(key, list)]

    def finish(self) -> None:
        """Raise ``UsageError`` for a key that nobody took."""
        if self.values:
            raise UsageError(self.place, printable(next(iter(self.values))), "a key that the docs name")
