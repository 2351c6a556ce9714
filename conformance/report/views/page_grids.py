"""The two large tables of the page: agreement by group of cases, and every case."""

from collections.abc import Sequence

from conformance.cases.groups import group_of
from conformance.record import FREE_RUN, CaseRecord, QuantityRecord, Record
from conformance.record.agreement import ALL, parsed_case
from conformance.record.numbers import shown
from conformance.record.summary import Summary
from conformance.record.totals import Agreement
from conformance.report.views.grid import Column, Grid

NOTHING = "–"

REPRODUCE = "conformance run --case {case} --subject {subject}"
"""The line that runs a case of one of our subjects again, which a condensed record leaves out."""


def grid_of_groups(summary: Summary) -> Grid:
    """Return every quantity, precision, group and subject."""
    columns = (
        Column(label="subject", kind="choice"),
        Column(label="group", kind="choice", note="which kind of trouble the cases reach"),
        Column(label="quantity", kind="choice"),
        Column(label="dtype", kind="choice"),
        Column(label="worst share", kind="number", note="of the rounding bound of one step"),
        Column(label="median share", kind="number", note="over cases, of the median over elements"),
        Column(label="noise ratio", kind="number", note="worst after a free run, in units of rounding noise"),
        Column(label="ULP", kind="number", note="greatest of the case with the worst share"),
        Column(label="absolute", kind="number", note="greatest of the case with the worst share"),
        Column(label="relative", kind="number", note="greatest of the case with the worst share"),
        Column(label="elements", kind="detail"),
        Column(label="case with the worst share", kind="detail"),
        Column(label="where", kind="detail"),
        Column(label="case with the worst noise ratio", kind="detail"),
    )
    groups = [row for row in summary.agreements if row.group != ALL]
    groups.sort(key=lambda row: float(row.stepwise.share), reverse=True)
    rows = [_group_row(row) for row in groups]
    return Grid(name="groups", caption="Agreement by group of cases", columns=columns, rows=rows)


def _group_row(row: Agreement) -> list[str]:
    step, free = row.stepwise, row.free
    worst = row.leading
    return [
        row.subject,
        row.group,
        row.quantity,
        row.dtype,
        shown(step.share) if step.cases else NOTHING,
        shown(step.median) if step.cases else NOTHING,
        shown(row.noise_ratio) if free.cases else NOTHING,
        shown(worst.ulp),
        shown(worst.absolute),
        shown(worst.relative),
        f"{worst.elements:,}",
        step.case,
        step.where,
        free.case,
    ]


def grid_of_cases(record: Record) -> Grid:
    """Return a row for every case and subject."""
    columns = (
        Column(label="verdict", kind="choice"),
        Column(label="subject", kind="choice"),
        Column(label="case", kind="text"),
        Column(label="group", kind="choice", note="which kind of trouble the case reaches"),
        Column(label="dtype", kind="choice"),
        Column(label="worst share", kind="number", note="of the rounding bound of one step"),
        Column(label="of", kind="choice", note="the quantity with the worst share"),
        Column(label="noise ratio", kind="number", note="worst after a free run, in units of rounding noise"),
        Column(label="noise", kind="number", note="of the problem, relative to its noisiest result"),
        Column(label="reproduce", kind="detail", pattern=REPRODUCE),
        Column(label="relation", kind="detail", note="the law that the case was put to"),
        Column(label="reason", kind="detail"),
        Column(label="third opinion", kind="detail"),
        Column(label="platform", kind="choice" if len(record.environments) > 1 else "detail"),
    )
    rulings = {(one.case, one.subject, one.platform): one.reason for one in record.rulings}
    rows = [
        _case_row(case, record, rulings.get((case.case, case.subject, case.platform), ""))
        for case in record.cases
    ]
    return Grid(name="cases", caption="Every case", columns=columns, rows=rows)


def _case_row(case: CaseRecord, record: Record, ruling: str) -> list[str]:
    parsed = parsed_case(case.case)
    steps = [q for q in case.quantities if not q.relation and not q.quantity.endswith(FREE_RUN)]
    free = [q for q in case.quantities if not q.relation and q.quantity.endswith(FREE_RUN)]
    step, noisy = _worst(steps), _worst(free)
    return [
        case.verdict,
        case.subject,
        case.case,
        group_of(parsed),
        parsed.dtype,
        NOTHING if step is None else shown(float(step.worst_share)),
        NOTHING if step is None else step.quantity,
        NOTHING if noisy is None else shown(float(noisy.worst_share) * record.scales.differs_from),
        NOTHING if case.noise is None else shown(float(case.noise)),
        case.reproduce or REPRODUCE.format(case=case.case, subject=case.subject),
        next((f"{q.relation}: {q.verdict}" for q in case.quantities if q.relation), ""),
        "; ".join(filter(None, (case.reason, ruling))),
        case.third_opinion,
        str(case.platform) if len(record.environments) > 1 else "",
    ]


def _worst(quantities: Sequence[QuantityRecord]) -> QuantityRecord | None:
    return max(quantities, key=lambda q: float(q.worst_share), default=None)
