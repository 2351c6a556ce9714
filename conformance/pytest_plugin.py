"""The pytest plugin: the cases of a suite as tests, for `pytest --pyargs conformance.suite`.

Nothing of this package is imported at the top, so that coverage and import hooks see it imported later, and
that runs which don't use it pay nothing.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose what the suite's tests run."""
    group = parser.getgroup("conformance", "cross-checking recurrent networks (refrnn)")
    group.addoption(
        "--conformance-suite",
        default="smoke",
        metavar="NAME",
        help="suite whose cases become tests (default: smoke)",
    )
    group.addoption(
        "--conformance-subject",
        action="append",
        default=[],
        metavar="NAME",
        help="judge just this subject (may be repeated; default: all)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise tests that ask for `conformance_case` and `conformance_subject`: all subjects of a case in a row."""
    wanted = ("conformance_case", "conformance_subject")
    if not set(wanted) <= set(metafunc.fixturenames):
        return
    from conformance.cases import SUITES
    from conformance.errors import ConformanceError
    from conformance.subjects import DEFAULT, load_subject

    name = metafunc.config.getoption("--conformance-suite")
    subjects = list(dict.fromkeys(metafunc.config.getoption("--conformance-subject"))) or list(DEFAULT)
    if name not in SUITES:
        message = f"--conformance-suite: there is no suite {name!r}; choose from {', '.join(SUITES)}."
        raise pytest.UsageError(message)
    try:
        loaded = {subject: load_subject(subject) for subject in subjects}
    except ConformanceError as error:
        message = f"--conformance-subject: {error}"
        raise pytest.UsageError(message) from error
    metafunc.parametrize(
        wanted,
        [
            pytest.param(case, loaded[subject], id=f"{case.id}-{subject}")
            for case in SUITES[name].cases()
            for subject in subjects
        ],
    )


@pytest.fixture(scope="session")
def conformance_one_thread() -> None:
    """Compute in one thread: as many workers as cores would otherwise fight for them."""
    from conformance.environment import one_thread

    one_thread()
