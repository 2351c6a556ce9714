"""Writing a report's files: all of one run or none."""

import hashlib
from pathlib import Path

from conformance.record import Record, encode
from conformance.record.summary import summarise
from conformance.record.writing import write_set as write_set
from conformance.report.badge import badge
from conformance.report.junit import junit
from conformance.report.markdown import markdown
from conformance.report.views.page import page_of

REPORT_FILES = ("agreement.json", "agreement.html", "agreement.md", "junit.xml", "badge.json")


def write_report(directory: Path, record: Record) -> list[Path]:
    """Write `REPORT_FILES` to `directory` and return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    return write_set(directory, contents(record))


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
