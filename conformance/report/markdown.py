"""The agreement report in Markdown."""

from collections.abc import Callable, Iterable, Sequence

from conformance.cases.groups import GROUPS
from conformance.record import (
    CaseRecord,
    ContractRecord,
    Environment,
    LackRecord,
    PowerRecord,
    Record,
    RulingRecord,
)
from conformance.record.agreement import ALL, Agreement
from conformance.record.numbers import shown
from conformance.record.summary import VERDICTS, Summary
from conformance.report.tables import block, cell, code, table
from conformance.report.words import environment_rows, tell

MOST_SHOWN = 20
"""Cases that are told in full; the rest is counted."""

READING = """\
Every step is recomputed by `refrnn` from the subject's *own* previous state (backward: from its own dL/dh of
the step after). *Share* is the difference in units of the rounding bound of that one step: a correct program
stays at or below 1, and can reach 1 where a quantity is a single product. Nothing here is compared
against a tolerance typed in by hand; `docs/derivations.md` derives the bounds. The *noise ratio* is the difference of
the results after both sides ran freely, in units of the rounding noise of that very problem. Sizes are the
greatest of the case with the worst share. The reference's own rows in float64 are recomputed by the same cell
and so are near 0 by construction: they check its scan over time, not its cell.
"""

GROUPED = """\
A case counts in the first group that it fits: variable lengths, long sequences (100 steps and more), strained data
(any regime but torch's own initialisation), sizes (wide, thin, square, or a large batch), calls (how the network is
called), and the rest, which crosses its options.
"""

AGREEMENT_HEADS = (
    "subject",
    "quantity",
    "dtype",
    "elements",
    "worst share",
    "typical share",
    "worst noise ratio",
    "ULP",
    "absolute",
    "relative",
    "case",
)

RELATIONS = """\
Laws between two runs of the same subject, which need no reference to know the right answer. Every case is put to one
of those that apply to it, chosen by its id. Shares are of what rounding noise allows, or of nothing where runs must
be equal bit for bit.
"""

POWER = """\
What the same checks and data would have caught: every fault of the catalogue as a planted mutant, torch's own
results with one of them slightly off, and right code that must never be accused; all as black boxes, the hardest kind.
"""

APART = """\
The same results after both sides ran *freely* from start to end. These distances are told, not judged: where a
network is chaotic (gain above 1, long sequences) two correct programs part company, while every single step
above still agrees.
"""


