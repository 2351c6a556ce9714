"""The agreement report in Markdown."""

from collections.abc import Iterable, Sequence

from conformance.numbers import shown
from conformance.record import CaseRecord, Environment
from conformance.report.words import tell
from conformance.summary import VERDICTS, Summary

MOST_SHOWN = 20
"""Cases that are told in full; the rest is counted."""

READING = """\
Every step is recomputed by `refrnn` from the subject's *own* previous state (backward: from its own dL/dh of
the step after). *Share* is the difference in units of the rounding bound of that one step: a correct program
stays at or below 1, and can reach 1 where a quantity is a single product. Nothing here is compared
against a tolerance typed in by hand; `docs/derivations.md` derives the bounds. The reference's own rows in float64 are
recomputed by the same cell and so are near 0 by construction: they check its scan over time, not its cell.
"""

SUBJECTS = """\
`torch-steps` is the real `torch.nn.RNN` called one step at a time, `torch` the fused module with its inner steps read
off the autograd graph, `reference` the NumPy RNN itself, run over whole sequences.
"""

RELATIONS = """\
Laws between two runs of the same subject, which need no reference to know the right answer. Every case is put to one
of those that apply to it, chosen by its id. Shares are of what rounding noise allows, or of nothing where runs must
be equal bit for bit.
"""

APART = """\
The same results after both sides ran *freely* from start to end. These distances are told, not judged: where a
network is chaotic (gain above 1, long sequences) two correct programs part company, while every single step
above still agrees.
"""


def markdown(summary: Summary) -> str:
    """Return the whole report."""
    record = summary.record
    suite = f"suite `{record.suite}`" + ("" if record.seed is None else f", seed {record.seed}")
    parts = [
        "# Agreement of torch.nn.RNN with the reference",
        f"**{summary.sentence}**",
        f"{suite}; {len(record.cases):,} comparisons of a subject with the reference over {_cases(summary):,} cases.",
        SUBJECTS,
        _table(("subject", *VERDICTS), _verdict_rows(summary)),
        *_notable(summary.notable),
        "## Agreement step by step",
        READING,
        _table(
            (
                "subject",
                "quantity",
                "dtype",
                "elements",
                "worst share",
                "typical share",
                "worst case",
                "its greatest difference",
                "in ULP",
            ),
            _quantity_rows(summary),
        ),
        "## By data regime",
        _table(
            ("subject", "regime", "dtype", "elements", "worst share", "typical share"), _regime_rows(summary)
        ),
        "## Relations",
        RELATIONS,
        _table(("subject", "relation", "dtype", "cases", "elements", "worst share"), _relation_rows(summary)),
        "## Free runs",
        APART,
        _table(
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
        "## Environment",
        _table(("what", "value"), _environment_rows(record.environments[0])),
        "Reproduce any line with `conformance run --case ID --subject NAME`.",
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _cases(summary: Summary) -> int:
    return len({case.case for case in summary.record.cases})


def _verdict_rows(summary: Summary) -> Iterable[Sequence[str]]:
    for subject, counts in summary.verdicts.items():
        yield (f"`{subject}`", *(f"{counts[verdict]:,}" for verdict in VERDICTS))


def _quantity_rows(summary: Summary) -> Iterable[Sequence[str]]:
    for (subject, quantity, dtype), row in summary.quantities.items():
        yield (
            f"`{subject}`",
            quantity,
            dtype,
            f"{row.elements:,}",
            shown(row.worst_share),
            shown(row.typical_share),
            f"`{row.worst_case}`" if row.worst_share else "",
            shown(row.absolute),
            shown(row.ulp),
        )


def _regime_rows(summary: Summary) -> Iterable[Sequence[str]]:
    for (subject, regime, dtype), row in summary.regimes.items():
        yield (
            f"`{subject}`",
            regime,
            dtype,
            f"{row.elements:,}",
            shown(row.worst_share),
            shown(row.typical_share),
        )


def _relation_rows(summary: Summary) -> Iterable[Sequence[str]]:
    for (subject, relation, dtype), row in summary.relations.items():
        yield (f"`{subject}`", relation, dtype, f"{row.cases:,}", f"{row.elements:,}", shown(row.worst_share))


def _apart_rows(summary: Summary) -> Iterable[Sequence[str]]:
    for (subject, regime, dtype), row in summary.apart.items():
        yield (
            f"`{subject}`",
            regime,
            dtype,
            f"{row.cases:,}",
            shown(row.typical),
            shown(row.largest),
            shown(row.absolute),
            f"`{row.worst_case}`",
        )


def _notable(cases: Sequence[CaseRecord]) -> Iterable[str]:
    if not cases:
        return
    yield "## What does not agree"
    for case in cases[:MOST_SHOWN]:
        yield "```text\n" + tell(case).replace("```", "'''") + "\n```"
    if len(cases) > MOST_SHOWN:
        yield f"… and {len(cases) - MOST_SHOWN:,} more, all in `agreement.json`."


def _environment_rows(environment: Environment) -> Iterable[Sequence[str]]:
    yield (
        "versions",
        f"refrnn {environment.refrnn}, numpy {environment.numpy}, torch {environment.torch}, {environment.python}",
    )
    yield "machine", f"{environment.processor}, {environment.cores} cores, {environment.platform}"
    yield "torch", f"{environment.torch_threads} thread(s), {environment.torch_capability}"
    for library in environment.libraries:
        yield library.name, f"{library.version}, {library.threads} thread(s), {library.architecture}"
    flushing = [side for side, flushes in environment.flushes_subnormals.items() if flushes]
    yield "subnormals", f"flushed to 0 by {' and '.join(flushing)}" if flushing else "kept"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
