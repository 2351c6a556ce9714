"""From what the judge found on a case to the record of it: verdicts, quantities, and words."""

from collections.abc import Sequence

import numpy as np

from conformance.errors import quoted
from conformance.examination.histograms import histograms
from conformance.examination.pictures import map_records, matrix_records
from conformance.judge import Comparison, Distance, Divergence, Finding
from conformance.record import (
    FREE_RUN,
    CaseRecord,
    DistanceRecord,
    DivergenceRecord,
    QuantityRecord,
    Verdict,
    exact,
    number,
)
from conformance.subjects import can_be_named
from refrnn import Array

ALL_RESULTS = "all results"
"""What a record calls the quantity of a relation."""


def unjudged(case_id: str, subject: str, verdict: Verdict, reason: str) -> CaseRecord:
    """Return the record of a case on which nothing could be compared."""
    return CaseRecord(
        case=case_id,
        subject=subject,
        verdict=verdict,
        reason=reason,
        quantities=[],
        not_shown=[],
        distances=[],
        first_divergence=None,
        third_opinion="",
        reproduce=reproduction(case_id, subject),
    )


def judged(
    case_id: str,
    subject: str,
    findings: Sequence[Finding],
    verdict: Verdict,
    reason: str,
    *,
    not_shown: Sequence[str],
    distances: Sequence[Distance],
    third_opinion: str,
    noise: float | None,
    library: str = "",
) -> CaseRecord:
    """Return the record of a case from all that was found on it, findings in the order of the data flow."""
    return CaseRecord(
        case=case_id,
        subject=subject,
        verdict=verdict,
        reason=reason,
        quantities=quantity_records(findings),
        not_shown=list(not_shown),
        distances=[_distance(d) for d in distances],
        first_divergence=first_divergence_record(findings),
        third_opinion=third_opinion,
        reproduce=reproduction(case_id, subject),
        noise=None if noise is None else number(noise),
        shares=histograms(findings),
        library=library,
        maps=map_records(findings),
        matrices=matrix_records(findings),
    )


def reproduction(case_id: str, subject: str) -> str:
    """Return the one line that reproduces a record: a command for what has a name or a place, Python for others."""
    if can_be_named(subject):
        return f"conformance run --case {case_id} --subject {quoted(subject)}"
    return f"conformance.examine(conformance.parse_id({case_id!r}), subject)"


def verdict_of(
    findings: Sequence[Finding], *, not_judged: Sequence[str] = (), premises: Sequence[str] = ()
) -> tuple[Verdict, str]:
    """Return what all findings say together, and why where they don't agree.

    `premises` are what the subject was allowed beyond what all are, in words. Where something shown is among what is
    `not_judged`, nothing was decided.
    """
    verdict, reason = _together(findings)
    reason = " ".join(filter(None, (*premises, reason)))
    if not_judged and verdict in ("agrees", "vacuous"):
        verdict = "undecidable"
        reason = f"Shown, but nothing to judge it from: {', '.join(not_judged)}. Show the steps that it builds on too."
    return verdict, reason


def _together(findings: Sequence[Finding]) -> tuple[Verdict, str]:
    verdicts = {finding.verdict for finding in findings}
    if "differs" in verdicts:
        names = dict.fromkeys(f.comparison.title for f in findings if f.verdict == "differs")
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
        "bound": "a correct program may overflow there or not, or a sum is too long for its precision to have a bound",
    }
    told = [
        f"{sum(f.undecided for f in findings if f.comparison.scale == scale)} elements can't be decided: {reason}."
        for scale, reason in why.items()
        if any(f.undecided for f in findings if f.comparison.scale == scale)
    ]
    coarse = dict.fromkeys(f.comparison.title for f in findings if f.is_coarse)
    told += [f"Rounding is no small part of: {', '.join(coarse)}."] if coarse else []
    return " ".join(told)


def quantity_records(findings: Sequence[Finding]) -> list[QuantityRecord]:
    """Gather the findings by quantity, over all layers and directions; a relation is one row with all it compares."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        c = finding.comparison
        free = c.scale == "noise" and not c.relation
        name = ALL_RESULTS if c.relation else c.quantity + FREE_RUN if free else c.quantity
        groups.setdefault((name, c.relation), []).append(finding)
    return [_quantity(*key, group) for key, group in groups.items()]


def _quantity(name: str, relation: str, group: Sequence[Finding]) -> QuantityRecord:
    shares = np.concatenate([finding.share for finding in group], axis=None)
    worst = max(group, key=lambda f: -1.0 if f.worst_share is None else f.worst_share)
    verdicts = {finding.verdict for finding in group}
    return QuantityRecord(
        quantity=name,
        relation=relation,
        verdict=next(v for v in ("differs", "undecidable", "agrees", "vacuous") if v in verdicts),
        scale=next(s for s in ("noise", "bound", "copy") if s in {f.comparison.scale for f in group}),
        agrees_to=number(max(f.agrees_to for f in group)),
        elements=sum(f.elements for f in group),
        mismatches=sum(f.mismatches for f in group),
        undecided=sum(f.undecided for f in group),
        worst_share=number(worst.worst_share or 0.0),
        median_share=number(_median(shares[~np.isnan(shares)])),
        worst_where=worst.worst_where,
        absolute=number(max(f.absolute for f in group)),
        relative=number(max(f.relative for f in group)),
        ulp=number(max(f.ulp for f in group)),
    )


def _median(values: Array) -> float:
    """Return the median (of an even number the upper one), 0 where there are no values."""
    middle = values.size // 2
    return float(np.partition(values, middle)[middle]) if values.size else 0.0


def first_divergence_record(findings: Sequence[Finding]) -> DivergenceRecord | None:
    """Return the first element beyond its bound."""
    first = first_wrong(findings)
    return None if first is None else _divergence(first)


def first_wrong(findings: Sequence[Finding]) -> Divergence | None:
    """Return the first element beyond its bound; findings come in the order of the data flow.

    Of what one layer and direction computes at every step, such as dL/dh and dL/da, the earliest step on the way comes
    first.
    """
    wrong = [(f.comparison, f.first) for f in findings if f.first is not None and f.verdict == "differs"]
    if not wrong or "t" not in wrong[0][1].index:
        return wrong[0][1] if wrong else None
    place = _place(wrong[0][0])
    in_turns = [(c, first) for c, first in wrong if _place(c) == place and "t" in first.index]
    return min(in_turns, key=lambda each: (-1 if each[0].backwards else 1) * each[1].index["t"])[1]


def _place(c: Comparison) -> tuple[object, ...]:
    """Return what comparisons share that are of one pass through a layer, in one direction."""
    return c.phase, c.layer, c.direction, c.scale, c.relation


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
        basis=d.basis,
        where=d.where,
        got=exact(d.got),
        expected=exact(d.expected),
        bound=exact(d.bound),
        share=number(d.share),
        absolute=number(d.absolute),
        relative=number(d.relative),
        ulp=number(d.ulp),
    )
