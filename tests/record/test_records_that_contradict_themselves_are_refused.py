"""A record whose parts contradict each other, as where someone changed it by hand, is refused by what is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs
from support.records import LONG, record_of, rich_record, saying, verdicts

from conformance import CaseRecord, UsageError
from conformance.examination.recording import unjudged
from conformance.record import SHARE_STEPS, QuantityRecord, Record, Timing, Verdict, encode
from conformance.record.contradictions import check, contradictions
from conformance.record.reading import read_record

AGREEING, WRONG = (
    next(case for case in verdicts() if case.subject == name) for name in ("agreeing", "wrong")
)


def test_a_record_of_every_verdict_contradicts_nothing() -> None:
    assert list(contradictions(rich_record())) == []


CHANGED: dict[str, Callable[[Record], Record]] = {
    "it has no environment": lambda r: structs.replace(r, environments=[]),
    "another number of timings": lambda r: structs.replace(r, timings=r.timings[:-1]),
    "the count of its verdicts": lambda r: structs.replace(r, summary={"agrees": 99}),
    "on a platform that it doesn't describe": lambda r: first_case(r, platform=7),
    "another number of steps": lambda r: first_case(r, shares={"bound": [1] * (SHARE_STEPS + 1)}),
    "lists of different lengths": lambda r: profile(r, noise=[]),
    "other steps than its case": lambda r: profile(r, steps=[2**64, *r.profiles[0].steps[1:]]),
    "recorded twice": lambda r: structs.replace(
        r, cases=[*r.cases[:-1], r.cases[0]], summary={**r.summary, "agrees": 8, "undecidable": 0}
    ),
    "expected rnn|lstm|gru": lambda r: first_case(r, case="<script>"),
    "a time is negative": lambda r: structs.replace(r, timings=[_negative(), *r.timings[1:]]),
    "a scale isn't above 0": lambda r: structs.replace(r, scales=structs.replace(r.scales, differs_from=0.0)),
    "more elements than its quantities": lambda r: first_case(
        r, shares={"bound": [10**9] + [0] * (SHARE_STEPS - 1)}
    ),
    "more elements beyond the bound": lambda r: first_case(
        r, shares={"bound": [0] * (SHARE_STEPS - 1) + [1]}
    ),
}


def first_case(record: Record, **changes: object) -> Record:
    return structs.replace(record, cases=[structs.replace(record.cases[0], **changes), *record.cases[1:]])


def profile(record: Record, **changes: object) -> Record:
    return structs.replace(record, profiles=[structs.replace(record.profiles[0], **changes)])


def _negative() -> Timing:
    return Timing(subject=-1.0, reference=0.0, judging=0.0, total=0.0)


@pytest.mark.parametrize("says", CHANGED)
def test_a_record_changed_by_hand_is_refused_by_what_is_wrong(tmp_path: Path, says: str) -> None:
    path = tmp_path / "agreement.json"
    path.write_bytes(encode(CHANGED[says](rich_record())))
    with pytest.raises(UsageError, match=says) as caught:
        read_record(path)
    assert str(path) in str(caught.value)


# Verdicts.


def refused(case: CaseRecord) -> str:
    """Return for what a record of a single case is refused, "" where it isn't."""
    try:
        check(record_of([case]))
    except UsageError as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize("case", verdicts(), ids=lambda case: case.subject)
@pytest.mark.parametrize("verdict", ["agrees", "vacuous", "unsupported", "error", "differs"])
def test_no_verdict_can_be_changed_alone(case: CaseRecord, verdict: Verdict) -> None:
    """A case that differs can't be made to agree, nor to be skipped; nor can one that agrees be made to differ."""
    changed = structs.replace(case, verdict=verdict)
    without = not case.quantities and verdict in ("unsupported", "error", "differs")
    assert ("which its quantities don't say" in refused(changed)) == (verdict != case.verdict and not without)


def test_a_case_of_which_nothing_was_compared_agrees_with_nothing() -> None:
    assert "is said to be 'agrees'" in refused(unjudged(LONG[0].id, "mine", "agrees", "a reason"))
    assert "is said to be 'error'" in refused(unjudged(LONG[0].id, "mine", "error", ""))


def test_what_differs_first_differs() -> None:
    forged = structs.replace(saying(WRONG, "agrees"), first_divergence=WRONG.first_divergence)
    assert "a case has a first divergence and doesn't differ" in refused(forged)


def one_quantity(**changes: object) -> CaseRecord:
    quantities: list[QuantityRecord] = [structs.replace(q, **changes) for q in WRONG.quantities]
    return structs.replace(WRONG, quantities=quantities)


@pytest.mark.parametrize(
    "changes",
    [{"mismatches": 0}, {"verdict": "agrees"}, {"mismatches": 0, "undecided": 1}, {"mismatches": -1}],
)
def test_no_quantity_can_be_changed_alone(changes: dict[str, object]) -> None:
    assert "contradicts itself: '" in refused(one_quantity(**changes))


@pytest.mark.parametrize("share", [1.5, "nan", "inf"])
def test_what_agrees_lies_within_its_bound(share: object) -> None:
    quantities = [structs.replace(q, worst_share=share) for q in AGREEING.quantities]
    assert "the counts of its elements don't say" in refused(structs.replace(AGREEING, quantities=quantities))
