"""Every case of the chosen suite, with every chosen subject, as one test each."""

import pytest

from conformance.cases import Case
from conformance.engine import examine
from conformance.observation import Subject
from conformance.report.words import tell


@pytest.mark.usefixtures("conformance_one_thread")
def test_subject_agrees_with_the_reference(conformance_case: Case, conformance_subject: Subject) -> None:
    """Fail where a subject differs, raises or can't be decided; skip, with the reason, what it can't run."""
    record = examine(conformance_case, conformance_subject)
    if record.verdict == "unsupported":
        pytest.skip(record.reason)
    if record.verdict != "agrees":
        pytest.fail(tell(record), pytrace=False)
