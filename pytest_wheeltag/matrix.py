"""Interpreters in their orders, and an installer on its way through them: which environments it makes, and what came of each."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import permutations
from pathlib import Path
from typing import Any

from pytest_wheeltag.core.account import Account, account_from_json
from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.core.locked import list_names
from pytest_wheeltag.core.markers import MarkerJudge
from pytest_wheeltag.core.report import (
    InstallerName,
    InterpreterSummary,
    Scene,
    summarize_interpreter,
    tell_apart,
)
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand
from pytest_wheeltag.core.verdict import VerdictKind
from pytest_wheeltag.errors import (
    CatalogueError,
    InapplicableError,
    OfflineError,
    UninstallableError,
    UsageError,
)
from pytest_wheeltag.subjects.subject import Subject
from pytest_wheeltag.system.environment import Environment

_MOST_FOR_ALL = 4


class Orders(StrEnum):
    """Which orders of the interpreters are tried: an installer's cache may know what came before."""

    GIVEN = "given"
    BOTH = "both"
    ALL = "all"


@dataclass(frozen=True)
class Stop:
    """One interpreter on the way through an order; ``interpreter`` is None where ``label`` was not found.

    ``names`` are the requirements that hold on it, normalised and sorted; ``problem`` says why there is no
    interpreter.
    """

    label: str
    interpreter: Interpreter | None
    names: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True)
class Course:
    """Interpreters in one order, through which one installer goes with one cache; ``name`` is the order's."""

    name: str
    stops: tuple[Stop, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the interpreters, in the order."""
        return tuple(stop.label for stop in self.stops)


@dataclass(frozen=True)
class Arrival:
    """What came of one stop: the environment's folder, or why there is none, with the verdict that follows.

    ``account`` is what the installer said of it.
    """

    prefix: str = ""
    problem: str = ""
    kind: VerdictKind = VerdictKind.UNINSTALLABLE
    account: Account = field(default_factory=Account)


@dataclass(frozen=True)
class CourseOutcome:
    """What came of each stop of a course, and which installer went through it."""

    arrivals: tuple[Arrival, ...]
    installer: InstallerName


def dump_outcome(outcome: CourseOutcome) -> str:
    """Write an outcome as text, which ``load_outcome`` reads back in another process."""
    arrivals = [{**vars(each), "account": each.account.to_json()} for each in outcome.arrivals]
    return json.dumps({"arrivals": arrivals, "installer": vars(outcome.installer)})


def load_outcome(text: str) -> CourseOutcome:
    """Read back what ``dump_outcome`` wrote."""
    values = json.loads(text)
    return CourseOutcome(tuple(map(_load_arrival, values["arrivals"])), InstallerName(**values["installer"]))


def _load_arrival(values: Mapping[str, Any]) -> Arrival:
    told = {"kind": VerdictKind(values["kind"]), "account": account_from_json(values["account"])}
    return Arrival(**{**values, **told})


def list_courses(stops: Sequence[Stop], orders: Orders) -> tuple[Course, ...]:
    """List the courses through some interpreters; an order that is another's equal is left out.

    Raises ``UsageError`` for ``all`` of more than four.
    """
    given = Course(Orders.GIVEN, tuple(stops))
    backwards = Course("reversed", given.stops[::-1])
    if orders is Orders.GIVEN or len(set(stops)) < 2:  # noqa: PLR2004 - one has no other order
        return (given,)
    if orders is Orders.BOTH:
        return (given, backwards) if backwards.stops != given.stops else (given,)
    if len(stops) > _MOST_FOR_ALL:
        raise UsageError("--wheeltag-orders", orders, f"`both` for more than {_MOST_FOR_ALL} interpreters")
    # Several interpreters may have one label: only told apart they give every order a name of its own.
    different = tuple(dict.fromkeys(stops))
    named = dict(zip(different, tell_apart(stop.label for stop in different), strict=True))
    every = dict.fromkeys(permutations(stops))
    return tuple(Course("-".join(named[stop] for stop in order), order) for order in every)


def names_for(request: Request, interpreter: Interpreter | None) -> tuple[str, ...]:
    """Name what a request wants of an interpreter: requirements whose marker does not hold are left out.

    Raises ``UsageError`` for a marker that cannot be decided.
    """
    if request.lock is not None:
        return list_names(request.lock, interpreter)
    judge = MarkerJudge(interpreter) if interpreter is not None else None
    wanted = {demand.name for demand in request.requirements if judge is None or _holds(demand, judge)}
    return tuple(sorted(wanted))


def _holds(demand: Demand | UnnamedDemand, judge: MarkerJudge) -> bool:
    try:
        return judge.holds(str(demand.marker or ""))
    except ValueError as error:
        raise UsageError(demand.origin, str(demand.marker), "a marker that can be decided") from error


def travel(course: Course, subject: Subject, request: Request, folder: Path) -> Iterator[Arrival]:
    """Let an installer make the environments of a course below ``folder``, one after the other."""
    for number, stop in enumerate(course.stops):
        prefix = folder / f"{number}-{stop.label}"
        if stop.interpreter is None:
            problem = stop.problem or "the interpreter was not found"
            yield Arrival(problem=problem, kind=VerdictKind.MISSING_PYTHON)
            continue
        try:
            account = subject.provision(prefix, stop.interpreter, request)
        except UninstallableError as error:
            account = Account(error.invocations)
            yield Arrival(problem=str(error), kind=_kind_of(error), account=account)
        else:
            yield Arrival(prefix=str(prefix), account=account)


def _kind_of(error: UninstallableError) -> VerdictKind:
    """Tell an index that could not be asked from a request that cannot be satisfied, as far as the installer tells."""
    # What it cannot be told is nothing that it does wrong.
    if isinstance(error, InapplicableError) or isinstance(error.__cause__, OfflineError):
        return VerdictKind.UNKNOWN
    return (
        VerdictKind.UNREACHABLE if isinstance(error.__cause__, CatalogueError) else VerdictKind.UNINSTALLABLE
    )


def environment_at(stop: Stop, arrival: Arrival) -> ExistingEnvironment:
    """Describe the environment that was made at a stop, to be looked at."""
    if stop.interpreter is None:
        msg = f"expected an interpreter, found none: `{stop.label}`"
        raise ValueError(msg)
    return Environment(Path(arrival.prefix), stop.interpreter).as_existing()


def scene_at(course: Course, number: int, identifier: str, installer: InstallerName) -> Scene:
    """Give where the verdicts of a stop belong in the report."""
    stop = course.stops[number]
    summary = summarize_interpreter(stop.interpreter) if stop.interpreter else InterpreterSummary(stop.label)
    return Scene(identifier, "provisioned", summary, installer=installer, order=course.labels)
