"""The list of checks: made once, on the controller, and handed to the workers as text."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_wheeltag.core.interpreter import ExistingEnvironment, interpreter_from_json
from pytest_wheeltag.core.report import Scene, audited_scene, tell_apart


@dataclass(frozen=True)
class PlannedEnvironment:
    """An environment to audit under its id, with the names of the distributions found in it."""

    identifier: str
    environment: ExistingEnvironment
    names: tuple[str, ...]

    @property
    def scene(self) -> Scene:
        """Where its verdicts belong in the report."""
        return audited_scene(self.identifier, self.environment)


@dataclass(frozen=True)
class Plan:
    """All checks of a session, in their order; the same in every process of the run."""

    environments: tuple[PlannedEnvironment, ...]


def plan_audits(
    environments: Iterable[ExistingEnvironment], list_names: Callable[[ExistingEnvironment], Iterable[str]]
) -> Plan:
    """List the checks of existing environments, in the order given."""
    found = tuple(environments)
    identifiers = tell_apart(each.interpreter.label for each in found)
    planned = (
        PlannedEnvironment(identifier, each, tuple(list_names(each)))
        for identifier, each in zip(identifiers, found, strict=True)
    )
    return Plan(tuple(planned))


def dump_plan(plan: Plan) -> str:
    """Write a plan as text, which ``load_plan`` reads back in a worker."""
    return json.dumps([_environment_to_json(each) for each in plan.environments])


def load_plan(text: str) -> Plan:
    """Read back what ``dump_plan`` wrote."""
    return Plan(tuple(_environment_from_json(values) for values in json.loads(text)))


def _environment_to_json(planned: PlannedEnvironment) -> dict[str, object]:
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


def _environment_from_json(values: Mapping[str, Any]) -> PlannedEnvironment:
    environment = ExistingEnvironment(
        values["prefix"],
        interpreter_from_json(values["interpreter"]),
        tuple(values["libraries"]),
        tuple(values["foreign_libraries"]),
        tuple(values["inherited"]),
    )
    return PlannedEnvironment(values["identifier"], environment, tuple(values["names"]))
