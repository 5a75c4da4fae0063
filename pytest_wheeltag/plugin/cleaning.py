"""When the environments of installers under test go: with the session, unless a check of theirs failed."""

from collections.abc import Callable, Sequence

import pytest

from pytest_wheeltag.courserun import CourseRun
from pytest_wheeltag.plugin.checks import ROOT, Question
from pytest_wheeltag.plugin.places import ProvisionedPlace


class Cleaner:
    """Removes what the installers under test made, when the session is over; on the controller only.

    ``forget_run`` removes what the processes of the run have shared.
    """

    def __init__(self, questions: Sequence[Question], forget_run: Callable[[], None]) -> None:
        self._forget_run = forget_run
        self._places = {
            question.title: question.place
            for question in questions
            if isinstance(question.place, ProvisionedPlace)
        }
        self._failed: set[str] = set()
        self.kept: tuple[str, ...] = ()

    @property
    def _runs(self) -> tuple[CourseRun, ...]:
        return tuple({id(place.run): place.run for place in self._places.values()}.values())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the environments whose checks failed."""
        root, *titles = report.nodeid.split("::")
        if report.failed and root == ROOT and titles and titles[0] in self._places:
            self._failed.add(titles[0])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Remove the environments but those that failed."""
        prefixes = {self._places[title].prefix for title in self._failed} - {""}
        self.kept = tuple(prefix for run in self._runs for prefix in run.clean(prefixes))
        self._forget_run()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where those are that failed."""
        for prefix in dict.fromkeys(self.kept):
            terminalreporter.line(f"kept, since a check failed: {prefix}")
