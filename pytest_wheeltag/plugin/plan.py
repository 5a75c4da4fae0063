"""The list of checks: made once, on the controller, and handed to the workers as text."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_wheeltag.core.foreign import Target, parse_target
from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter, interpreter_from_json
from pytest_wheeltag.core.report import Scene, audited_scene
from pytest_wheeltag.matrix import Course, Stop

DEPENDENCIES = "[dependencies]"
"""The item that judges what was installed beside the named requirements."""


@dataclass(frozen=True)
class PlannedAudit:
    """An environment to audit under its id, with the names of the distributions found in it."""

    identifier: str
    environment: ExistingEnvironment
    names: tuple[str, ...]

    @property
    def scene(self) -> Scene:
        """Where its verdicts belong in the report."""
        return audited_scene(self.identifier, self.environment)


@dataclass(frozen=True)
class PlannedConformance:
    """The scenarios that an installer, named as the user did, is put to, on which interpreters.

    ``titles`` are those of the items; ``missing`` has the label of each interpreter that was not found, with the reason.
    """

    installer: str
    interpreters: tuple[Interpreter, ...]
    titles: tuple[str, ...]
    missing: tuple[tuple[str, str], ...] = ()

    def describe(self) -> str:
        """Say in one line who plays what."""
        labels = ", ".join(each.label for each in self.interpreters) or "nothing"
        return f"{self.installer}: {len(self.titles)} scenarios on {labels}"


@dataclass(frozen=True)
class PlannedTarget:
    """A target with the names of the requirements that hold on it."""

    target: Target
    names: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All checks of a session, in their order; the same in every process of the run."""

    audits: tuple[PlannedAudit, ...] = ()
    courses: tuple[Course, ...] = ()
    targets: tuple[PlannedTarget, ...] = ()
    conformance: PlannedConformance | None = None

    @property
    def has_environments(self) -> bool:
        """Whether environments are judged, those of targets included."""
        return bool(self.audits or self.courses or self.targets)

    @property
    def has_checks(self) -> bool:
        """Whether there is anything to check."""
        is_planned = bool(self.courses or self.targets or self.conformance)
        return is_planned or any(audit.names for audit in self.audits)

    def describe(self) -> str:
        """Say in one line what will be judged."""
        audits = [f"{each.identifier} ({len(each.names)} distributions)" for each in self.audits]
        courses = [f"{' → '.join(course.labels)} ({course.name})" for course in self.courses]
        targets = [f"{count} target{'s' * (count != 1)}"] if (count := len(self.targets)) else []
        played = [self.conformance.describe()] if self.conformance else []
        return ", ".join([*audits, *courses, *targets, *played]) or "nothing to judge"


def dump_plan(plan: Plan) -> str:
    """Write a plan as text, which ``load_plan`` reads back in a worker."""
    audits = [_dump_audit(each) for each in plan.audits]
    courses = [
        {"name": each.name, "stops": [_dump_stop(stop) for stop in each.stops]} for each in plan.courses
    ]
    targets = [{"target": each.target.label, "names": each.names} for each in plan.targets]
    conformance = plan.conformance and _dump_conformance(plan.conformance)
    planned = {"audits": audits, "courses": courses, "targets": targets, "conformance": conformance}
    return json.dumps(planned)


def load_plan(text: str) -> Plan:
    """Read back what ``dump_plan`` wrote."""
    values = json.loads(text)
    return Plan(
        tuple(_load_audit(each) for each in values["audits"]),
        tuple(Course(each["name"], _load_stops(each["stops"])) for each in values["courses"]),
        tuple(
            PlannedTarget(parse_target(each["target"]), tuple(each["names"])) for each in values["targets"]
        ),
        values["conformance"] and _load_conformance(values["conformance"]),
    )


def _dump_conformance(planned: PlannedConformance) -> dict[str, object]:
    interpreters = [each.to_json() for each in planned.interpreters]
    return {**vars(planned), "interpreters": interpreters}


def _load_conformance(values: Mapping[str, Any]) -> PlannedConformance:
    return PlannedConformance(
        values["installer"],
        tuple(map(interpreter_from_json, values["interpreters"])),
        tuple(values["titles"]),
        tuple((label, problem) for label, problem in values["missing"]),
    )


def _dump_audit(planned: PlannedAudit) -> dict[str, object]:
    environment = planned.environment
    return {
        "identifier": planned.identifier,
        "names": planned.names,
        "prefix": environment.prefix,
        "interpreter": environment.interpreter.to_json(),
        "libraries": environment.libraries,
        "foreign_libraries": environment.foreign_libraries,
        "inherited": environment.inherited,
    }


def _load_audit(values: Mapping[str, Any]) -> PlannedAudit:
    environment = ExistingEnvironment(
        values["prefix"],
        interpreter_from_json(values["interpreter"]),
        tuple(values["libraries"]),
        tuple(values["foreign_libraries"]),
        tuple(values["inherited"]),
    )
    return PlannedAudit(values["identifier"], environment, tuple(values["names"]))


def _dump_stop(stop: Stop) -> dict[str, object]:
    interpreter = stop.interpreter and stop.interpreter.to_json()
    return {"label": stop.label, "interpreter": interpreter, "names": stop.names, "problem": stop.problem}


def _load_stops(stops: Iterable[Mapping[str, Any]]) -> tuple[Stop, ...]:
    return tuple(map(_load_stop, stops))


def _load_stop(values: Mapping[str, Any]) -> Stop:
    interpreter = values["interpreter"] and interpreter_from_json(values["interpreter"])
    return Stop(values["label"], interpreter, tuple(values["names"]), values["problem"])
