"""What the controller shows of the checks: header, summary, JSON report, and that nothing judged is never green."""

import json
from pathlib import Path
from shutil import get_terminal_size

import pytest

from pytest_wheeltag.core.coverage import measure_coverage
from pytest_wheeltag.core.report import AuditReport, Scene, Tally, collect_report, unpack
from pytest_wheeltag.core.scenarioresult import ConformanceReport, ScenarioResult, unpack_result
from pytest_wheeltag.core.verdict import Verdict
from pytest_wheeltag.plugin.checks import FINDING, RESULT, ROOT
from pytest_wheeltag.plugin.plan import Plan
from pytest_wheeltag.reports.conformance import render_accepted, render_conformance_totals, render_table
from pytest_wheeltag.reports.coverage import render_coverage
from pytest_wheeltag.reports.json_report import render_json
from pytest_wheeltag.reports.terminal import render_summary, render_totals
from pytest_wheeltag.system.files import publish_text


class Reporter:
    """Gathers the findings that ride on test reports, from this process or from workers."""

    def __init__(self, plan: Plan, json_file: Path | None, header: tuple[str, ...]) -> None:
        self._plan = plan
        self._json_file = json_file
        self._header = header
        self._findings: list[tuple[Scene, Verdict]] = []
        # By value: `--dist each` gives the same twice.
        self._results: dict[str, ScenarioResult] = {}
        self._is_collecting_only = False
        self._selected = 0
        self._problem = ""

    @property
    def report(self) -> AuditReport:
        """What was judged so far."""
        return collect_report(self._findings)

    @property
    def conformance(self) -> ConformanceReport | None:
        """What came of the scenarios so far, None where none were asked for."""
        return ConformanceReport(tuple(self._results.values())) if self._plan.conformance else None

    @property
    def _is_unjudged(self) -> bool:
        played = self.conformance
        return self.report.tally.is_unjudged and (played is None or played.tally.is_unjudged)

    def pytest_report_header(self) -> list[str]:
        """Say what will be audited, and against what."""
        return [f"wheeltag: {line}" for line in (self._plan.describe(), *self._header)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the finding off a report."""
        if report.nodeid.split("::")[0] != ROOT or report.when != "call":
            return
        self._selected += 1
        packed = [value for name, value in report.user_properties if name == FINDING]
        self._findings += [unpack(json.loads(str(value))) for value in packed]
        played = [str(value) for name, value in report.user_properties if name == RESULT]
        self._results |= {each: unpack_result(json.loads(each)) for each in played}

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the report, and turn a session that judged nothing red."""
        self._is_collecting_only = bool(session.config.getoption("collectonly"))
        if self._is_collecting_only:
            return
        if not self._is_written():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        has_nothing = not self._plan.has_checks
        is_green = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if is_green and (has_nothing or self._selected) and self._is_unjudged:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the summary."""
        if self._is_collecting_only or (self._plan.has_checks and not self._selected):
            return
        terminalreporter.section("wheeltag", sep="-")
        is_verbose = terminalreporter.verbosity > 0
        if self._plan.has_environments or not self._plan.conformance:
            for line in render_summary(self.report, is_verbose=is_verbose):
                terminalreporter.line(line)
            for line in render_coverage(measure_coverage(self.report), get_terminal_size().columns):
                terminalreporter.line(line)
            _show_totals(terminalreporter, render_totals(self.report), self.report.tally)
        if (played := self.conformance) is not None:
            for line in (*render_table(played), *render_accepted(played)):
                terminalreporter.line(line)
            _show_totals(terminalreporter, render_conformance_totals(played), played.tally)
        if self._json_file is not None:
            terminalreporter.line(f"report: {self._problem or self._json_file}", red=bool(self._problem))

    def _is_written(self) -> bool:
        """Write the JSON report where one is wanted, and tell whether that went well."""
        try:
            if self._json_file is not None:
                publish_text(self._json_file, render_json(self.report, self.conformance))
        except OSError as error:
            self._problem = f"it cannot be written, {error.strerror}: `{self._json_file}`"
        return not self._problem


def _show_totals(terminalreporter: pytest.TerminalReporter, line: str, tally: Tally) -> None:
    is_bad = bool(tally.failed or tally.is_unjudged)
    terminalreporter.line(line, red=is_bad, green=not is_bad)
