"""The gate: from verdicts to what fails a run, with expected failures and a baseline taken into account."""

from pathlib import Path
from typing import Literal, Self

from msgspec import Struct, field

from conformance.record import CaseRecord
from conformance.record.summary import fails, worse
from conformance.runs.gate.baseline import Baseline
from conformance.runs.gate.expectations import Entry, Expectations

Outcome = Literal["passes", "fails", "expected", "known", "skipped"]

EXCUSED = ("expected", "known")
"""Outcomes of failing verdicts that don't fail a run."""


class Ruling(Struct, frozen=True, kw_only=True):
    """What becomes of one case record, and why where that isn't its verdict alone."""

    case: CaseRecord
    outcome: Outcome
    reason: str = ""


class Gate(Struct, frozen=True, kw_only=True):
    """What may fail without failing the run: nothing, unless a file expects it or a baseline has it already."""

    expectations: Expectations = field(default_factory=Expectations)
    baseline: Baseline | None = None

    @classmethod
    def load(cls, expect: Path | None, baseline: Path | None) -> Self:
        """Read the files of the options `expect` and `baseline`, where they are given.

        Raises
        ------
        UsageError
            If one can't be read or isn't what it should be.
        """
        return cls(
            expectations=Expectations() if expect is None else Expectations.load(expect),
            baseline=None if baseline is None else Baseline.load(baseline),
        )

    def ruling(self, case: CaseRecord, description: str = "") -> Ruling:
        """Return what becomes of a case; what is expected to fail is asked first, then the baseline.

        `description` is that of the subject, by which a baseline may know it under another name.
        """
        entry = self.expectations.entry_for(case.case, case.subject)
        if entry is not None and (ruling := _expected(case, entry)):
            return ruling
        found = self.baseline and self.baseline.before(case.case, case.subject, description)
        if found:
            before, name = found
            was = f"in the baseline it was {before!r}" + ("" if name == case.subject else f", as {name}")
            if worse(case.verdict, before):
                return Ruling(case=case, outcome="fails", reason=f"new: {was}")
            if fails(case):
                return Ruling(case=case, outcome="known", reason=f"known: {was}")
        if fails(case):
            return Ruling(case=case, outcome="fails")
        return Ruling(
            case=case, outcome="passes" if case.verdict == "agrees" else "skipped", reason=case.reason
        )


def _expected(case: CaseRecord, entry: Entry) -> Ruling | None:
    """Return what an entry makes of a case that it speaks of; None where the case was not put to the test."""
    if fails(case):
        return Ruling(case=case, outcome="expected", reason=f"expected: {entry.reason} ({entry.place})")
    if case.verdict == "agrees":
        reason = (
            f"unexpected: it agrees, but {entry.place} expects it to fail ({entry.reason}); remove the entry "
            f"or narrow its pattern {entry.pattern!r}"
        )
        return Ruling(case=case, outcome="fails", reason=reason)
    return None
