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
from conformance.judge import (
    Distance,
    Divergence,
    Finding,
    decided,
    distances,
    end_to_end_check,
    local_check,
    malformed,
    not_shown,
    third_opinion,
)
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
from conformance.subjects import MODULES
from conformance.subjects.reference import observe


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
    findings = local_check(problem, observation)
    findings += end_to_end_check(problem, observation, _exact(case), decided(problem, findings))
    verdict, reason = _verdict(findings)
    return _record(
        case,
        subject,
        verdict,
        reason,
        third_opinion=_third_opinion(problem, observation) if verdict == "differs" else "",
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
    return observe(_problem(case), _problem(case).dtype)


@lru_cache(maxsize=1)
def _exact(case: Case) -> Observation:
    """Return what the reference shows of `case` in float64."""
    return _reference(case) if case.dtype == "f64" else observe(_problem(case), np.float64)


def _third_opinion(problem: Problem, observation: Observation) -> str:
    """Return what a more precise run of the reference says of the two sides."""
    wider = np.float64 if problem.case.dtype == "f32" else np.longdouble
    if not np.finfo(wider).eps < np.finfo(problem.dtype).eps:
        return "this machine has no precision wider than float64 for a third opinion"
    oracle = observe(problem, wider)
    opinion = third_opinion(problem, observation, _reference(problem.case), oracle)
    precision = "float64" if wider is np.float64 else "long double"
    return "" if opinion is None else f"in {precision}, {opinion.verdict}"


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
    if "agrees" not in verdicts:
        return (
            "vacuous",
            "Every term of everything compared is 0: no fault of the arithmetic could have shown.",
        )
    return "agrees", ""


def _undecidable_reason(findings: Sequence[Finding]) -> str:
    why = {
        "noise": "rounding noise isn't small against them after a free run, and the subject doesn't show its steps",
        "bound": "a correct program may overflow there or not",
    }
    return " ".join(
        f"{sum(f.undecided for f in findings if f.comparison.scale == scale)} elements can't be decided: {reason}."
        for scale, reason in why.items()
        if any(f.undecided for f in findings if f.comparison.scale == scale)
    )


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
        verdict=next(v for v in ("differs", "undecidable", "agrees", "vacuous") if v in verdicts),
        scale=next(s for s in ("noise", "bound", "copy") if s in {f.comparison.scale for f in group}),
        agrees_to=number(max(f.agrees_to for f in group)),
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
    third_opinion: str = "",
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
        third_opinion=third_opinion,
        reproduce=reproduction(case.id, subject.name),
    )
