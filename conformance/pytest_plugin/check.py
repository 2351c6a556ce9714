"""One test: its case examined, the record sent along, and the verdict turned into an outcome of pytest's."""

import msgspec
import pytest
from msgspec.structs import replace

from conformance.cases import Case
from conformance.errors import quoted
from conformance.examination.engine import timed_examination
from conformance.pytest_plugin.settings import settings_of
from conformance.record import CaseRecord, Timing
from conformance.report.gated import describe
from conformance.runs.gate import EXCUSED
from conformance.subjects import can_be_named
from conformance.subjects.observation import Subject

PROPERTY = "conformance"
"""The user property that carries an examination: one JSON string, for JUnit, and from worker to controller."""


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """What a test found out."""

    case: CaseRecord
    timing: Timing


def check(item: pytest.Item, case: Case, subject: Subject) -> CaseRecord:
    """Examine `case` and return its record; fail, skip or end as expected unless `subject` agrees."""
    record, timing = timed_examination(case, subject)
    if not can_be_named(subject.name):
        record = replace(record, reproduce=f"pytest {quoted(item.nodeid)}")
    text = msgspec.json.encode(Examination(case=record, timing=timing), order="sorted").decode()
    item.user_properties.append((PROPERTY, text))
    ruling = settings_of(item.config).gate.ruling(record, subject.description)
    if ruling.outcome in EXCUSED:
        pytest.xfail(ruling.reason)  # goes on under --runxfail
    if ruling.outcome == "skipped":
        pytest.skip(f"{record.verdict}: {ruling.reason}")
    if ruling.outcome != "passes":
        pytest.fail(describe(ruling), pytrace=False)
    return record
