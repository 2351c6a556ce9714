"""Every case of the chosen suite, with every chosen subject, as one test each."""

from collections.abc import Callable

from conformance.record import CaseRecord


def test_subject_agrees_with_the_reference(conformance_check: Callable[[], CaseRecord]) -> None:
    """Fail where a subject differs, raises or can't be decided; skip, with the reason, what says nothing."""
    conformance_check()
