"""What the records of two releases say of each other, and what all of them come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from trial import Trial

from conformance.record import CaseRecord, ContractRecord, QuantityRecord, Record
from conformance.record.agreement import ALL, totals
from conformance.record.comparing.difference import Difference, difference
from conformance.record.summary import EXIT_CONFORMS, exit_code

DISAGREES, NO_RECORD = 1, 3
"""Exit codes: a release behaves otherwise than it should, or (where none does) gave no record."""

OURS = "reference"
"""The subject that has nothing of torch in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A comparison with other numbers: the quantities that have them, and the one whose worst share moved most."""

    subject: str
    case: str
    quantities: list[str]
    most: str
    then: float
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What changed from one release to another; `moved` are those of `torch` comparisons of torch with other numbers.

    `grown` says how many times larger the worst share of a single step's bound has become at most.
    """

    old: str
    new: str
    found: Difference
    torch: int
    moved: list[Moved]
    grown: float


def compared(old: Trial, new: Trial) -> Compared:
    """Compare two releases that have records, as `conformance diff` does, and to the last digit."""
    before, after = old.record, new.record
    assert before is not None  # noqa: S101 - the caller's choice
    assert after is not None  # noqa: S101
    cases = {(case.case, case.subject): case for case in before.cases if case.subject != OURS}
    both = [
        (cases[case.case, case.subject], case) for case in after.cases if (case.case, case.subject) in cases
    ]
    return Compared(
        old=old.label,
        new=new.label,
        found=difference(before, after),
        torch=len(both),
        moved=[_moved(then, now) for then, now in both if then != now],
        grown=_grown(before, after),
    )


def _moved(then: CaseRecord, now: CaseRecord) -> Moved:
    """Return what of a comparison has other numbers; shares that are NaN or infinite never move."""
    before = {_name(q): q for q in then.quantities}
    others = [(before.get(_name(q)), q) for q in now.quantities if q != before.get(_name(q))]
    shares = [
        (_name(q), float(old.worst_share), float(q.worst_share)) for old, q in others if old is not None
    ]
    finite = [row for row in shares if isfinite(row[1]) and isfinite(row[2])]
    most, old, new = max(finite, key=lambda row: abs(row[2] - row[1]), default=("", 0.0, 0.0))
    return Moved(
        subject=now.subject,
        case=now.case,
        quantities=[_name(q) for _, q in others],
        most=most,
        then=old,
        now=new,
    )


def _name(q: QuantityRecord) -> str:
    return f"{q.relation}: {q.quantity}" if q.relation else q.quantity


def _grown(before: Record, after: Record) -> float:
    """Return how many times larger the worst share of a quantity has become at most, single steps alone."""
    shares = [
        {
            (row.subject, row.quantity, row.dtype): float(row.stepwise.share)
            for row in totals(record).agreements
            if row.group == ALL and row.stepwise.cases
        }
        for record in (before, after)
    ]
    then, now = shares
    return max((now[key] / share for key, share in then.items() if key in now and share), default=1.0)


def consecutive(trials: Sequence[Trial]) -> list[Compared]:
    """Compare each release with the one before it, those without a record left out."""
    shown = [trial for trial in trials if trial.record is not None]
    return [compared(old, new) for old, new in pairwise(shown)]


def with_pinned(trials: Sequence[Trial], pin: str) -> list[Compared]:
    """Compare each release with the pinned one, if that has a record."""
    pinned = next((trial for trial in trials if trial.asked == pin and trial.record is not None), None)
    if pinned is None:
        return []
    return [compared(pinned, one) for one in trials if one.record is not None and one is not pinned]


def broken(record: Record) -> list[ContractRecord]:
    """Return the contracts that don't hold."""
    return [row for row in record.contracts if not row.holds]


def code(trials: Sequence[Trial], held: Sequence[Compared]) -> int:
    """Return the exit code that releases, and what each is beside the pinned one, deserve."""
    records = [trial.record for trial in trials if trial.record is not None]
    wrong = any(exit_code(record) != EXIT_CONFORMS or broken(record) for record in records)
    if wrong or any(one.found.regressions for one in held):
        return DISAGREES
    return NO_RECORD if len(records) < len(trials) else EXIT_CONFORMS
