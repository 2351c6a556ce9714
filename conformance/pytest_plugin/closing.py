"""The end of a run: what all tests found, gathered where pytest was started, told and written as one record."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from conformance.pytest_plugin.planning import PLAN, PLANNER

if TYPE_CHECKING:
    from conformance.pytest_plugin.plan import Plan


@dataclass(slots=True, eq=False)
class Closing:
    """Gathers what tests report, wherever they ran, and closes the run with a record.

    Attributes
    ----------
    examined
        What tests found out, as they sent it, by test.
    ended
        How tests ended that didn't pass: the outcome, and the reason in a line.
    finished
        Tests that ran to their end, or lost their worker.
    plan
        What was to be examined, of the first worker that told; None where this process collects itself.
    lines
        What the terminal's summary is to say.
    """

    config: pytest.Config
    started: float = field(default_factory=perf_counter)
    examined: dict[str, str] = field(default_factory=dict)
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    plan: Plan | None = None
    lines: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test found out, or how it ended. The last word counts, where a test is run again."""
        for name, value in report.user_properties:
            if name == "conformance":
                self.examined[report.nodeid] = str(value)
        self._take(getattr(report, PLAN, None))
        if report.outcome in ("failed", "skipped"):
            self.ended[report.nodeid] = (report.outcome, _reason(report))
        if report.when not in ("setup", "call"):
            self.finished.add(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist may not be installed
        """Take the plan of a worker that ends."""
        self._take(getattr(node, "workeroutput", {}).get("conformance"))

    def _take(self, text: str | None) -> None:
        """Take a plan that a worker sent, unless one is known that says more."""
        if text is not None and (self.plan is None or self.plan.environment is None):
            import msgspec

            from conformance.pytest_plugin.plan import Plan

            self.plan = msgspec.json.decode(text, type=Plan)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the record and the report, and fail the run for what no test of it could fail for."""
        planner = self.config.stash[PLANNER]
        if planner.suites:
            self.plan = planner.plan(session)
        if self.config.getoption("collectonly"):
            return
        if self.plan is None or (self.plan.partial and not self.plan.tests):
            if self.config.getoption("--conformance-report"):
                self.lines = ["No test of this run examines a case, so no report was written."]
            return
        from conformance.pytest_plugin.harvest import Reports, harvested
        from conformance.pytest_plugin.settings import settings_of
        from conformance.report import write_report
        from conformance.report.github import write_github_outputs

        settings = settings_of(self.config)
        reports = Reports(examined=self.examined, ended=self.ended, finished=self.finished)
        harvest = harvested(self.plan, reports, settings, round(perf_counter() - self.started, 3))
        self.lines = list(harvest.lines())
        if settings.report is not None:
            self.lines += [
                f"wrote {path}" for path in write_report(settings.report, harvest.assessment.record)
            ]
        self.lines += write_github_outputs(harvest.assessment)
        if session.exitstatus == pytest.ExitCode.OK and harvest.fails:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell how the run came out, after everything that pytest tells of single tests."""
        if self.lines:
            terminalreporter.section("conformance")
        for line in self.lines:
            terminalreporter.write_line(line)


def _reason(report: pytest.TestReport) -> str:
    """Return in a line why a test that never examined its case was skipped or failed."""
    longrepr: Any = report.longrepr
    if report.when not in ("setup", "call", "teardown"):
        return "The worker process died before this case was finished (killed, out of memory, or a crash in a library)."
    if isinstance(longrepr, tuple):  # of a skip: file, line, reason
        return str(longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(longrepr, "reprcrash", None)
    return f"The test failed before its case was examined: {crash.message if crash else longrepr}"
