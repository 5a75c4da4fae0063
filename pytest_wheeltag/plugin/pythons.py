"""The interpreters that tests are run on: from the marker, else the ini value, else the one that runs."""

import sys

import pytest

from pytest_wheeltag.core.interpreter import Interpreter, parse_interpreter_spec
from pytest_wheeltag.errors import InterpreterError, InterpreterNotFoundError, UsageError
from pytest_wheeltag.plugin.settings import SettingsReader
from pytest_wheeltag.plugin.venvs import keeper_of

_FIXTURE = "wheeltag_python"


def parametrise(metafunc: pytest.Metafunc, marker: pytest.Mark | None) -> None:
    """Run a test once on each interpreter; the parameters' ids are labels. A mistaken specification is a usage error."""
    if marker is not None and not marker.args:
        msg = f"{metafunc.definition.nodeid}: expected interpreters in `wheeltag_pythons(…)`, found none"
        raise pytest.UsageError(msg)
    found = SettingsReader(metafunc.config).find("pythons")
    texts = marker.args if marker is not None else found.value or ()
    setting = "wheeltag_pythons" if marker is None else f"{metafunc.definition.nodeid}: wheeltag_pythons"
    try:
        specs = [parse_interpreter_spec(text, setting=setting) for text in texts]
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    if specs:
        if _FIXTURE not in metafunc.fixturenames:
            metafunc.fixturenames.append(_FIXTURE)
        metafunc.parametrize(
            _FIXTURE, [spec.text for spec in specs], ids=[spec.label for spec in specs], indirect=True
        )


def provide(request: pytest.FixtureRequest) -> Interpreter:
    """Give the interpreter of a parameter, the running one without; the test is skipped where there is none such."""
    keeper = keeper_of(request.config)
    try:
        return keeper.find(getattr(request, "param", sys.executable))
    except (InterpreterNotFoundError, InterpreterError) as error:
        pytest.skip(f"missing-python: {error}")
