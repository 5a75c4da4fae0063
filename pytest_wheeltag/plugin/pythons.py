"""The interpreters that tests are run on: from the marker, else the ini value, else the one that runs."""

import sys
from collections.abc import Sequence

import pytest

from pytest_wheeltag.core.interpreter import Interpreter, parse_interpreter_spec
from pytest_wheeltag.core.report import tell_apart
from pytest_wheeltag.errors import InterpreterError, InterpreterNotFoundError, UsageError
from pytest_wheeltag.plugin.settingsreader import SettingsReader
from pytest_wheeltag.plugin.venvs import VenvKeeper, keeper_of

_FIXTURE = "wheeltag_python"


def check_ini_value(config: pytest.Config) -> None:
    """Raise a usage error for an interpreter in the ini value that cannot be meant, before any test is collected."""
    found = SettingsReader(config).find("pythons")
    try:
        for text in found.value:
            parse_interpreter_spec(text, setting=found.origin)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


def parametrise(metafunc: pytest.Metafunc, marker: pytest.Mark | None) -> None:
    """Run a test once on each interpreter; the parameters' ids are labels. A mistake fails the collection in one line."""
    try:
        keeper = keeper_of(metafunc.config)
        texts, setting = _read_texts(metafunc, marker)
        found = [pair for text in texts for pair in _find(text, setting, keeper)]
    except (UsageError, pytest.UsageError) as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    if found:
        if _FIXTURE not in metafunc.fixturenames:
            metafunc.fixturenames.append(_FIXTURE)
        ids = tell_apart(label for label, _ in found)
        metafunc.parametrize(_FIXTURE, [python for _, python in found], ids=ids, indirect=True)


def _read_texts(metafunc: pytest.Metafunc, marker: pytest.Mark | None) -> tuple[Sequence[str], str]:
    """Give the specifications and where they were written."""
    if marker is None:
        found = SettingsReader(metafunc.config).find("pythons")
        return found.value or (), found.origin
    setting = f"{metafunc.definition.nodeid}: wheeltag_pythons"
    mistaken = [repr(each) for each in marker.args if not isinstance(each, str)]
    if mistaken or not marker.args:
        raise UsageError(setting, (mistaken or ["()"])[0], 'interpreters as texts, like `"3.10", "3.11"`')
    return marker.args, setting


def _find(text: str, setting: str, keeper: VenvKeeper) -> list[tuple[str, Interpreter | str]]:
    """Give what a specification means with its label; what is not found stays the text, to be told by the fixture."""
    spec = parse_interpreter_spec(text, setting=setting)
    try:
        return [(each.label, each) for each in keeper.place.finder.find_each(spec)]
    except (InterpreterNotFoundError, InterpreterError):
        return [(spec.label, spec.text)]


def provide(request: pytest.FixtureRequest) -> Interpreter:
    """Give the interpreter of a parameter, the running one without; the test is skipped where there is none such."""
    keeper = keeper_of(request.config)
    try:
        return keeper.find(getattr(request, "param", sys.executable))
    except (InterpreterNotFoundError, InterpreterError) as error:
        pytest.skip(f"missing-python: {error}")
