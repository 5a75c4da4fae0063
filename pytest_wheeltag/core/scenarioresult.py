"""What came of scenarios: which installer did what must be, and which did not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_wheeltag.core.report import InstallerName, Tally
from pytest_wheeltag.core.scenario import Claim, Class, Scenario
from pytest_wheeltag.core.verdict import Outcome


@dataclass(frozen=True)
class ScenarioResult:
    """What came of one scenario on some interpreters, whose labels are in the order of the roles.

    ``message`` says in one line why it failed or was skipped. ``is_cold`` tells, of a failure, whether it shows with
    an empty cache too, so that the cache is not to blame; None where that was not tried.
    """

    installer: InstallerName
    scenario: Scenario
    labels: tuple[str, ...]
    outcome: Outcome
    message: str = ""
    is_cold: bool | None = None

    @property
    def title(self) -> str:
        """The scenario's identifier with the interpreters, as item ids have it."""
        return title_of(self.scenario, self.labels)

    @property
    def key(self) -> tuple[Class, Claim]:
        """What it is counted under: class and property."""
        return self.scenario.class_, self.scenario.claim


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
