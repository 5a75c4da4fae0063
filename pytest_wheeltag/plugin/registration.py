"""Where the checks join a session: settings are read, the plan is made or received, the parts are registered."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_wheeltag.core.interpreter import InterpreterSpec
from pytest_wheeltag.core.report import tell_apart
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.courserun import CourseRun
from pytest_wheeltag.errors import InterpreterError, InterpreterNotFoundError, WheeltagError
from pytest_wheeltag.inspection import Inspector
from pytest_wheeltag.matrix import Course, Stop, list_courses, names_for
from pytest_wheeltag.plugin.checks import Branch, Checks, ask_questions
from pytest_wheeltag.plugin.cleaning import Cleaner
from pytest_wheeltag.plugin.frontage import Frontage
from pytest_wheeltag.plugin.places import AuditedPlace, Berth, Place, ProvisionedPlace
from pytest_wheeltag.plugin.plan import (
    Plan,
    PlannedAudit,
    PlannedConformance,
    PlannedTarget,
    dump_plan,
    load_plan,
)
from pytest_wheeltag.plugin.reporting import Reporter
from pytest_wheeltag.plugin.selection import Selector, take_selection
from pytest_wheeltag.plugin.settings import Settings, read_settings
from pytest_wheeltag.plugin.straying import strayed_configuration
from pytest_wheeltag.plugin.targets import TargetPlace
from pytest_wheeltag.plugin.workroom import RUN_KEY, run_id_of, shared_folder
from pytest_wheeltag.sidetrips import Guides, Sidetrips, remove_sidetrips
from pytest_wheeltag.subjects.newestpip import NewestPip
from pytest_wheeltag.subjects.roster import InstallerSpec, open_subject
from pytest_wheeltag.subjects.subject import Lodging, Subject
from pytest_wheeltag.system.installed import list_names
from pytest_wheeltag.system.run import remove_if_empty, remove_run
from pytest_wheeltag.visit import Visit
from pytest_wheeltag.workplace import Workplace

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_PLAN_KEY = "wheeltag_plan"
_INSTALLERS = "installers"


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
        selection = take_selection(config)
        if settings.is_exclusive:
            config.args.clear()
        place = Workplace(
            settings.sources,
            os.environ,
            run_id_of(config),
            settings.options,
            settings.build_variables,
            ledger=settings.ledger,
        )
        received: str | None = getattr(config, "workerinput", {}).get(_PLAN_KEY)
        plan = _make_plan(settings, place) if received is None else load_plan(received)
        places = (
            *_audited(plan, settings, place),
            *_provisioned(plan, settings, place, config),
            *(TargetPlace(each, settings.request, place.forecaster) for each in plan.targets),
        )
        questions = ask_questions(places, settings.properties, settings.policy)
        branches = _branches(plan, settings, place, config)
        header = (*_describe_sources(settings, place), *strayed_configuration(config))
    plugins = config.pluginmanager
    plugins.register(Checks(questions, branches), "wheeltag-checks")
    if selection.identifiers:
        plugins.register(Selector(selection), "wheeltag-selector")
    if received is None:
        plugins.register(Distributor(dump_plan(plan), run_id_of(config)), "wheeltag-distributor")
        plugins.register(Cleaner(questions, partial(_forget_run, config, place)), "wheeltag-cleaner")
        plugins.register(Reporter(plan, settings.json_file, header), "wheeltag-reporter")


def _describe_sources(settings: Settings, place: Workplace) -> Iterator[str]:
    """Say what is judged by, and where files come from; no index is opened where nothing needs one."""
    if place.ledger is not None:
        yield f"judged by {place.ledger.describe()}, without an index"
        yield from place.ledger.warnings
    if place.ledger is None or settings.stops:
        yield f"files from {place.opened.describe()}; cache {place.cache}"
        yield from place.opened.warnings


def _make_plan(settings: Settings, place: Workplace) -> Plan:
    paths = settings.environments
    is_asked_otherwise = bool(settings.stops or settings.targets or settings.is_conformance)
    if not paths and not is_asked_otherwise:
        paths = (running_environment(),)
    environments = [place.finder.find_environment(path) for path in paths]
    identifiers = tell_apart(each.interpreter.label for each in environments)
    audits = (
        PlannedAudit(identifier, each, list_names(each, inherited=settings.is_inherited))
        for identifier, each in zip(identifiers, environments, strict=True)
    )
    targets = (PlannedTarget(each, names_for(settings.request, each)) for each in settings.targets)
    courses, conformance = _make_courses(settings, place), _plan_conformance(settings, place)
    return Plan(tuple(audits), courses, tuple(targets), conformance)


def _plan_conformance(settings: Settings, place: Workplace) -> PlannedConformance | None:
    if not settings.is_conformance:
        return None
    # Late: who judges environments plays no scenarios.
    from pytest_wheeltag.plugin.conformance import plan_conformance  # noqa: PLC0415

    return plan_conformance(settings, place)


def _branches(plan: Plan, settings: Settings, place: Workplace, config: pytest.Config) -> tuple[Branch, ...]:
    if plan.conformance is None:
        return ()
    from pytest_wheeltag.plugin.conformance import grow_branch  # noqa: PLC0415 - as above

    return (
        grow_branch(plan.conformance, settings, place, partial(shared_folder, config, place, _INSTALLERS)),
    )


def running_environment() -> Path:
    """Give the environment that runs this: its folder where it is a virtual one, else its python."""
    is_virtual = sys.prefix != sys.base_prefix
    return Path(sys.prefix) if is_virtual else Path(sys.executable)


def _make_courses(settings: Settings, place: Workplace) -> tuple[Course, ...]:
    if not settings.stops:
        return ()
    stops = [stop for spec in settings.stops for stop in _find_stops(spec, settings.request, place)]
    return list_courses(stops, settings.orders)


def _find_stops(spec: InterpreterSpec, request: Request, place: Workplace) -> list[Stop]:
    try:
        found = place.finder.find_each(spec)
    except (InterpreterNotFoundError, InterpreterError) as error:
        return [Stop(spec.label, None, names_for(request, None), str(error))]
    return [Stop(each.label, each, names_for(request, each)) for each in found]


def _audited(plan: Plan, settings: Settings, place: Workplace) -> Iterator[Place]:
    for planned in plan.audits:
        yield AuditedPlace(planned, place.auditor, is_inherited=settings.is_inherited)


def _provisioned(plan: Plan, settings: Settings, place: Workplace, config: pytest.Config) -> Iterator[Place]:
    taken = [audit.identifier for audit in plan.audits]
    front = Frontage(place, config)
    inspector = Inspector(place.auditor, _plan_sidetrips(settings, front, config))
    for order, course in enumerate(plan.courses):
        locate = partial(shared_folder, config, place, f"course-{order}")
        home = partial(shared_folder, config, place, _INSTALLERS)
        opening = partial(_open_subject, settings.installer, front, home)
        run = CourseRun(course, settings.request, locate, opening)
        for number, identifier in enumerate(_identifiers(course, plan.courses, taken)):
            berth = Berth(Visit(run, number), identifier, settings.missing_outcome)
            yield ProvisionedPlace(berth, inspector)


def _plan_sidetrips(settings: Settings, front: Frontage, config: pytest.Config) -> Sidetrips:
    """Say how the installer under test goes with an empty cache, and how pip does."""
    place, spec = front.place, settings.installer

    def lodge(folder: Path) -> Lodging:
        return Lodging(shared_folder(config, place, _INSTALLERS), folder / "cache", place)

    guides = Guides(
        lambda folder: open_subject(spec, front.place_for(spec), lodge(folder)),
        lambda interpreter, folder: NewestPip(front.served, lodge(folder), interpreter),
    )
    return Sidetrips(settings.request, partial(shared_folder, config, place), guides)


def _open_subject(spec: InstallerSpec, front: Frontage, locate: Callable[[], Path], folder: Path) -> Subject:
    """Open the installer under test: itself it is fetched once per run, its cache is the course's own."""
    # Ours is tested with the cache that fixtures and commands use.
    cache = front.place.cache if spec.name == "wheeltag" else folder / "cache"
    return open_subject(spec, front.place_for(spec), Lodging(locate(), cache, front.place))


def _forget_run(config: pytest.Config, place: Workplace) -> None:
    """Remove what the processes of the run have shared: the installers under test, and what was seen of indexes."""
    remove_sidetrips(partial(shared_folder, config, place))
    installers = shared_folder(config, place, _INSTALLERS)
    shutil.rmtree(installers, ignore_errors=True)
    remove_if_empty(installers)
    remove_run(place.cache, run_id_of(config))


def _identifiers(course: Course, courses: Sequence[Course], taken: Sequence[str]) -> tuple[str, ...]:
    # Audited environments come first in the report, so a label that both have is numbered here.
    numbered = tell_apart((*(each.partition("@")[0] for each in taken), *course.labels))[len(taken) :]
    order = f"[{course.name}]" if len(courses) > 1 else ""
    return tuple(f"{each}{order}" for each in numbered)


@dataclass(frozen=True)
class Distributor:
    """Hands the plan to every worker, so that all collect the same."""

    plan: str
    run_id: str

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: "WorkerController") -> None:
        """Give the plan along to a worker that is about to start."""
        node.workerinput[_PLAN_KEY] = self.plan
        node.workerinput[RUN_KEY] = self.run_id
