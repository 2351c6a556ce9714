"""Writing a report's files: all of one run or none."""

import hashlib
import json
from pathlib import Path

from conformance.record import Record, encode
from conformance.record.agreement import condensed
from conformance.record.summary import summarise
from conformance.record.writing import write_set as write_set
from conformance.report.badge import badge
from conformance.report.junit import junit
from conformance.report.markdown import markdown
from conformance.report.views.page import page_of

TIMINGS = "timings.json"
"""How long a run took, where its record is condensed."""

REPORT_FILES = ("agreement.json", "agreement.html", "agreement.md", "junit.xml", "badge.json")


def write_report(directory: Path, record: Record, *, condense: bool = False) -> list[Path]:
    """Write `REPORT_FILES` to `directory` and return their paths.

    With `condense` the record is condensed, so that the files are the same for the same results, and `TIMINGS` is
    written as well.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if not condense:
        return write_set(directory, contents(record))
    return write_set(directory, {**contents(condensed(record)), TIMINGS: timings(record)})


def timings(record: Record) -> bytes:
    """Return the seconds of a run, in all and by subject, for a file beside a condensed record, which has none."""
    spent: dict[str, float] = dict.fromkeys(record.subjects, 0.0)
    for case, timing in zip(record.cases, record.timings, strict=True):
        spent[case.subject] = spent.get(case.subject, 0.0) + timing.total
    rounded = {subject: round(seconds, 1) for subject, seconds in spent.items()}
    text = json.dumps({"seconds": round(record.seconds, 1), "computing_by_subject": rounded}, indent=1)
    return f"{text}\n".encode()


def contents(record: Record) -> dict[str, bytes]:
    """Return the bytes of every file of a report; they depend on the record alone."""
    from conformance.report.html import html  # Matplotlib is loaded only where something is drawn

    encoded, summary = encode(record), summarise(record)
    digest = hashlib.sha256(encoded).hexdigest()
    made = (
        encoded,
        html(page_of(summary, digest)).encode(),
        markdown(summary).encode(),
        junit(record),
        badge(record),
    )
    return dict(zip(REPORT_FILES, made, strict=True))
