"""A condensed record is small, and the same for the same results; its reports show what those of the whole one do."""

import json
from pathlib import Path

import pytest
from msgspec import structs
from support.records import rich_record

from conformance import UsageError, parse_id
from conformance.record import Record, decode, encode
from conformance.record.agreement import condensed, totals
from conformance.record.comparing.difference import difference
from conformance.record.comparing.merge import merged
from conformance.record.contradictions import contradictions
from conformance.report.files import TIMINGS, contents, write_report
from conformance.runs import Session

CASES = [
    parse_id(f"rnn-{nonlinearity}-T5-B3-I4-H6-{dtype}-s{seed}")
    for nonlinearity in ("tanh", "relu")
    for dtype in ("f64", "f32")
    for seed in (0, 1)
]


@pytest.fixture(scope="module")
def whole() -> Record:
    return Session(suite="", cases=CASES, subjects=["torch-steps", "torch", "reference"]).run()


def test_its_reports_show_what_those_of_the_whole_record_do(whole: Record) -> None:
    for name in ("agreement.md", "badge.json"):
        assert contents(condensed(whole))[name] == contents(whole)[name]
    assert totals(condensed(whole)) == totals(whole)


def test_it_is_small_and_survives_the_trip(whole: Record) -> None:
    small = condensed(whole)
    assert decode(encode(small)) == small
    assert all(len(case.quantities) <= 3 for case in small.cases if case.verdict == "agrees")
    assert len(encode(structs.replace(small, totals=None))) < len(encode(whole)) / 2
    assert list(contradictions(small)) == []


def test_a_case_is_a_line_so_that_a_change_of_one_is_a_change_of_one(whole: Record) -> None:
    small = condensed(whole)
    before = encode(small).splitlines()
    changed = structs.replace(small.cases[3], reason="another reason")
    after = encode(structs.replace(small, cases=[*small.cases[:3], changed, *small.cases[4:]])).splitlines()
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_what_differs_from_run_to_run_lies_in_a_file_of_its_own(whole: Record, tmp_path: Path) -> None:
    slower = structs.replace(
        whole,
        seconds=whole.seconds + 1,
        timings=[structs.replace(timing, total=timing.total + 1) for timing in whole.timings],
    )
    first, second = (
        {path.name: path.read_bytes() for path in write_report(tmp_path / name, record, condense=True)}
        for name, record in (("first", whole), ("second", slower))
    )
    assert {name for name in first if first[name] != second[name]} == {TIMINGS}
    assert json.loads(second[TIMINGS])["seconds"] == pytest.approx(slower.seconds, abs=0.06)


def test_cases_that_do_not_agree_keep_everything() -> None:
    rich = rich_record()
    kept = {(case.case, case.subject): case for case in condensed(rich).cases}
    disagreeing = [case for case in rich.cases if case.verdict != "agrees"]
    assert disagreeing
    assert all(kept[case.case, case.subject] == case for case in disagreeing)


def test_it_is_compared_with_whole_records_and_not_merged(whole: Record) -> None:
    assert difference(condensed(whole), whole).regressions == 0
    with pytest.raises(UsageError, match=r"one\.json is condensed.*without --condense"):
        merged({"one.json": condensed(whole), "two.json": whole})


def test_totals_that_contradict_their_cases_are_refused(whole: Record) -> None:
    small = condensed(whole)
    rows = small.totals.agreements
    least = [
        structs.replace(row, stepwise=structs.replace(row.stepwise, share=0.0)) if row.stepwise.cases else row
        for row in rows
    ]
    milder = structs.replace(small, totals=structs.replace(small.totals, agreements=least))
    assert "is worse in a case than in its totals" in " ".join(contradictions(milder))
    foreign = structs.replace(rows[0].stepwise, case="rnn-tanh-T9-B1-I1-H1-f64-s0", cases=1)
    renamed = [structs.replace(rows[0], stepwise=foreign), *rows[1:]]
    other = structs.replace(small, totals=structs.replace(small.totals, agreements=renamed))
    assert "name a case" in " ".join(contradictions(other))
