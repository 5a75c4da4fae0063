"""What came of scenarios: which installer did what must be, and which did not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_wheeltag.core.invocation import Invocation
from pytest_wheeltag.core.report import InstallerName, Tally
from pytest_wheeltag.core.scenario import Claim, Class, Scenario
from pytest_wheeltag.core.verdict import Outcome, Policy, VerdictKind

# What is said of an installer that fails a scenario, by the property that is asked for.
_VERDICTS = {
    Claim.BEST: VerdictKind.INFERIOR,
    Claim.TRANSPARENT: VerdictKind.OPAQUE,
    Claim.FAITHFUL: VerdictKind.UNFAITHFUL,
    Claim.AGREEING: VerdictKind.DISAGREEING,
    Claim.INTACT: VerdictKind.ALTERED,
}


@dataclass(frozen=True)
class ScenarioResult:
    """What came of one scenario on some interpreters, whose labels are in the order of the roles.

    ``message`` says in one line why it failed or was skipped. ``is_cold`` tells, of a failure, whether it shows with
    an empty cache too, so that the cache is not to blame; None where that was not tried. ``invocations`` are the
    commands that led to a failure; ``accepted`` is true where an accept entry turned it into a pass.
    """

    installer: InstallerName
    scenario: Scenario
    labels: tuple[str, ...]
    outcome: Outcome
    message: str = ""
    is_cold: bool | None = None
    invocations: tuple[Invocation, ...] = ()
    accepted: bool = False

    @property
    def verdict(self) -> VerdictKind:
        """What is said of an installer that fails it: what accept entries name."""
        return _VERDICTS[self.scenario.claim]

    @property
    def title(self) -> str:
        """The scenario's identifier with the interpreters, as item ids have it."""
        return title_of(self.scenario, self.labels)

    @property
    def key(self) -> tuple[Class, Claim]:
        """What it is counted under: class and property."""
        return self.scenario.class_, self.scenario.claim


def settle(result: ScenarioResult, policy: Policy) -> ScenarioResult:
    """Give a result with the outcome that a policy wants: an accept entry names the scenario and the verdict."""
    outcome = result.outcome
    if policy.is_strict and outcome is Outcome.SKIPPED:
        outcome = Outcome.FAILED
    named = (each for each in policy.acceptances if each.kind is result.verdict)
    covering = next((each for each in named if each.name in (None, result.scenario.identifier)), None)
    if covering is None or result.outcome is not Outcome.FAILED:
        return replace(result, outcome=outcome)
    reason = f" (accepted: {covering.reason})" if covering.reason else " (accepted)"
    return replace(result, outcome=Outcome.PASSED, accepted=True, message=result.message + reason)


def pack_result(result: ScenarioResult) -> dict[str, Any]:
    """Turn a result into builtins, which travel between processes; ``unpack_result`` reads them back."""
    scenario = result.scenario
    heads = ("identifier", "title", "class_", "claim", "guards")
    return {
        "installer": vars(result.installer),
        "scenario": {name: str(getattr(scenario, name)) for name in heads},
        "labels": list(result.labels),
        "outcome": str(result.outcome),
        "message": result.message,
        "is_cold": result.is_cold,
        "invocations": [vars(each) for each in result.invocations],
        "accepted": result.accepted,
    }


def unpack_result(packed: Mapping[str, Any]) -> ScenarioResult:
    """Read back what ``pack_result`` gave, with a scenario that has no steps: what reports tell of it is there."""
    head = packed["scenario"]
    claim, class_ = Claim(head["claim"]), Class(head["class_"])
    scenario = Scenario(head["identifier"], head["title"], class_, claim, head["guards"], (), {}, ())
    invocations = ({**each, "command": tuple(each["command"])} for each in packed["invocations"])
    return ScenarioResult(
        InstallerName(**packed["installer"]),
        scenario,
        tuple(packed["labels"]),
        Outcome(packed["outcome"]),
        packed["message"],
        packed["is_cold"],
        tuple(Invocation(**each) for each in invocations),
        packed["accepted"],
    )


def title_of(scenario: Scenario, labels: Iterable[str]) -> str:
    """Give the identifier with the interpreters in brackets; without these where none could be had."""
    joined = "-".join(labels)
    return f"{scenario.identifier}[{joined}]" if joined else scenario.identifier


@dataclass(frozen=True)
class ConformanceReport:
    """What came of all scenarios, by installer, in the order in which they were given."""

    results: tuple[ScenarioResult, ...]

    @property
    def installers(self) -> tuple[InstallerName, ...]:
        """The installers, in the order of their first results."""
        return tuple(dict.fromkeys(result.installer for result in self.results))

    def of(self, installer: InstallerName) -> tuple[ScenarioResult, ...]:
        """Give the results of one installer, sorted by scenario and interpreters."""
        found = (result for result in self.results if result.installer == installer)
        return tuple(sorted(found, key=lambda each: (each.scenario.identifier, each.labels)))

    @property
    def tally(self) -> Tally:
        """How many passed, failed and were skipped."""
        return count(self.results)

    def cells(self) -> Mapping[tuple[Class, Claim], Mapping[InstallerName, Tally]]:
        """Count by class and property, in the order of their names, for each installer."""
        keys = sorted({result.key for result in self.results})
        return {key: {each: self._count(each, key) for each in self.installers} for key in keys}

    def _count(self, installer: InstallerName, key: tuple[Class, Claim]) -> Tally:
        return count(each for each in self.results if each.installer == installer and each.key == key)


def count(results: Iterable[ScenarioResult]) -> Tally:
    """Count outcomes."""
    outcomes = [result.outcome for result in results]
    return Tally(*(outcomes.count(each) for each in (Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED)))
