"""The record as JUnit XML, which every CI reads: a suite for each subject, a test for each case.

    differs                a failure
    error, undecidable     an error: something has to be looked at, but nothing is proved wrong
    unsupported, vacuous   skipped, with the reason

What there is to say stands in the element's body as well as in its message, since some readers show only one of them.
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from conformance.record import CaseRecord, Record, Timing
from conformance.report.words import environment_rows, legal, tell

ELEMENTS = {
    "differs": "failure",
    "error": "error",
    "undecidable": "error",
    "unsupported": "skipped",
    "vacuous": "skipped",
}
"""What a verdict becomes; "agrees" becomes nothing."""


def junit(record: Record) -> bytes:
    """Return the whole document."""
    pairs = list(zip(record.cases, record.timings, strict=True))
    root = ET.Element("testsuites", {"name": "conformance", **_counts(pairs)})
    for subject in dict.fromkeys([*record.subjects, *(case.subject for case in record.cases)]):
        own = [pair for pair in pairs if pair[0].subject == subject]
        if own:
            root.append(_suite(record, subject, own))
    ET.indent(root, " ")
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _suite(record: Record, subject: str, pairs: Sequence[tuple[CaseRecord, Timing]]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": legal(subject), **_counts(pairs)})
    properties = ET.SubElement(suite, "properties")
    for environment in record.environments:
        for what, text in environment_rows(environment):
            ET.SubElement(properties, "property", {"name": legal(what), "value": legal(text)})
    for case, timing in pairs:
        suite.append(_test(case, timing, several=len(record.environments) > 1))
    return suite


def _test(case: CaseRecord, timing: Timing, *, several: bool) -> ET.Element:
    """Return the element of a case; where there are several platforms its class names the platform too."""
    where = f".platform-{case.platform}" if several else ""
    names = {"classname": f"conformance.{legal(case.subject)}{where}", "name": legal(case.case)}
    test = ET.Element("testcase", {**names, "time": f"{timing.total:.6f}"})
    if kind := ELEMENTS.get(case.verdict):
        told = legal(tell(case))
        message = legal(case.reason) or told.splitlines()[0]
        ET.SubElement(test, kind, {"type": case.verdict, "message": message}).text = told
    return test


def _counts(pairs: Sequence[tuple[CaseRecord, Timing]]) -> dict[str, str]:
    kinds = [ELEMENTS.get(case.verdict) for case, _ in pairs]
    seconds = sum(timing.total for _, timing in pairs)
    return {
        "tests": str(len(pairs)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": f"{seconds:.6f}",
    }
