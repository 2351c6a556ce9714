"""What can't be true of a record: parts that contradict each other, as they do where someone changed it by hand."""

from collections import Counter
from collections.abc import Collection, Iterator

from msgspec import structs

from conformance.errors import UsageError
from conformance.record import (
    SHARE_STEPS,
    CaseRecord,
    PowerRecord,
    ProfileRecord,
    QuantityRecord,
    Record,
    Timing,
    Verdict,
)
from conformance.record.agreement import ALL, parsed_case
from conformance.record.case import FREE_RUN
from conformance.record.summary import FAILING

MOST_LISTED = 60
"""Characters of the name of a quantity, which a record may have made long."""

WITHOUT_QUANTITIES = ("differs", "error", "undecidable", "unsupported")
"""Verdicts on a case of which nothing was compared; a malformed result differs."""


def check(record: Record) -> None:
    """Raise `UsageError` if parts of a record contradict each other, or it names a case that is none."""
    complaint = next(contradictions(record), None)
    if complaint is not None:
        message = (
            f"This record contradicts itself: {complaint}. Pass an agreement.json as a run has written it."
        )
        raise UsageError(message)


def contradictions(record: Record) -> Iterator[str]:
    """Yield what contradicts itself in a record; raise `UsageError` where the id of a case is none."""
    for text in _cases_named(record):
        parsed_case(text)
    yield from _of_the_run(record)
    for case in record.cases:
        yield from (f"{complaint} ({case.case})" for complaint in of_a_case(case))
    for timing in record.timings:
        yield from of_a_timing(timing)
    for profile in record.profiles:
        yield from _of_a_profile(profile)
    yield from _of_rulings(record)
    yield from _of_totals(record)


def _of_totals(record: Record) -> Iterator[str]:
    """Yield what totals say that the cases which are kept beside them contradict."""
    if record.totals is None:
        return
    whole = {
        (row.subject, row.quantity, row.dtype): row for row in record.totals.agreements if row.group == ALL
    }
    known = {case.case for case in record.cases}
    if any(
        worst.case not in known for row in whole.values() for worst in (row.stepwise, row.free) if worst.cases
    ):
        yield "its totals name a case that it doesn't have"
    for case in record.cases:
        for q in (q for q in case.quantities if not q.relation):
            row = whole.get((case.subject, q.quantity.removesuffix(FREE_RUN), parsed_case(case.case).dtype))
            worst = None if row is None else row.free if q.quantity.endswith(FREE_RUN) else row.stepwise
            if worst is None or float(q.worst_share) > float(worst.share):
                yield f"{q.quantity[:MOST_LISTED]!r} is worse in a case than in its totals ({case.case})"
                return


def _cases_named(record: Record) -> Iterator[str]:
    """Yield every case that a record speaks of beside those that it is of."""
    yield from (profile.case for profile in record.profiles)
    yield from (lack.case for lack in record.lacks)
    if record.power is not None:
        yield from (mutant.case for mutant in record.power.mutants if mutant.case)


def _of_the_run(record: Record) -> Iterator[str]:
    counted = Counter(case.verdict for case in record.cases)
    keys = {(case.case, case.subject, case.platform) for case in record.cases}
    if not record.environments:
        yield "it has no environment"
    if record.totals is None and len(record.timings) != len(record.cases):
        yield "it has another number of timings than of cases"
    if record.seconds < 0:
        yield "a time is negative"
    if {verdict: n for verdict, n in record.summary.items() if n} != dict(counted):
        yield "its summary isn't the count of its verdicts"
    if len(record.cases) != len(keys):
        yield "a case and its verdict were recorded twice"
    if any(not 0 <= case.platform < len(record.environments) for case in record.cases):
        yield "a case was run on a platform that it doesn't describe"
    if min(record.scales.differs_from, record.scales.undecidable_from) <= 0:
        yield "a scale isn't above 0"
    if record.power is not None:
        yield from _of_power(record.power, record)


def _of_power(power: PowerRecord, record: Record) -> Iterator[str]:
    if not (
        0 <= power.probed <= power.cases
        and 0 <= power.seen <= power.disturbed
        and len(power.overlooked) == power.disturbed - power.seen
    ):
        yield "its detection power counts what can't be"
    if record.complete and power.cases > len({(case.case, case.platform) for case in record.cases}):
        yield "its detection power was measured on more cases than it has"


def of_a_timing(timing: Timing) -> Iterator[str]:
    """Yield what can't be true of the seconds that a case took."""
    if any(second < 0 for second in structs.astuple(timing)):
        yield "a time is negative"


def of_a_case(case: CaseRecord) -> Iterator[str]:
    """Yield what contradicts itself in what one subject did on a case; raise `UsageError` where its id is none."""
    parsed_case(case.case)
    for q in case.quantities:
        name = q.quantity[:MOST_LISTED]
        if not (min(q.elements, q.mismatches, q.undecided) >= 0 and q.mismatches + q.undecided <= q.elements):
            yield f"{name!r} counts more elements than there are"
        if q.verdict not in _borne_out(q):
            yield f"{name!r} is said to be {q.verdict!r}, which the counts of its elements don't say"
    if case.verdict not in _verdicts(case):
        yield f"a case is said to be {case.verdict!r}, which its quantities don't say"
    if case.first_divergence is not None and case.verdict != "differs":
        yield "a case has a first divergence and doesn't differ"
    yield from _of_histograms(case)


def _verdicts(case: CaseRecord) -> Collection[Verdict]:
    """Return what may be said of a case by its quantities; what was shown but can't be judged leaves it undecidable."""
    found = {q.verdict for q in case.quantities}
    if not found:
        return WITHOUT_QUANTITIES if case.reason else ()
    worst = next((verdict for verdict in ("differs", "undecidable", "agrees") if verdict in found), "vacuous")
    return (worst,) if worst == "differs" else (worst, "undecidable")


def _borne_out(q: QuantityRecord) -> Collection[Verdict]:
    """Return what may be said of a quantity by the counts of its elements."""
    if q.mismatches:
        return ("differs",)
    if q.undecided:
        return ("undecidable",)
    return ("agrees", "vacuous", "undecidable") if float(q.worst_share) <= 1 else ()


def _of_histograms(case: CaseRecord) -> Iterator[str]:
    if any(len(steps) != SHARE_STEPS or min(steps) < 0 for steps in case.shares.values()):
        yield "a histogram has another number of steps"
        return
    if sum(map(sum, case.shares.values())) > sum(q.elements for q in case.quantities):
        yield "its histograms count more elements than its quantities"
    beyond = sum(steps[-1] for steps in case.shares.values())
    if beyond > sum(q.mismatches + q.undecided for q in case.quantities):
        yield "its histograms count more elements beyond the bound than its quantities"


def _of_a_profile(profile: ProfileRecord) -> Iterator[str]:
    steps, errors = profile.steps, (profile.subject_error, profile.reference_error, profile.noise)
    if not steps or any(len(values) != len(steps) for values in errors):
        yield "a profile has lists of different lengths"
    elif not (steps == sorted(set(steps)) and 0 <= steps[0] <= steps[-1] < parsed_case(profile.case).steps):
        yield f"a profile has other steps than its case ({profile.case})"


def _of_rulings(record: Record) -> Iterator[str]:
    found = {(case.case, case.subject, case.platform): case.verdict for case in record.cases}
    for ruling in record.rulings:
        verdict = found.get((ruling.case, ruling.subject, ruling.platform))
        if verdict is None or (ruling.outcome != "fails" and verdict not in FAILING):
            yield "a ruling is of no case of it, or excuses one that doesn't fail"
