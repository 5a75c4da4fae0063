"""Targets as places of checks: interpreters that are not here, of which it is foreseen what they would take."""

from collections.abc import Mapping
from functools import cached_property

from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.prospect import Forecast
from pytest_wheeltag.core.report import Scene, target_scene
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.core.verdict import Property, Verdict, VerdictKind
from pytest_wheeltag.forecast import Forecaster
from pytest_wheeltag.plugin.plan import DEPENDENCIES, PlannedTarget


class TargetPlace:
    """A target, foreseen once in each process that runs an item of it."""

    is_here = False
    account = Account()

    def __init__(self, planned: PlannedTarget, request: Request, forecaster: Forecaster) -> None:
        self.identifier = planned.target.label
        self.names = (*planned.names, DEPENDENCIES)
        self.selected: frozenset[str] = frozenset(self.names)
        self._target = planned.target
        self._named = planned.names
        self._request = request
        self._forecaster = forecaster

    @cached_property
    def scene(self) -> Scene:
        """Where its verdicts belong in the report."""
        return target_scene(self._target)

    def judge(self, name: str, asked: Property) -> tuple[Verdict, ...]:  # noqa: ARG002 - nothing but `best` is asked
        """Judge one named requirement, or everything that it would take besides."""
        if name != DEPENDENCIES:
            return (self._named_verdicts[name],)
        named = {verdict.name for verdict in self._named_verdicts.values()}
        return tuple(verdict for verdict in self._verdicts.values() if verdict.name not in named)

    def describe_absence(self) -> str:
        """Say why nothing is foreseen, empty where something is."""
        return self._forecast.problem

    @cached_property
    def _forecast(self) -> Forecast:
        return self._forecaster.forecast(self._request, self._target)

    @cached_property
    def _verdicts(self) -> Mapping[str, Verdict]:
        return {verdict.name: verdict for verdict in self._forecast.verdicts(self._named)}

    @cached_property
    def _named_verdicts(self) -> Mapping[str, Verdict]:
        return {name: self._find(name) for name in self._named}

    def _find(self, name: str) -> Verdict:
        """Find what came of a requirement, be it by path or address, if its project is called otherwise than its file."""
        asked = self._request.requirements
        references = {each.reference for each in asked if each.reference and each.name == name}
        direct = (
            each.name
            for each in self._forecast.prospects
            if each.choice and each.choice.reference in references
        )
        found = self._verdicts.get(name) or self._verdicts.get(next(direct, ""))
        if found is not None:
            return found
        kind, message = (
            VerdictKind.UNINSTALLABLE,
            f"{name} on {self.identifier}: nothing would be taken for it",
        )
        return Verdict(name, "", kind, kind.outcome, message)
