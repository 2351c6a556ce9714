"""A record boiled down to what a reader wants first: the view that every report prints."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from conformance.cases import FORMATS
from conformance.record import FREE_RUN, CaseRecord, Record, Verdict
from conformance.record.agreement import parsed_case, totals
from conformance.record.totals import Agreement, Apart, RelationTotal, Worst

EXIT_CONFORMS, EXIT_DISCREPANCY, EXIT_USAGE, EXIT_INTERNAL, EXIT_NOTHING, EXIT_INCONCLUSIVE = range(6)
EXIT_INTERRUPTED = 130
"""The exit codes of a run; each has its own meaning, and only the first says that all is well."""

VERDICTS = ("differs", "error", "undecidable", "vacuous", "unsupported", "agrees")
"""From what a reader must see first to what needs no reading."""

FAILING = ("differs", "error", "undecidable")
"""Verdicts that fail a run by themselves (`fails`); what is vacuous or unsupported says nothing either way."""


class Summary(Struct, frozen=True, kw_only=True):
    """What the reports show of a record, in the order of the record."""

    record: Record
    sentence: str
    verdicts: dict[str, Counter[str]]  # by subject
    agreements: list[Agreement]
    relations: list[RelationTotal]
    apart: list[Apart]
    notable: list[CaseRecord]  # all that doesn't agree, the most urgent first
    noted: list[CaseRecord]  # what agrees on premises of its own, which its reason tells

    def worst_step(self, subject: str) -> Worst | None:
        """Return the comparison of single steps of a subject that used most of its bound, None where there is none."""
        rows = [row.stepwise for row in self.agreements if row.subject == subject and row.stepwise.cases]
        return max(rows, key=lambda row: float(row.share), default=None)


def summarise(record: Record) -> Summary:
    """Boil `record` down."""
    verdicts: dict[str, Counter[str]] = {subject: Counter() for subject in record.subjects}
    for case in record.cases:
        verdicts.setdefault(case.subject, Counter())[case.verdict] += 1
    notable = [case for case in record.cases if case.verdict != "agrees"]
    found = totals(record)
    return Summary(
        record=record,
        sentence=sentence(record),
        verdicts=verdicts,
        agreements=found.agreements,
        relations=found.relations,
        apart=found.apart,
        notable=sorted(notable, key=lambda case: VERDICTS.index(case.verdict)),
        noted=[case for case in record.cases if case.verdict == "agrees" and case.reason],
    )


def fails(case: CaseRecord) -> bool:
    """Return whether a case fails a run by itself.

    In 16 bits a case may name a discrepancy, but what it leaves open keeps nothing in suspense; nor does what is out of
    a black box's reach.
    """
    return case.verdict in FAILING and not _left_open(case)


def out_of_reach(case: CaseRecord) -> bool:
    """Return whether a case is undecidable for want of the subject's steps alone, which a black box can't help.

    All that its results leave open is lost in the rounding noise of a free run, whoever runs.
    """
    left = [q for q in case.quantities if q.verdict == "undecidable"]
    return case.verdict == "undecidable" and bool(left) and all(q.quantity.endswith(FREE_RUN) for q in left)


def smallest(cases: Iterable[CaseRecord]) -> CaseRecord:
    """Return the case with the least to look at: by steps × batch × units × layers × directions, then by its id."""

    def size(case: CaseRecord) -> tuple[int, str]:
        c = parsed_case(case.case)
        return c.steps * c.batch * (c.hidden_size + c.input_size) * c.layers * c.directions, case.case

    return min(cases, key=size)


def counting(record: Record) -> list[CaseRecord]:
    """Return the cases that count: what its rulings excuse, as expected or in the baseline, fails no run."""
    excused = {(r.case, r.subject, r.platform) for r in record.rulings if r.outcome != "fails"}
    return [case for case in record.cases if (case.case, case.subject, case.platform) not in excused]


def exit_code(record: Record) -> int:
    """Return the exit code that `record` deserves with its rulings; what decided nothing never exits 0."""
    counted = counting(record)
    found = Counter(case.verdict for case in counted if not _left_open(case))
    if not record.complete:
        return EXIT_INTERRUPTED
    if found["differs"]:
        return EXIT_DISCREPANCY
    if found["error"]:
        return EXIT_INTERNAL
    if found["undecidable"]:
        return EXIT_INCONCLUSIVE
    if any(ruling.outcome == "fails" for ruling in record.rulings):
        return EXIT_DISCREPANCY
    decided_nothing = EXIT_INCONCLUSIVE if any(map(out_of_reach, counted)) else EXIT_NOTHING
    return EXIT_CONFORMS if found["agrees"] or len(counted) < len(record.cases) else decided_nothing


def sentence(record: Record) -> str:
    """Return the verdict on the whole run in one sentence, with the count of what may fail beside it."""
    all_found = Counter(case.verdict for case in record.cases)
    found = Counter(case.verdict for case in counting(record))
    total = len(record.cases)
    counted = ", ".join(f"{all_found[verdict]:,} {verdict}" for verdict in VERDICTS if all_found[verdict])
    excused = may_fail(record)
    surprises = sum(ruling.outcome == "fails" for ruling in record.rulings)
    text = {
        EXIT_CONFORMS: f"Nothing new fails: {found['agrees']:,} of {total:,} comparisons agree to rounding"
        if excused
        else f"Conforms: {_all_that_say(found)} agrees to rounding",
        EXIT_DISCREPANCY: f"Does not conform: {found['differs']:,} of {total:,} comparisons differ"
        if found["differs"] or not surprises
        else f"Does not pass: {surprises:,} of {total:,} comparisons are not as they were expected",
        EXIT_INTERNAL: f"Not finished cleanly: {found['error']:,} of {total:,} comparisons raised an error",
        EXIT_NOTHING: "Nothing was checked",
        EXIT_INCONCLUSIVE: f"Inconclusive: {found['undecidable']:,} of {total:,} comparisons can't be decided",
        EXIT_INTERRUPTED: f"Interrupted after {total:,} comparisons",
    }[exit_code(record)]
    text += "".join(f"; {told}" for told in excused)
    if unreached := sum(map(out_of_reach, counting(record))):
        text += f"; {unreached:,} are out of reach without the subject's own steps"
    return f"{text}." if record.complete and len(all_found) <= 1 else f"{text} ({counted})."


def may_fail(record: Record) -> list[str]:
    """Return in words how many cases fail as they may, such as "expected: 2" and "in the baseline: 1"."""
    counts = Counter(ruling.outcome for ruling in record.rulings)
    words = {"expected": counts["expected"], "in the baseline": counts["known"]}
    return [f"{name}: {count:,}" for name, count in words.items() if count]


def _all_that_say(found: Counter[str]) -> str:
    """Return in words the comparisons that agree, which are all, or all that decide anything."""
    agreeing = found["agrees"]
    others = "" if agreeing == found.total() else " that decide anything"
    return f"every one of {agreeing:,} comparisons{others}"


def _left_open(case: CaseRecord) -> bool:
    """Return whether a case can't be decided in 16 bits, which decide nothing, or for want of the subject's steps."""
    in_16_bits = not FORMATS[parsed_case(case.case).dtype].decides
    return case.verdict == "undecidable" and (in_16_bits or out_of_reach(case))


def worse(now: Verdict, before: Verdict) -> bool:
    """Return whether a verdict got worse, in the order in which a reader must see them.

    >>> worse("undecidable", "agrees"), worse("agrees", "differs"), worse("differs", "differs")
    (True, False, False)
    """
    return VERDICTS.index(now) < VERDICTS.index(before)