def markdown(summary: Summary) -> str:
    """Return the whole report."""
    record = summary.record
    parts = [
        "# Agreement with a clean reference of torch.nn.RNN",
        f"**{summary.sentence}**",
        _scope(summary),
        "\n".join(_descriptions(record)),
        table(("subject", *VERDICTS), _verdict_rows(summary)),
        *_notable(summary.notable),
        *_rulings(record.rulings),
        "## Agreement of every quantity",
        READING,
        table(AGREEMENT_HEADS, _agreement_rows(summary, lambda row: row.group == ALL)),
        "### By group of cases",
        GROUPED,
        table(("group", *AGREEMENT_HEADS), _group_rows(summary)),
        "## Relations",
        RELATIONS,
        table(("subject", "relation", "dtype", "cases", "elements", "worst share"), _relation_rows(summary)),
        "## Free runs",
        APART,
        table(
            (
                "subject",
                "regime",
                "dtype",
                "cases",
                "typical, of the largest",
                "greatest, of the largest",
                "greatest difference",
                "case",
            ),
            _apart_rows(summary),
        ),
        *_lacks(record.lacks),
        *_power(record.power),
        *_contracts(record.contracts),
        *_environments(record.environments),
        "Reproduce any line with `conformance run --case ID --subject NAME`.",
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _descriptions(record: Record) -> Iterable[str]:
    """Yield what each subject is; a record that was read has lost the order of its descriptions."""
    for name in record.subjects:
        if name in record.descriptions:
            yield cell(f"- {code(name)}: {record.descriptions[name]}")


def _lacks(lacks: Sequence[LackRecord]) -> Iterable[str]:
    if lacks:
        yield "## What the data could not have shown"
        rows = ((code(lack.case), lack.name, lack.hides, ", ".join(map(code, lack.faults))) for lack in lacks)
        yield table(("case", "what is so", "what can't show", "faults"), rows)


def _scope(summary: Summary) -> str:
    record = summary.record
    seed = "" if record.seed is None else f", seed {record.seed}"
    return (
        f"suite {cell(code(record.suite))}{seed}; {len(record.cases):,} comparisons of a subject with the reference "
        f"over {_cases(summary):,} cases."
    )


def _cases(summary: Summary) -> int:
    return len({case.case for case in summary.record.cases})


def _verdict_rows(summary: Summary) -> Iterable[Sequence[str]]:
    for subject, counts in summary.verdicts.items():
        yield (code(subject), *(f"{counts[verdict]:,}" for verdict in VERDICTS))


def _agreement_rows(summary: Summary, wanted: Callable[[Agreement], bool]) -> Iterable[Sequence[str]]:
    for row in summary.agreements:
        if wanted(row):
            yield (code(row.subject), *_agreement(row))


def _group_rows(summary: Summary) -> Iterable[Sequence[str]]:
    """Yield the rows of the groups, those groups together that each subject reached."""
    for group in GROUPS:
        for row in _agreement_rows(summary, lambda row, group=group: row.group == group):
            yield group, *row


def _agreement(row: Agreement) -> Sequence[str]:
    step, free = row.stepwise, row.free
    worst = row.leading
    return (
        row.quantity,
        row.dtype,
        f"{step.elements:,}" if step.cases else "–",
        shown(step.share) if step.cases else "–",
        shown(step.median) if step.cases else "–",
        shown(row.noise_ratio) if free.cases else "–",
        shown(worst.ulp),
        shown(worst.absolute),
        shown(worst.relative),
        code(worst.case) if float(worst.share) else "",
    )


def _relation_rows(summary: Summary) -> Iterable[Sequence[str]]:
    for row in summary.relations:
        worst = row.worst
        counts = f"{worst.cases:,}", f"{worst.elements:,}"
        yield code(row.subject), row.relation, row.dtype, *counts, shown(worst.share)


def _apart_rows(summary: Summary) -> Iterable[Sequence[str]]:
    for row in summary.apart:
        yield (
            code(row.subject),
            row.regime,
            row.dtype,
            f"{row.cases:,}",
            shown(row.typical),
            shown(row.largest),
            shown(row.absolute),
            code(row.worst_case),
        )


def _notable(cases: Sequence[CaseRecord]) -> Iterable[str]:
    if not cases:
        return
    yield "## What does not agree"
    for case in cases[:MOST_SHOWN]:
        yield block(tell(case))
    if len(cases) > MOST_SHOWN:
        yield f"… and {len(cases) - MOST_SHOWN:,} more, all in `agreement.json`."


def _rulings(rulings: Sequence[RulingRecord]) -> Iterable[str]:
    if not rulings:
        return
    yield "## Expected failures and the baseline"
    rows = [(code(r.subject), code(r.case), r.outcome, r.reason) for r in rulings[:MOST_SHOWN]]
    yield table(("subject", "case", "counts as", "reason"), rows)
    if len(rulings) > MOST_SHOWN:
        yield f"… and {len(rulings) - MOST_SHOWN:,} more, all in `agreement.json`."


def _power(power: PowerRecord | None) -> Iterable[str]:
    if power is None:
        return
    missed = [mutant for mutant in power.mutants if not mutant.case]
    yield "## Detection power"
    yield POWER
    yield table(
        ("what", "figure"),
        [
            (
                "mutants caught",
                f"{len(power.mutants) - len(missed)} of {len(power.mutants)} over {power.cases:,} float64 cases",
            ),
            (
                "small disturbances seen",
                f"{power.seen:,} of {power.disturbed:,} that were due, on {power.probed:,} cases",
            ),
            ("right code accused", f"{len(power.accused):,} times"),
        ],
    )
    named = [f"- missed: `{mutant.fault}`, {mutant.name}" for mutant in missed]
    named += [f"- overlooked: {text}" for text in power.overlooked]
    named += [f"- accused: {text}" for text in power.accused]
    yield "\n".join(map(cell, named[:MOST_SHOWN]))


def _contracts(contracts: Sequence[ContractRecord]) -> Iterable[str]:
    if not contracts:
        return
    yield "## What torch refuses, and what it takes"
    yield table(
        ("contract", "what is tried", "torch.nn.RNN", "refrnn", "as expected"),
        [
            (
                code(row.id),
                row.statement,
                row.observed,
                row.reference,
                _as_expected(row),
            )
            for row in contracts
        ],
    )


def _as_expected(row: ContractRecord) -> str:
    depends = f" (depends on {row.depends_on})" if row.depends_on else ""
    return f"yes{depends}" if row.holds else f"**no**: {row.expected}"


def _environments(environments: Sequence[Environment]) -> Iterable[str]:
    for n, environment in enumerate(environments):
        yield "## Environment" if len(environments) == 1 else f"## Environment of platform {n}"
        yield table(("what", "value"), environment_rows(environment))
