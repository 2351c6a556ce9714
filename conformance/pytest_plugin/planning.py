"""What a run is to examine: which tests stand for which case and subject, in an order that no worker changes.

Every process that collects makes the same plan. Workers of pytest-xdist send theirs to the controller, which
collects nothing itself: with the report of their first test, since they may not live to their end, and at the end,
since they may have no test. Heavy imports wait until a test asks for a case: this module is loaded by every pytest run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.cases import Case
    from conformance.pytest_plugin.plan import Plan, Planned
    from conformance.record import Environment
    from conformance.runs.gate import Pair
    from conformance.subjects.observation import Subject

ARGUMENTS = ("conformance_case", "conformance_subject")
PLAN = "conformance_plan"
"""The attribute of a report that carries a plan from worker to controller, as JSON."""


@dataclass(slots=True, eq=False)
class Planner:
    """Notes what is parametrised and collected in this process.

    `pairs` are all cases and subjects of the tests' suites, `parametrised` counts the tests of this shard.
    """

    config: pytest.Config
    suites: dict[str, None] = field(default_factory=dict)
    pairs: dict[Pair, None] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    parametrised: int = 0
    collected: list[pytest.Item] = field(default_factory=list)
    announced: bool = False
    environment: Environment | None = None

    def note(self, suite: str, cases: list[Case], subjects: list[Subject], count: int) -> None:
        """Note that a test is parametrised: its cases before shards are split off, how often it runs in ours."""
        self.suites[suite] = None
        self.parametrised += count
        self.pairs |= {(case.id, subject.name): None for case in cases for subject in subjects}
        self.descriptions |= {subject.name: subject.description for subject in subjects}

    def look_around(self) -> None:
        """Note the environment, as it is while cases are examined."""
        from conformance.record.environment import environment

        self.environment = self.environment or environment()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note the tests in the order of their definition, before anyone deselects or shuffles them."""
        self.collected = [item for item in items if _planned(item) is not None]

    def plan(self, session: pytest.Session) -> Plan:
        """Return the plan of this process."""
        from conformance.pytest_plugin.plan import Plan
        from conformance.pytest_plugin.settings import settings_of

        kept = {item.nodeid for item in session.items}
        tests = [planned for item in self.collected if item.nodeid in kept and (planned := _planned(item))]
        settings = settings_of(self.config)
        expected = settings.gate.expectations
        stale = () if settings.case_ids else expected.unmatched(self.pairs)
        return Plan(
            suites=list(self.suites),
            descriptions=self.descriptions,
            tests=tests,
            partial=len(tests) < self.parametrised,
            stale=[expected.entries.index(entry) for entry in stale],
            environment=self.environment,
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[pytest.TestReport]:
        """Send the plan to the controller with the first test that examines something, once that is set up."""
        report = yield
        if hasattr(self.config, "workerinput") and not self.announced and _planned(item) is not None:
            self.announced = True
            setattr(report, PLAN, self._sent(item.session))
        return report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the plan to the controller, if there is one."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None and self.suites:
            output["conformance"] = self._sent(session)

    def _sent(self, session: pytest.Session) -> str:
        import msgspec

        return msgspec.json.encode(self.plan(session)).decode()


PLANNER = pytest.StashKey[Planner]()


def parametrise(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each case and subject, all subjects of a case in a row."""
    from conformance.pytest_plugin.settings import settings_of

    settings = settings_of(metafunc.config)
    subjects, suite = _marked(metafunc.definition)
    subjects = subjects or settings.named_subjects()
    cases = settings.cases(suite)
    calls = [
        pytest.param(case, subject, id=f"{case.id}-{subject.name}")
        for case in cases
        if settings.shard is None or settings.shard.has(case)
        for subject in subjects
    ]
    if "conformance_check" in metafunc.fixturenames:
        metafunc.config.stash[PLANNER].note(settings.suite_name(suite), cases, subjects, len(calls))
    metafunc.parametrize(ARGUMENTS, calls)


def _marked(definition: pytest.Item) -> tuple[list[Subject], str]:
    """Return the subjects and the suite that the marker `conformance` of a test names.

    Raises
    ------
    pytest.UsageError
        If the marker is given anything else.
    """
    from conformance.cases import SUITES
    from conformance.subjects.observation import Subject

    marker = definition.get_closest_marker("conformance") or pytest.mark.conformance
    subjects, named = list(marker.args), dict(marker.kwargs)
    suite = named.pop("suite", "smoke")
    if named:
        _refuse(definition, f"it takes subjects and suite=, but got {', '.join(named)}=")
    if suite not in SUITES:
        _refuse(definition, f"there is no suite {suite!r}; choose from {', '.join(SUITES)}")
    for subject in subjects:
        if isinstance(subject, type) or not isinstance(subject, Subject):
            hint = ", a class: call it" if isinstance(subject, type) else ""
            _refuse(
                definition,
                "expected subjects, which are objects with a name, a description and a method run(problem) that "
                f"returns an Observation; got {subject!r}{hint}",
            )
    return subjects, suite


def _refuse(definition: pytest.Item, complaint: str) -> None:
    message = f"@pytest.mark.conformance of {definition.nodeid}: {complaint}."
    raise pytest.UsageError(message)


def _planned(item: pytest.Item) -> Planned | None:
    """Return what a test stands for; None if it examines nothing of ours, or its set of cases is empty."""
    call: Any = getattr(item, "callspec", None)
    if "conformance_check" not in getattr(item, "fixturenames", ()) or call is None:
        return None
    case, subject = (call.params.get(name) for name in ARGUMENTS)
    if not hasattr(case, "id"):
        return None
    from conformance.pytest_plugin.plan import Planned

    return Planned(test=item.nodeid, case=case.id, subject=subject.name)
