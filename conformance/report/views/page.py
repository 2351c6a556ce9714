"""The page that a reader opens, as data: every number and text of the HTML report, gathered from a record.

A template and the plots print what is here and compute nothing.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from conformance.record import CaseRecord, MutantRecord, Record
from conformance.record.agreement import ALL
from conformance.record.numbers import shown
from conformance.record.summary import (
    EXIT_CONFORMS,
    EXIT_DISCREPANCY,
    EXIT_INTERNAL,
    Summary,
    exit_code,
    fails,
)
from conformance.record.totals import Agreement, Worst
from conformance.report.views.grid import Grid
from conformance.report.views.page_grids import grid_of_cases, grid_of_groups
from conformance.report.views.spread import NoisePoint, ShareSeries, noise_points, share_series
from conformance.report.words import torch_of

MOST_LISTED = 20
"""Cases that are told in full; all are in the table of cases."""


class Tile(Struct, frozen=True, kw_only=True):
    """A figure that a reader wants first."""

    value: str
    label: str
    note: str


class SubjectTable(Struct, frozen=True, kw_only=True):
    """What one subject is, how closely each of its quantities agrees, and which laws it keeps."""

    subject: str
    description: str
    verdicts: Counter[str]
    rows: list[Agreement]
    relations: list[tuple[str, str, Worst]]  # law, precision, what came of it


class Refusal(Struct, frozen=True, kw_only=True):
    """A reason for which a subject can't run some cases."""

    subject: str
    reason: str
    cases: int


class Page(Struct, frozen=True, kw_only=True):
    """All that the page shows, beside the record itself and its summary."""

    summary: Summary
    record: Record
    tone: str  # "good", "bad" or "open"
    excused: str  # what an expected failure or a baseline made of the verdict, "" where neither had a say
    compared: str
    machine: str
    tiles: list[Tile]
    subjects: list[SubjectTable]
    listed: list[CaseRecord]
    unlisted: int
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
        excused=_excused(record),
        compared=_compared(record),
        machine=_machine(record),
        tiles=list(_tiles(summary)),
        subjects=_subjects(summary),
        listed=summary.notable[:MOST_LISTED],
        unlisted=max(0, len(summary.notable) - MOST_LISTED),
        by_group=grid_of_groups(summary),
        cases=grid_of_cases(record),
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


def _excused(record: Record) -> str:
    """Return how many cases fail as they may, and how many fail the run all the same."""
    if not record.rulings:
        return ""
    counts = Counter(ruling.outcome for ruling in record.rulings)
    outcomes = {(ruling.case, ruling.subject, ruling.platform): ruling.outcome for ruling in record.rulings}
    failing = sum(
        outcomes.get((case.case, case.subject, case.platform), "fails" if fails(case) else "") == "fails"
        for case in record.cases
    )
    return (
        f"Of these {counts['expected']:,} fail as expected and {counts['known']:,} as in the baseline; "
        f"{failing:,} fail the run."
    )


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
        f"{e.processor}, {e.platform}, {torch_of(e)}, NumPy {e.numpy}, {max(1, e.torch_threads)} thread(s)"
        for e in record.environments
    )


def _tiles(summary: Summary) -> Iterator[Tile]:
    record, everything = summary.record, [row for row in summary.agreements if row.group == ALL]
    elements = sum(row.stepwise.elements + row.free.elements for row in everything)
    yield Tile(value=f"{len(record.cases):,}", label="comparisons", note=_verdict_note(record))
    yield Tile(value=f"{elements:,}", label="elements judged", note="each one by itself, none by an average")
    step = max((row.stepwise for row in everything), key=lambda worst: float(worst.share), default=None)
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
            relations=[
                (row.relation, row.dtype, row.worst) for row in summary.relations if row.subject == name
            ],
        )
        for name, counts in summary.verdicts.items()
    ]


def _refusals(record: Record) -> list[Refusal]:
    found = Counter((c.subject, c.reason) for c in record.cases if c.verdict == "unsupported")
    return [Refusal(subject=s, reason=reason, cases=n) for (s, reason), n in found.most_common()]
