"""The pytest plugin: the cases of a suite as tests of a subject, with a record and a report of the whole run.

    @pytest.mark.conformance(MyRNN(), suite="smoke")
    def test_my_rnn_conforms(conformance_check):
        conformance_check()

Nothing of this package is imported at the top, so that coverage and import hooks see it imported later, and
that runs which don't use it pay nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.cases import Case
    from conformance.record import CaseRecord
    from conformance.subjects.observation import Subject

MARKER = (
    "conformance(*subjects, suite='smoke'): run the test once for every case of a suite and every subject; "
    "use the fixture conformance_check in it"
)


OPTIONS = ("suite", "subject", "case", "seed", "shard", "report", "expect", "baseline")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, which mean what those of `conformance run` mean."""
    group = parser.getgroup("conformance", "cross-checking recurrent networks (refrnn)")
    group.addoption(
        "--conformance-suite", metavar="NAME", help="suite whose cases become tests (default: the test's own)"
    )
    group.addoption(
        "--conformance-subject",
        action="append",
        default=[],
        metavar="NAME",
        help="in tests that name no subject, judge just this one (may be repeated; default: torch's)",
    )
    group.addoption(
        "--conformance-case",
        action="append",
        default=[],
        metavar="ID",
        help="run just this case instead of a suite (may be repeated)",
    )
    group.addoption("--conformance-seed", type=int, metavar="N", help="draw other data with another seed")
    group.addoption("--conformance-shard", metavar="I/N", help="run the I-th of N parts, split by case id")
    group.addoption("--conformance-report", metavar="DIR", help="write the record and the report here")
    group.addoption(
        "--conformance-expect", metavar="FILE", help="expected failures: patterns of case ids with reasons"
    )
    group.addoption(
        "--conformance-baseline",
        metavar="RECORD",
        help="fail only on what is worse than in this agreement.json",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that can't be meant before anything runs, and start to gather what comes out."""
    from conformance.pytest_plugin.closing import Closing
    from conformance.pytest_plugin.planning import PLANNER, Planner

    config.addinivalue_line("markers", MARKER)
    config.stash[PLANNER] = Planner(config)
    config.pluginmanager.register(config.stash[PLANNER], "conformance-planner")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Closing(config), "conformance-closing")
    if any(config.getoption(f"--conformance-{name}") not in (None, []) for name in OPTIONS):
        from conformance.pytest_plugin.settings import reserve_report, settings_of

        settings_of(config)
        if not hasattr(config, "workerinput"):
            reserve_report(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise tests that ask for `conformance_case` and `conformance_subject`, or for `conformance_check`."""
    if {"conformance_case", "conformance_subject"} <= set(metafunc.fixturenames):
        from conformance.pytest_plugin.planning import parametrise

        parametrise(metafunc)


def pytest_pycollect_makeitem(name: str, obj: object) -> None:
    """Refuse a test that the marker has swallowed: given a class alone, pytest marks that class instead of the test."""
    marks = getattr(type(obj), "pytestmark", ())
    if name.startswith("test") and any(mark.name == "conformance" for mark in marks):
        message = (
            f"@pytest.mark.conformance of {name}: expected subjects, got the class {type(obj).__name__}; call it: "
            f"@pytest.mark.conformance({type(obj).__name__}())"
        )
        raise pytest.UsageError(message)


@pytest.fixture(scope="module")
def conformance_one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compute in one thread: as many workers as cores would otherwise fight for them, and round differently."""
    from conformance.pytest_plugin.planning import PLANNER
    from conformance.record.environment import in_one_thread

    with in_one_thread():
        request.config.stash[PLANNER].look_around()
        yield


@pytest.fixture
def conformance_check(
    request: pytest.FixtureRequest,
    conformance_case: Case,
    conformance_subject: Subject,
    conformance_one_thread: None,  # noqa: ARG001 - in which the check runs
) -> Callable[[], CaseRecord]:
    """Return a function that examines the test's case and fails, skips or passes as the verdict says."""
    from conformance.pytest_plugin.check import check

    return lambda: check(request.node, conformance_case, conformance_subject)
