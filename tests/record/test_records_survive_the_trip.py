"""A record says the same after it was written and read; and what is no record is refused with advice."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from support import planting
from support.planting import Raises, Shows

from conformance import SUITES, CaseRecord, Unsupported, UsageError, examine, load_subject, parse_id
from conformance.record import SCHEMA, Record, Scales, Timing, decode, encode, exact, number, schema
from conformance.record.contradictions import check
from conformance.record.environment import environment
from conformance.record.numbers import round_up, shown
from conformance.report import REPORT_FILES, write_report
from conformance.report.files import write_set
from conformance.report.words import percentage
from conformance.runs import run_cases
from conformance.runs.evidence import SCALES

CASE = parse_id("rnn-tanh-T4-B3-I5-H6-f64-s0")
CHAOTIC = parse_id("rnn-tanh-T400-B2-I4-H16-f64-gain10-s0")


def strict(data: bytes) -> object:
    """Read JSON as the standard has it: NaN and Infinity are no part of it."""

    def refuse(name: str) -> object:
        raise AssertionError(name)

    return json.loads(data, parse_constant=refuse)


def case_records() -> list[CaseRecord]:
    """Return a record of every verdict, numbers that aren't finite among them."""
    run = planting.judged(CASE, "torch-steps")
    finding = run.finding("h")
    subjects = [Shows(run.observation), Raises(ValueError("“quoted”\n\x00")), Raises(Unsupported("no"))]
    subjects += [Shows(planting.planted(run, finding, (1, 2, 3), v)) for v in (np.nan, np.inf, -np.inf, 0.25)]
    records = [examine(CASE, subject) for subject in subjects]
    return [*records, examine(CHAOTIC, load_subject("torch-results"))]


@pytest.fixture(scope="module")
def record() -> Record:
    cases = case_records()
    return Record(
        schema=SCHEMA,
        complete=False,
        suite="selected cases",
        seed=None,
        subjects=["planted", "raises"],
        descriptions={"planted": "has one wrong state", "raises": "raises"},
        scales=SCALES,
        summary={"differs": 4},
        cases=cases,
        environments=[environment()],
        seconds=1.25,
        timings=[Timing(subject=0.1, reference=0.2, judging=1e-6, total=0.5)] * len(cases),
    )


def test_every_verdict_is_in_the_record_under_test(record: Record) -> None:
    assert {case.verdict for case in record.cases} == {
        "agrees",
        "differs",
        "undecidable",
        "unsupported",
        "error",
    }


def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert decode(encode(record)) == record
    assert encode(decode(encode(record))) == encode(record)


def test_numbers_that_are_not_finite_are_strings_that_float_reads(record: Record) -> None:
    data = encode(record)
    assert isinstance(strict(data), dict)
    firsts = [case.first_divergence for case in record.cases if case.first_divergence is not None]
    assert [first.got for first in firsts] == ["nan", "inf", "-inf", 0.25]
    assert all(math.isinf(float(first.share)) for first in firsts[:3])


def test_the_json_is_sorted_and_has_a_line_for_every_case_and_one_for_all_timings(record: Record) -> None:
    text = encode(record).decode()
    read = json.loads(text)
    assert list(read) == sorted(read)
    starts = [line for line in text.splitlines() if line.startswith('{"case":')]
    assert len(starts) == len(record.cases)
    assert len([line for line in text.splitlines() if line.startswith('"timings": [[')]) == 1
    assert text.endswith("}\n")


def test_the_published_schema_describes_what_is_written(record: Record) -> None:
    described = schema()["$defs"]["Record"]["properties"]
    assert set(described) == set(json.loads(encode(record)))


def test_a_record_of_an_earlier_schema_is_read_as_one_of_this(record: Record) -> None:
    plain = structs.replace(
        record,
        descriptions={},
        scales=Scales(differs_from=30, undecidable_from=3e-3),  # as they were then
        cases=[structs.replace(case, noise=None, shares={}) for case in record.cases],
    )
    old = json.loads(encode(plain))
    old |= {"schema": 1, "environment": old.pop("environments")[0]}
    for new in ("descriptions", "scales", "power", "contracts", "profiles"):
        del old[new]
    assert decode(json.dumps(old).encode()) == plain


# Refusals.


def without(data: bytes, *path: str | int) -> bytes:
    read = json.loads(data)
    inner = read
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return json.dumps(read).encode()


