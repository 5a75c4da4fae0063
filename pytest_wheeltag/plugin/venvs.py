"""Throwaway environments for tests: made in milliseconds, gone with the scope that asked for them."""

import itertools
import os
import sys
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import Interpreter, parse_interpreter_spec
from pytest_wheeltag.core.resolution import Resolution
from pytest_wheeltag.errors import WheeltagError
from pytest_wheeltag.plugin import CURRENT_ITEM
from pytest_wheeltag.plugin.settings import read_options, read_sources
from pytest_wheeltag.plugin.settingsreader import SettingsReader
from pytest_wheeltag.plugin.workroom import run_id_of, shared_folder
from pytest_wheeltag.system.compiler import parse_bytecode
from pytest_wheeltag.system.installation import InstallReport
from pytest_wheeltag.system.links import parse_link_mode
from pytest_wheeltag.system.run import remove_if_empty, remove_run
from pytest_wheeltag.venv import Venv, read_request
from pytest_wheeltag.workplace import Workplace

_INDEX = "wheeltag_index"


class Tenancy:
    """An environment with the scope that it goes with, and whether a test failed while it was there."""

    def __init__(self, venv: Venv, *, is_of_test: bool) -> None:
        self.venv = venv
        self.is_of_test = is_of_test
        self.is_kept = False


class VenvKeeper:
    """Makes environments for tests, and removes them with the test or the session unless a test failed meanwhile.

    A plugin of its own, so that it sees tests begin, fail and end.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        reader = SettingsReader(config)
        self._place = Workplace(
            read_sources(reader),
            os.environ,
            run_id_of(config),
            read_options(reader),
            reader.texts("build_env"),
        )
        self._folder = shared_folder(config, self._place, os.environ.get("PYTEST_XDIST_WORKER", "venvs"))
        self._numbers = itertools.count(1)
        self._tenancies: list[Tenancy] = []
        self._is_in_call = False
        self._troubles: list[str] = []
        self._scopes: list[str] = []

    @property
    def place(self) -> Workplace:
        """What installations are done with now: in a test that asks for ``wheeltag_index`` that index alone."""
        url = self._index_url
        return self._place if url is None else self._place.with_index(url)

    @property
    def _index_url(self) -> str | None:
        """The index of the test that runs, if it has one; what a fixture makes for several tests has none."""
        request: pytest.FixtureRequest | None = getattr(
            self._config.stash.get(CURRENT_ITEM, None), "_request", None
        )
        is_shared = bool(self._scopes) and self._scopes[-1] != "function"
        if not request or is_shared or _INDEX not in request.fixturenames:
            return None
        # Asked for here, not found: a fixture that installs may come before it, or need it itself.
        url: str = request.getfixturevalue(_INDEX).url
        return url

    def find(self, python: str | os.PathLike[str] | Interpreter | None) -> Interpreter:
        """Give an interpreter by specification or path, the running one for None; raises ``UsageError``, ``InterpreterNotFoundError``."""
        if isinstance(python, Interpreter):
            return python
        spec = parse_interpreter_spec(os.fspath(python or sys.executable), setting="python")
        return self._place.finder.find(spec)

    def make(self, interpreter: Interpreter, name: str, place: Workplace | None = None) -> Venv:
        """Make an empty environment, to go with the test that runs now or, made in a fixture, with the session."""
        prefix = self._folder / f"{next(self._numbers)}-{name}"
        environment = self._place.maker.make(prefix, interpreter).complete()
        venv = Venv(environment, lambda: self._choose(place))
        self._tenancies.append(Tenancy(venv, is_of_test=self._is_in_call))
        return venv

    def _choose(self, place: Workplace | None) -> Workplace:
        current = self.place
        return current if place is None else current.with_options(place.options)

    def adopt(self, venv: Venv) -> None:
        """Let an environment that a fixture of function scope made go with its test."""
        for tenancy in self._tenancies:
            if tenancy.venv is venv:
                tenancy.is_of_test = True

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        """Know for how many tests something is installed."""
        self._scopes.append(fixturedef.scope)
        try:
            return (yield)
        finally:
            self._scopes.pop()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Know what is made by the test itself, not by its fixtures."""
        self._is_in_call = True
        try:
            return (yield)
        finally:
            self._is_in_call = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep the environments that were there while a test failed, and say where they are."""
        report = yield
        # Those of a `with` block that was left are gone.
        there = [tenancy for tenancy in self._tenancies if tenancy.venv.path.exists()]
        if report.failed and there:
            for tenancy in there:
                tenancy.is_kept = True
                tenancy.venv.keep()
            kept = "\n".join(str(tenancy.venv.path) for tenancy in there)
            report.sections.append(("environments kept by wheeltag", kept))
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """Remove what went with the test that is over."""
        ended = [tenancy for tenancy in self._tenancies if tenancy.is_of_test]
        self._tenancies = [tenancy for tenancy in self._tenancies if not tenancy.is_of_test]
        self._remove(ended)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Remove what is left."""
        self._remove(self._tenancies)
        self._tenancies = []
        remove_if_empty(self._folder)
        if not hasattr(self._config, "workerinput"):
            # Workers leave it to the others; what nobody removes is swept after a day.
            remove_run(self._place.cache, run_id_of(self._config))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what could not be removed."""
        for trouble in self._troubles:
            terminalreporter.line(f"wheeltag: an environment was not removed, {trouble}")

    def _remove(self, tenancies: Sequence[Tenancy]) -> None:
        for tenancy in tenancies:
            if tenancy.is_kept:
                continue
            try:
                tenancy.venv.remove()
            except (WheeltagError, OSError) as error:
                # What a test did to its environment must not end the session.
                self._troubles.append(str(error))


class VenvFactory:
    """Makes throwaway environments: ``factory(python=None, requirements=(), *, constraints=(), …) -> Venv``."""

    def __init__(self, keeper: VenvKeeper) -> None:
        self._keeper = keeper

    def __call__(  # noqa: PLR0913 - the contract of the fixture
        self,
        python: str | os.PathLike[str] | Interpreter | None = None,
        requirements: Sequence[str | os.PathLike[str]] = (),
        *,
        constraints: Sequence[str] = (),
        index_url: str | None = None,
        name: str | None = None,
        link_mode: str | None = None,
        bytecode: str | None = None,
    ) -> Venv:
        """Make an environment of an interpreter (the running one) that holds the requirements.

        ``python`` is a specification like ``3.12``, a path or an ``Interpreter``; ``name`` becomes part of the
        folder's name. Raises ``TypeError`` for a bare string as ``requirements``, ``InterpreterNotFoundError``,
        and what ``Venv.install`` raises.
        """
        request = read_request(requirements, constraints, self._keeper.place.reader)
        if name is not None and (name in {"", ".."} or Path(name).name != name):
            msg = f"name: expected the name of a folder, found: `{name}`"
            raise ValueError(msg)
        interpreter = self._keeper.find(python)
        place = self._choose(link_mode, bytecode)
        venv = self._keeper.make(interpreter, name or interpreter.label, place)
        if not request.is_empty:
            venv.install(*requirements, constraints=constraints, index_url=index_url)
        return venv

    def _choose(self, link_mode: str | None, bytecode: str | None) -> Workplace | None:
        """Give the place where this environment's own wishes count, None where it has none."""
        if link_mode is None and bytecode is None:
            return None
        place = self._keeper.place
        if link_mode is not None:
            mode = parse_link_mode(link_mode, setting="link_mode")
            place = place.with_links(replace(place.options.links, mode=mode))
        if bytecode is not None:
            made = parse_bytecode(bytecode, setting="bytecode")
            place = place.with_options(replace(place.options, bytecode=made))
        return place


