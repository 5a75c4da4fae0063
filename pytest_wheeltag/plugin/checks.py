"""The checks as pytest items: collected from the plan, judged one by one, in every process of a run."""

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.audit import Auditor
from pytest_wheeltag.core.report import pack
from pytest_wheeltag.core.verdict import (
    InstalledDistribution,
    MalformedDistribution,
    Outcome,
    Policy,
    Verdict,
)
from pytest_wheeltag.plugin.plan import Plan, PlannedEnvironment
from pytest_wheeltag.system.installed import read_installed

ROOT = "wheeltag"
PROPERTY = "wheeltag"
"""The user property under which a finding rides on a report, as JSON."""


class CheckFailedError(Exception):
    """A check failed; its text is the verdict's message."""


class EnvironmentUnderAudit:
    """One planned environment while its checks run: read and asked about once, judged item by item."""

    def __init__(self, planned: PlannedEnvironment, auditor: Auditor, *, is_inherited: bool) -> None:
        self.planned = planned
        self.wanted: frozenset[str] = frozenset(planned.names)
        self._auditor = auditor
        self._is_inherited = is_inherited

    @cached_property
    def _distributions(self) -> dict[str, InstalledDistribution]:
        found = read_installed(self.planned.environment, inherited=self._is_inherited)
        by_name = {canonicalize_name(each.name): each for each in found}
        wanted = (by_name[name] for name in sorted(self.wanted & by_name.keys()))
        self._auditor.prefetch(wanted, self.planned.environment.interpreter)
        return dict(by_name)

    def judge(self, name: str) -> Verdict:
        """Judge the distribution of this name as it lies on disk now."""
        gone = MalformedDistribution(name, "", "it was there when the checks were collected and is gone now")
        distribution = self._distributions.get(name, gone)
        return self._auditor.judge(distribution, self.planned.environment.interpreter)


class CheckItem(pytest.Item):
    """One distribution in one environment."""

    def __init__(self, *, environment: EnvironmentUnderAudit, policy: Policy, **keywords: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**keywords)
        self.environment = environment
        self._policy = policy
        self.add_marker("wheeltag")

    def runtest(self) -> None:
        """Judge, keep the finding for the report, and pass, skip or fail."""
        verdict = self._policy.apply(self.environment.judge(self.name))
        finding = pack(self.environment.planned.scene, verdict)
        self.user_properties.append((PROPERTY, json.dumps(finding)))
        if verdict.outcome is Outcome.SKIPPED:
            reason = f"{verdict.kind}: {verdict.message}"
            raise pytest.skip.Exception(reason, _use_item_location=True)
        if verdict.outcome is Outcome.FAILED:
            raise CheckFailedError(verdict.message)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401 - pytest's own
        """Show a verdict as its message alone: where in our code it was found helps nobody."""
        if isinstance(excinfo.value, CheckFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Name the item in headlines; not by its id, in which pytest would take the version for a module's name."""
        return self.path, 0, f"{self.name} on {self.environment.planned.identifier}"


class EnvironmentCollector(pytest.Collector):
    """The checks of one environment."""

    def __init__(self, *, environment: EnvironmentUnderAudit, policy: Policy, **keywords: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**keywords)
        self._environment = environment
        self._policy = policy

    def collect(self) -> Iterator[pytest.Item]:
        """Give one item per distribution."""
        for name in self._environment.planned.names:
            yield CheckItem.from_parent(self, name=name, environment=self._environment, policy=self._policy)


class RootCollector(pytest.Collector):
    """All checks, beside the test modules of the session."""

    def __init__(
        self, *, environments: Iterable[EnvironmentUnderAudit], policy: Policy, **keywords: Any
    ) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**keywords)
        self._environments = tuple(environments)
        self._policy = policy

    def collect(self) -> Iterator[pytest.Collector]:
        """Give one collector per environment."""
        for each in self._environments:
            yield EnvironmentCollector.from_parent(
                self, name=each.planned.identifier, environment=each, policy=self._policy
            )


class Checks:
    """Brings the planned checks into a session; one in every process."""

    def __init__(self, plan: Plan, auditor: Auditor, policy: Policy, *, is_inherited: bool) -> None:
        self._policy = policy
        self._environments = tuple(
            EnvironmentUnderAudit(planned, auditor, is_inherited=is_inherited)
            for planned in plan.environments
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        """Add the checks to what the session itself collects."""
        report: pytest.CollectReport = yield  # type: ignore[misc, assignment]  # the hook's result is sent in
        if isinstance(collector, pytest.Session) and report.passed:
            root = RootCollector.from_parent(
                collector,
                name=ROOT,
                nodeid=ROOT,
                # No file: the name that stands before the reason in a summary of skips.
                path=collector.path / ROOT,
                environments=self._environments,
                policy=self._policy,
            )
            report.result = [*report.result, root]
        return report  # type: ignore[return-value]  # a wrapper's result

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember which distributions were selected: only their pages are fetched."""
        selected: dict[int, set[str]] = {}
        for item in session.items:
            if isinstance(item, CheckItem):
                selected.setdefault(id(item.environment), set()).add(item.name)
        for each in self._environments:
            each.wanted = frozenset(selected.get(id(each), ()))