def with_value(data: bytes, value: object, *path: str | int) -> bytes:
    read = json.loads(data)
    inner = read
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(read).encode()


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "not JSON": lambda _: b"agreement",
    "Markdown": lambda _: b"# Agreement\n",
    "binary": lambda _: bytes(range(256)),
    "invalid UTF-8": lambda d: d.replace(b"torch", b"\xff\xfe", 1),
    "a list": lambda _: b"[]",
    "a number": lambda _: b"1",
    "truncated": lambda d: d[: len(d) // 2],
    "one byte short": lambda d: d.rstrip()[:-1],
    "something behind": lambda d: d + b"{}",
    "nested without end": lambda _: b'{"schema": 1, "cases": ' + b"[" * 100_000,
    "an extra field": lambda d: with_value(d, 1, "surprise"),
    "an extra field in a case": lambda d: with_value(d, 1, "cases", 0, "surprise"),
    "an extra column": lambda d: with_value(d, [0, 0, 0, 0, 0], "timings", 0),
    "a missing field": lambda d: without(d, "complete"),
    "a missing field in a case": lambda d: without(d, "cases", 0, "verdict"),
    "a missing column": lambda d: without(d, "timings", 0, 3),
    "an unknown verdict": lambda d: with_value(d, "fine", "cases", 0, "verdict"),
    "null for a number": lambda d: with_value(d, None, "seconds"),
    "text for a number": lambda d: with_value(d, "many", "cases", 0, "quantities", 0, 5),
    "schema true": lambda d: with_value(d, True, "schema"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_what_is_no_record_is_refused_with_advice(record: Record, how: str) -> None:
    with pytest.raises(UsageError) as caught:
        decode(SPOILT[how](encode(record)))
    assert "agreement.json" in str(caught.value) or "schema" in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("path", [("schema",), ("cases", 0, "verdict"), ("cases", 0, "case")])
def test_a_refusal_is_short_however_long_what_it_refuses(record: Record, path: tuple[str | int, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        check(decode(with_value(encode(record), "A" * 10**6, *path)))
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("version", [0, 4, 999, "1", None, [1], {}])
def test_another_schema_is_refused_by_its_number(record: Record, version: object) -> None:
    with pytest.raises(UsageError, match="this version reads schemas 1 to 3") as caught:
        decode(with_value(encode(record), version, "schema"))
    assert repr(version) in str(caught.value)


def test_a_record_without_a_schema_is_refused(record: Record) -> None:
    with pytest.raises(UsageError, match="schema None"):
        decode(without(encode(record), "schema"))


# Numbers never get smaller.

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, st.integers(1, 17))
def test_rounding_never_makes_a_number_smaller(value: float, digits: int) -> None:
    rounded = round_up(value, digits)
    assert abs(rounded) >= abs(value)
    assert math.copysign(1, rounded) == math.copysign(1, value)
    assert round_up(rounded, digits) == rounded


@given(st.floats(1e-300, 1e300), st.integers(1, 15))
def test_rounding_moves_a_number_by_less_than_one_unit_of_its_last_digit(value: float, digits: int) -> None:
    assert round_up(value, digits) <= value * (1 + 10.0 ** (1 - digits)) * (1 + 1e-15)


@given(FINITE, st.integers(1, 6))
def test_a_shown_number_is_never_smaller_than_it_is(value: float, digits: int) -> None:
    text = shown(value, digits)
    assert abs(float(text)) >= abs(value)
    assert (
        len(text.lstrip("-").replace(".", "").split("e")[0].lstrip("0")) <= max(digits, 1) or "e" not in text
    )


@given(FINITE)
def test_a_recorded_number_is_never_smaller_and_an_exact_one_is_the_same(value: float) -> None:
    assert abs(float(number(value))) >= abs(value)
    assert exact(value) == value


def test_numbers_that_are_not_finite_are_written_as_words() -> None:
    for value, word in ((math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")):
        assert number(value) == exact(value) == word
        assert shown(value) == word


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_percentage_is_none_or_all_only_if_it_is(part: int, whole: int) -> None:
    part = min(part, whole)
    text = percentage(part, whole)
    assert (text == "0 %") == (part == 0)
    assert (text == "100 %") == (part == whole)


# The same run gives the same bytes.


def test_the_number_of_workers_changes_nothing_but_timings() -> None:
    cases, subjects = SUITES["smoke"].cases()[::8], ["torch", "reference"]
    alone, together = run_cases(cases, subjects), run_cases(cases, subjects, jobs=2)
    assert alone.complete
    assert together.complete
    bodies = [msgspec.json.encode(outcome.records(), order="sorted") for outcome in (alone, together)]
    assert bodies[0] == bodies[1]
    assert len(alone.records()) == len(cases) * len(subjects)
    assert len(alone.timings()) == len(together.timings()) == len(alone.records())


def test_two_runs_of_one_case_give_the_same_record() -> None:
    for name in ("torch", "torch-steps", "reference"):
        assert examine(CASE, load_subject(name)) == examine(CASE, load_subject(name))


# Files are whole or not there.


class Interrupted(BaseException):
    """Stands for whatever may interrupt."""


def interrupting(*_: object, **__: object) -> None:
    raise Interrupted


@pytest.mark.parametrize(
    ("owner", "name"), [(os, "fsync"), (Path, "replace"), (Path, "chmod"), (os, "fdopen")]
)
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    path = tmp_path / "agreement.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(owner, name, interrupting)
    with pytest.raises(Interrupted):
        write_set(tmp_path, {path.name: b"new" * 1000, "other": b"new"})
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_replaces_the_old_one_and_can_be_read_by_all(tmp_path: Path) -> None:
    path = tmp_path / "agreement.json"
    path.write_bytes(b"old")
    assert write_set(tmp_path, {path.name: b"new"}) == [path]
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_is_made_of_its_files_and_every_verdict_can_be_told(tmp_path: Path, record: Record) -> None:
    paths = write_report(tmp_path / "deep" / "reports", record)
    assert [path.name for path in paths] == list(REPORT_FILES)
    assert decode(paths[0].read_bytes()) == record
    text = (tmp_path / "deep" / "reports" / "agreement.md").read_text(encoding="utf-8")
    for word in ("DIFFERS", "ERROR", "UNDECIDABLE", "UNSUPPORTED", "mismatched elements 1 / 72"):
        assert word in text
