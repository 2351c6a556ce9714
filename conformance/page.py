"""The page that a reader opens, as data: every number and text of the HTML report, gathered from a record.

A template and the plots print what is here and compute nothing.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.agreement import ALL, Agreement, Worst, parsed_case
from conformance.cases.groups import group_of
from conformance.grid import Column, Grid
from conformance.numbers import shown
from conformance.record import CaseRecord, MutantRecord, QuantityRecord, Record
from conformance.recording import FREE_RUN
from conformance.spread import NoisePoint, ShareSeries, noise_points, share_series
from conformance.summary import EXIT_CONFORMS, EXIT_DISCREPANCY, EXIT_INTERNAL, Summary, exit_code

MOST_TOLD = 20
"""Cases that are told in full; all are in the table of cases."""

NOTHING = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure that a reader wants first."""

    value: str
    label: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectTable:
    """What one subject is, how closely each of its quantities agrees, and which laws it keeps."""

    subject: str
    description: str
    verdicts: Counter[str]
    rows: list[Agreement]
    relations: list[tuple[str, str, Worst]]  # law, precision, what came of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A reason for which a subject can't run some cases."""

    subject: str
    reason: str
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the page shows, beside the record itself and its summary."""

    summary: Summary
    record: Record
    tone: str  # "good", "bad" or "open"
    compared: str
    machine: str
    tiles: list[Tile]
    subjects: list[SubjectTable]
    told: list[CaseRecord]
    untold: int
    by_group: Grid
    cases: Grid
    refusals: list[Refusal]
    missed: list[MutantRecord]
    caught: list[MutantRecord]
    shares: list[ShareSeries]
    noise: list[NoisePoint]
    digest: str


def page_of(summary: Summary, digest: str) -> Page:
    """Gather the page of a record; `digest` names the record's bytes."""
    record = summary.record
    mutants = [] if record.power is None else record.power.mutants
    return Page(
        summary=summary,
        record=record,
        tone=_tone(record),
        compared=_compared(record),
        machine=_machine(record),
        tiles=list(_tiles(summary)),
        subjects=_subjects(summary),
        told=summary.notable[:MOST_TOLD],
        untold=max(0, len(summary.notable) - MOST_TOLD),
        by_group=_by_group(summary),
        cases=_cases(record),
        refusals=_refusals(record),
        missed=[mutant for mutant in mutants if not mutant.case],
        caught=[mutant for mutant in mutants if mutant.case],
        shares=share_series(record),
        noise=noise_points(record),
        digest=digest,
    )


def _tone(record: Record) -> str:
    code = exit_code(record)
    return "good" if code == EXIT_CONFORMS else "bad" if code in (EXIT_DISCREPANCY, EXIT_INTERNAL) else "open"


def _compared(record: Record) -> str:
    """Return in a sentence what was compared with what."""
    cases = len({case.case for case in record.cases})
    seed = "" if record.seed is None else f" with seed {record.seed}"
    subjects = [name for name in record.subjects if name != "reference"] or record.subjects
    return (
        f"{_listed(subjects)} against the NumPy reference refrnn, on {cases:,} cases of the suite "
        f"“{record.suite}”{seed}"
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _machine(record: Record) -> str:
    """Return in a line on which machines, with which versions."""
    return "; ".join(
        f"{e.processor}, {e.platform}, torch {e.torch}, NumPy {e.numpy}, {e.torch_threads} thread(s)"
        for e in record.environments
    )


def _tiles(summary: Summary) -> Iterator[Tile]:
    record, everything = summary.record, [row for row in summary.agreements if row.group == ALL]
    elements = sum(row.stepwise.elements + row.free.elements for row in everything)
    yield Tile(value=f"{len(record.cases):,}", label="comparisons", note=_verdict_note(record))
    yield Tile(value=f"{elements:,}", label="elements judged", note="each one by itself, none by an average")
    step = max((row.stepwise for row in everything), key=lambda worst: worst.share, default=None)
    free = max(everything, key=lambda row: row.noise_ratio, default=None)
    if step is not None and step.cases:
        yield Tile(value=shown(step.share), label="worst share of a bound", note="1 is what rounding allows")
    if free is not None and free.free.cases:
        yield Tile(
            value=shown(free.noise_ratio),
            label="worst noise ratio",
            note=f"{free.allowed:g} is where “differs” begins",
        )
    if record.power is not None:
        caught = sum(1 for mutant in record.power.mutants if mutant.case)
        yield Tile(
            value=f"{caught} / {len(record.power.mutants)}",
            label="planted faults caught",
            note=f"right code accused {len(record.power.accused)} times",
        )
    if record.contracts:
        holding = sum(row.holds for row in record.contracts)
        yield Tile(
            value=f"{holding} / {len(record.contracts)}",
            label="contracts as expected",
            note="what torch refuses, and what it takes",
        )


def _verdict_note(record: Record) -> str:
    found = Counter(case.verdict for case in record.cases)
    return ", ".join(f"{count:,} {verdict}" for verdict, count in found.most_common())


def _subjects(summary: Summary) -> list[SubjectTable]:
    return [
        SubjectTable(
            subject=name,
            description=summary.record.descriptions.get(name, ""),
            verdicts=counts,
            rows=[row for row in summary.agreements if row.subject == name and row.group == ALL],
            relations=[(law, dtype, row) for (s, law, dtype), row in summary.relations.items() if s == name],
        )
        for name, counts in summary.verdicts.items()
    ]


def _refusals(record: Record) -> list[Refusal]:
    found = Counter((c.subject, c.reason) for c in record.cases if c.verdict == "unsupported")
    return [Refusal(subject=s, reason=reason, cases=n) for (s, reason), n in found.most_common()]


def _by_group(summary: Summary) -> Grid:
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
    groups.sort(key=lambda row: row.stepwise.share, reverse=True)
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


def _cases(record: Record) -> Grid:
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
        Column(label="reproduce", kind="detail", pattern="conformance run --case {case} --subject {subject}"),
        Column(label="relation", kind="detail", note="the law that the case was put to"),
        Column(label="reason", kind="detail"),
        Column(label="third opinion", kind="detail"),
        Column(label="platform", kind="choice" if len(record.environments) > 1 else "detail"),
    )
    rows = [_case_row(case, record) for case in record.cases]
    return Grid(name="cases", caption="Every case", columns=columns, rows=rows)


def _case_row(case: CaseRecord, record: Record) -> list[str]:
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
        case.reproduce,
        next((f"{q.relation}: {q.verdict}" for q in case.quantities if q.relation), ""),
        case.reason,
        case.third_opinion,
        str(case.platform) if len(record.environments) > 1 else "",
    ]


def _worst(quantities: Sequence[QuantityRecord]) -> QuantityRecord | None:
    return max(quantities, key=lambda q: float(q.worst_share), default=None)