class Installer:
    """Our installer for tests: ``resolve`` says which files would be taken, ``install`` puts them in."""

    def __init__(self, keeper: VenvKeeper) -> None:
        self._keeper = keeper

    def resolve(
        self, requirements: Sequence[str | os.PathLike[str]], interpreter: str | Interpreter | None = None
    ) -> Resolution:
        """Give one file for each distribution of the closure; raises ``TypeError`` for a bare string, ``ResolutionError``."""
        place = self._keeper.place
        request = read_request(requirements, (), place.reader)
        return place.provisioner.resolve(request, self._keeper.find(interpreter))

    def install(self, venv: Venv, requirements: Sequence[str | os.PathLike[str]]) -> InstallReport:
        """Install into an environment; raises ``TypeError`` for a bare string, and as ``Venv.install``."""
        read_request(requirements, (), self._keeper.place.reader)
        return venv.install(*requirements)


def keeper_of(config: pytest.Config) -> VenvKeeper:
    """Give the keeper of this process, registered when it is asked for first; a mistaken setting fails the test in one line."""
    plugin = config.pluginmanager.get_plugin("wheeltag-keeper")
    if not isinstance(plugin, VenvKeeper):
        try:
            plugin = VenvKeeper(config)
        except WheeltagError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        config.pluginmanager.register(plugin, "wheeltag-keeper")
    return plugin
