"""Where the checks join a session: settings are read, the plan is made or received, the parts are registered."""

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_wheeltag.audit import Auditor
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.errors import WheeltagError
from pytest_wheeltag.plugin.checks import Checks
from pytest_wheeltag.plugin.plan import Plan, dump_plan, load_plan, plan_audits
from pytest_wheeltag.plugin.reporting import Reporter
from pytest_wheeltag.plugin.selection import Selector, take_selection
from pytest_wheeltag.plugin.settings import SETTINGS_KEY, Settings, read_settings
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.installed import list_names
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.system.sources import open_sources

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_PLAN_KEY = "wheeltag_plan"


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Turn our errors into pytest's: one line, exit status 4."""
    try:
        yield
    except WheeltagError as error:
        raise pytest.UsageError(str(error)) from error


def register(config: pytest.Config) -> None:
    """Register what this process needs: the checks in every process, the report on the controller only."""
    with _usage_errors():
        settings = read_settings(config)
        config.stash[SETTINGS_KEY] = settings
        selection = take_selection(config.args)
        if settings.is_exclusive:
            config.args.clear()
        received: str | None = getattr(config, "workerinput", {}).get(_PLAN_KEY)
        plan = _make_plan(settings) if received is None else load_plan(received)
        opened = open_sources(settings.sources, os.environ, _run_id(config))
        auditor = Auditor(opened.catalogue, exclude_newer=opened.exclude_newer)
    plugins = config.pluginmanager
    plugins.register(
        Checks(plan, auditor, settings.policy, is_inherited=settings.is_inherited), "wheeltag-checks"
    )
    if selection.identifiers:
        plugins.register(Selector(selection), "wheeltag-selector")
    if received is None:
        plugins.register(Distributor(dump_plan(plan)), "wheeltag-distributor")
        header = f"files from {opened.describe()}; cache {settings.sources.cache}"
        plugins.register(Reporter(plan, settings.json_file, header), "wheeltag-reporter")


def _run_id(config: pytest.Config) -> str:
    """Name the run: the snapshot of the indexes is kept under it for all its processes."""
    worker: dict[str, str] = getattr(config, "workerinput", {})
    return worker.get("testrunuid") or uuid.uuid4().hex


def _make_plan(settings: Settings) -> Plan:
    finder = InterpreterFinder(settings.sources.cache, this_machine(os.environ))
    paths = settings.environments or (running_environment(),)
    environments = tuple(finder.find_environment(path) for path in paths)

    def names(environment: ExistingEnvironment) -> tuple[str, ...]:
        return list_names(environment, inherited=settings.is_inherited)

    return plan_audits(environments, names)


def running_environment() -> Path:
    """Give the environment that runs this: its folder where it is a virtual one, else its python."""
    is_virtual = sys.prefix != sys.base_prefix
    return Path(sys.prefix) if is_virtual else Path(sys.executable)


@dataclass(frozen=True)
class Distributor:
    """Hands the plan to every worker, so that all collect the same."""

    plan: str

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: "WorkerController") -> None:
        """Give the plan along to a worker that is about to start."""
        node.workerinput[_PLAN_KEY] = self.plan
