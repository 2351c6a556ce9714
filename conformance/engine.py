"""The engine: one pure function from a case and a subject to a case record. Every front end maps it.

Case -> Problem -> observations of the subject and the reference -> findings -> CaseRecord
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter

import numpy as np

from conformance.cases import Case, Problem, materialise
from conformance.errors import Unsupported
from conformance.judge import Distance, Divergence, Finding, distances, local_check, malformed, not_shown
from conformance.observation import Observation, Subject
from conformance.record import (
    CaseRecord,
    DistanceRecord,
    DivergenceRecord,
    QuantityRecord,
    Timing,
    Verdict,
    exact,
    number,
)
from conformance.subjects import MODULES, load_subject


def examine(case: Case, subject: Subject) -> CaseRecord:
    """Run `subject` on `case` and judge everything that it shows.

    Whatever the subject does, the answer is a record: an exception it raises is the verdict "error" with its
    text, `Unsupported` the verdict of that name with its reason.
    """
    return timed_examination(case, subject)[0]


def timed_examination(case: Case, subject: Subject) -> tuple[CaseRecord, Timing]:
    """Return what `examine` returns, and how long each part took."""
    clock = Clock()
    with np.errstate(all="ignore"):  # overflow has its own rule; it is no news here
        record = _examined(case, subject, clock)
    return record, clock.timing()


@dataclass(slots=True)
class Clock:
    """Seconds spent by part since the clock was made."""

    started: float = field(default_factory=perf_counter)
    marks: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=perf_counter)

    def mark(self, part: str) -> None:
        """Count the time since the last mark to `part`."""
        now = perf_counter()
        self.marks[part] = self.marks.get(part, 0.0) + now - self.last
        self.last = now

    def timing(self) -> Timing:
        """Return the parts, and the total with everything between them."""
        parts = {part: round(self.marks.get(part, 0.0), 6) for part in ("subject", "reference", "judging")}
        return Timing(**parts, total=round(perf_counter() - self.started, 6))


def _examined(case: Case, subject: Subject, clock: Clock) -> CaseRecord:
    problem = _problem(case)
    clock.mark("other")
    try:
        observation = subject.run(problem)
    except Unsupported as reason:
        return _record(case, subject, "unsupported", str(reason))
    except Exception as error:  # noqa: BLE001 - a subject may raise anything; it becomes the verdict
        return _record(case, subject, "error", f"The subject raised {_told(error)}")
    finally:
        clock.mark("subject")
    try:
        return _judged(problem, subject, observation, clock)
    except Exception as error:  # noqa: BLE001 - one case must not cost the run; the verdict is an error, never a pass
        return _record(case, subject, "error", f"Internal error: judging raised {_told(error)}")
    finally:
        clock.mark("judging")


def _judged(problem: Problem, subject: Subject, observation: Observation, clock: Clock) -> CaseRecord:
    case = problem.case
    if complaints := malformed(problem, observation):
        return _record(case, subject, "differs", " ".join(complaints))
    clock.mark("judging")
    reference = _reference(case)
    clock.mark("reference")
    findings = local_check(problem, observation, lambda: reference)
    verdict, reason = _verdict(findings)
    return _record(
        case,
        subject,
        verdict,
        reason,
        quantities=_quantities(findings),
        not_shown=not_shown(problem, observation),
        distances=[_distance(d) for d in distances(problem, observation, reference)],
        first_divergence=_first_divergence(findings),
    )


@lru_cache(maxsize=1)
def _problem(case: Case) -> Problem:
    """Return the arrays of `case`; the subjects of one case follow each other and share them, read-only."""
    return materialise(case)


@lru_cache(maxsize=1)
def _reference(case: Case) -> Observation:
    """Return what the reference shows of `case`."""
    return load_subject("reference").run(_problem(case))


def _told(error: Exception) -> str:
    """Return an exception in one paragraph: what it is, and the innermost line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" (line {frames[-1].lineno} of {frames[-1].name})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


