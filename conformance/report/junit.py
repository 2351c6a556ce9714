"""The record as JUnit XML, which every CI reads: a suite for each subject, a test for each case.

    differs                a failure
    error, undecidable     an error: something has to be looked at, but nothing is proved wrong
    unsupported, vacuous   skipped, with the reason; so is what is undecidable and fails no run

Where an expected failure or a baseline had a say, that counts, as with pytest: what fails as it may is skipped with the
reason, and a pass that wasn't expected is a failure.

What there is to say stands in the element's body as well as in its message, since some readers show only one of them.
"""

from collections.abc import Sequence
from itertools import repeat
from xml.etree import ElementTree as ET

from msgspec import Struct

from conformance.record import CaseRecord, Record, RulingRecord, Timing
from conformance.record.summary import fails
from conformance.report.words import environment_rows, legal, tell

ELEMENTS = {"differs": "failure", "error": "error", "undecidable": "error"}
"""What a verdict becomes that fails a run; "agrees" becomes nothing, and any other is skipped."""


class TestOutcome(Struct, frozen=True, kw_only=True):
    """One test: a case, how long it took, and what an expected failure or a baseline made of it."""

    case: CaseRecord
    timing: Timing | None
    ruling: RulingRecord | None

    @property
    def element(self) -> str | None:
        """The element of a test that didn't pass."""
        own = ELEMENTS[self.case.verdict] if fails(self.case) else "skipped"
        if self.ruling is None:
            return None if self.case.verdict == "agrees" else own
        if self.ruling.outcome != "fails":
            return "skipped"
        return "failure" if own == "skipped" else own


def junit(record: Record) -> bytes:
    """Return the whole document."""
    rulings = {(ruling.case, ruling.subject, ruling.platform): ruling for ruling in record.rulings}
    tests = [
        TestOutcome(case=case, timing=timing, ruling=rulings.get((case.case, case.subject, case.platform)))
        for case, timing in zip(record.cases, record.timings or repeat(None), strict=False)
    ]
    root = ET.Element("testsuites", {"name": "conformance", **_counts(tests)})
    for subject in dict.fromkeys([*record.subjects, *(case.subject for case in record.cases)]):
        own = [test for test in tests if test.case.subject == subject]
        if own:
            root.append(_suite(record, subject, own))
    ET.indent(root, " ")
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _suite(record: Record, subject: str, tests: Sequence[TestOutcome]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": legal(subject), **_counts(tests)})
    properties = ET.SubElement(suite, "properties")
    for environment in record.environments:
        for what, text in environment_rows(environment):
            ET.SubElement(properties, "property", {"name": legal(what), "value": legal(text)})
    for outcome in tests:
        suite.append(_test(outcome, several=len(record.environments) > 1))
    return suite


def _test(outcome: TestOutcome, *, several: bool) -> ET.Element:
    """Return the element of a case; where there are several platforms its class names the platform too."""
    case, ruling = outcome.case, outcome.ruling
    where = f".platform-{case.platform}" if several else ""
    names = {"classname": f"conformance.{legal(case.subject)}{where}", "name": legal(case.case)}
    test = ET.Element("testcase", names | _time([outcome]))
    if kind := outcome.element:
        why = "" if ruling is None else ruling.reason
        text = legal(f"{tell(case)}\n  {why}" if why else tell(case))
        message = legal(why or case.reason) or text.splitlines()[0]
        ET.SubElement(test, kind, {"type": case.verdict, "message": message}).text = text
    return test


def _counts(tests: Sequence[TestOutcome]) -> dict[str, str]:
    kinds = [outcome.element for outcome in tests]
    return {
        "tests": str(len(tests)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        **_time(tests),
    }


def _time(tests: Sequence[TestOutcome]) -> dict[str, str]:
    """Return the attribute of the seconds that tests took, none where they aren't known."""
    seconds = [outcome.timing.total for outcome in tests if outcome.timing is not None]
    return {"time": f"{sum(seconds):.6f}"} if seconds or not tests else {}