def _verdict(findings: Sequence[Finding]) -> tuple[Verdict, str]:
    """Return what all findings say together, and why where they don't agree."""
    verdicts = {finding.verdict for finding in findings}
    if "differs" in verdicts:
        names = dict.fromkeys(f.comparison.quantity for f in findings if f.verdict == "differs")
        return "differs", f"Beyond what rounding explains: {', '.join(names)}."
    if sum(finding.elements for finding in findings) == 0:
        return "undecidable", "The subject showed nothing that could be judged."
    if "undecidable" in verdicts:
        return "undecidable", _undecidable_reason(findings)
    return "agrees", ""


def _undecidable_reason(findings: Sequence[Finding]) -> str:
    overflow = sum(finding.undecided for finding in findings)
    borrowed = [f.comparison.quantity for f in findings if f.mismatches and f.verdict == "undecidable"]
    reasons = []
    if overflow:
        reasons.append(f"{overflow} elements lie where a correct program may overflow or not.")
    if borrowed:
        names = ", ".join(dict.fromkeys(borrowed))
        reasons.append(
            f"{names}: further from the reference than one step explains, and the subject doesn't show the inner "
            "steps that would tell whether rounding grew that far."
        )
    return " ".join(reasons)


def _quantities(findings: Sequence[Finding]) -> list[QuantityRecord]:
    """Gather the findings by quantity, over all layers and directions."""
    by_name: dict[str, list[Finding]] = {}
    for finding in findings:
        by_name.setdefault(finding.comparison.quantity, []).append(finding)
    return [_quantity(name, group) for name, group in by_name.items()]


def _quantity(name: str, group: Sequence[Finding]) -> QuantityRecord:
    shares = np.concatenate([finding.share.ravel() for finding in group])
    shares = shares[~np.isnan(shares)]
    worst = max((f.worst for f in group if f.worst is not None), key=lambda d: d.share, default=None)
    verdicts = {finding.verdict for finding in group}
    return QuantityRecord(
        quantity=name,
        verdict="differs"
        if "differs" in verdicts
        else "undecidable"
        if "undecidable" in verdicts
        else "agrees",
        elements=sum(f.elements for f in group),
        mismatches=sum(f.mismatches for f in group),
        undecided=sum(f.undecided for f in group),
        worst_share=number(0.0 if worst is None else worst.share),
        median_share=number(float(np.median(shares)) if shares.size else 0.0),
        worst_where="" if worst is None else worst.where,
        absolute=number(max(f.absolute for f in group)),
        relative=number(max(f.relative for f in group)),
        ulp=number(max(f.ulp for f in group)),
    )


def _first_divergence(findings: Sequence[Finding]) -> DivergenceRecord | None:
    """Return the first element beyond its bound; findings come in the order of the data flow."""
    first = next((f.first for f in findings if f.first is not None and f.verdict == "differs"), None)
    return None if first is None else _divergence(first)


def _distance(d: Distance) -> DistanceRecord:
    return DistanceRecord(
        quantity=d.quantity,
        absolute=number(d.absolute),
        relative_to_largest=number(d.relative_to_largest),
        ulp=number(d.ulp),
    )


def _divergence(d: Divergence) -> DivergenceRecord:
    return DivergenceRecord(
        phase=d.phase,
        quantity=d.quantity,
        where=d.where,
        got=exact(d.got),
        expected=exact(d.expected),
        bound=exact(d.bound),
        share=number(d.share),
        absolute=number(d.absolute),
        relative=number(d.relative),
        ulp=number(d.ulp),
    )


def reproduction(case_id: str, subject: str) -> str:
    """Return the one line that reproduces a record: a command for our subjects, Python for others."""
    if subject in MODULES:
        return f"conformance run --case {case_id} --subject {subject}"
    return f"conformance.examine(conformance.parse_id({case_id!r}), subject)"


def _record(
    case: Case,
    subject: Subject,
    verdict: Verdict,
    reason: str,
    *,
    quantities: Sequence[QuantityRecord] = (),
    not_shown: Sequence[str] = (),
    distances: Sequence[DistanceRecord] = (),
    first_divergence: DivergenceRecord | None = None,
) -> CaseRecord:
    return CaseRecord(
        case=case.id,
        subject=subject.name,
        verdict=verdict,
        reason=reason,
        quantities=list(quantities),
        not_shown=list(not_shown),
        distances=list(distances),
        first_divergence=first_divergence,
        reproduce=reproduction(case.id, subject.name),
    )
