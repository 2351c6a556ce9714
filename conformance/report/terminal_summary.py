"""The end of a run on the terminal: a line of scope, a row for each subject, discrepancies in words, the verdict."""

import re
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct, structs
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.record import FREE_RUN, CaseRecord, Record, Verdict
from conformance.record.agreement import ALL
from conformance.record.numbers import shown
from conformance.record.summary import EXIT_CONFORMS, VERDICTS, Summary, exit_code, out_of_reach, smallest
from conformance.record.totals import Agreement, RelationTotal
from conformance.report.terminal import COLOURS, print_changed, print_lacks
from conformance.report.words import lines, torch_of

WIDE = 110
"""Columns of a terminal from which on a table has room for places."""

MOST_SHOWN = 10
"""Cases that are told in full; the rest is counted."""

OUT_OF_REACH = (
    "after a free run rounding noise isn't small against some results, and it shows no steps of its own."
)
"""What is said of cases that are undecidable for want of the subject's own steps."""
NUMBER = re.compile(r"\b\d+\.\d+\b")
"""A measure in a reason, such as the bounds by which something is off: cases differ in it."""


def print_summary(out: Console, summary: Summary) -> None:
    """Print what came out, the first discrepancies in full, what the data of single cases lack, the verdict last."""
    out.print()
    out.print(_scope(summary.record), markup=False, soft_wrap=True, style="dim")
    wide = out.width >= WIDE
    out.print(_subjects(summary, places=wide))
    for subject, closest in ({} if wide else _closest_of(summary)).items():
        if closest.place:
            said = f"{subject}: {closest.how}: {closest.place}"
            out.print(said, markup=False, soft_wrap=True)
    _print_notable(out, summary.notable)
    _print_smallest(out, summary.notable)
    _print_counted(out, summary.noted)
    print_changed(out, summary.record.contracts)
    print_lacks(out, summary.record.lacks)
    good = exit_code(summary.record) == EXIT_CONFORMS
    out.print(summary.sentence, markup=False, soft_wrap=True, style="bold green" if good else "bold red")


def _scope(record: Record) -> str:
    """Return in a line what was run, where, and how long it took."""
    cases = len({case.case for case in record.cases})
    number = "1 case" if cases == 1 else f"{cases:,} cases"
    places = [
        f"{torch_of(e)}, {e.processor}, {max(1, e.torch_threads)} thread(s)" for e in record.environments
    ]
    seed = "" if record.seed is None else f", seed {record.seed}"
    took = [f"{record.seconds:,.0f} s"] if record.totals is None else []
    return " · ".join([f"{record.suite}{seed}: {number}", "; ".join(places), *took])


class Closest(Struct, frozen=True, kw_only=True):
    """What of a subject came closest to a discrepancy, or went farthest beyond, by the share of what is allowed."""

    noise_ratio: str
    share: str
    place: str
    beyond: tuple[bool, bool]

    @property
    def how(self) -> str:
        """Return what is at the place."""
        return "farthest beyond what is allowed" if any(self.beyond) else "closest to what is allowed"


def _subjects(summary: Summary, *, places: bool) -> Table:
    """Return a table of verdicts, those alone that came up, and of what came closest to a discrepancy, and where."""
    verdicts = [v for v in VERDICTS if v == "agrees" or any(found[v] for found in summary.verdicts.values())]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="not bold")
    table.add_column("subject", no_wrap=True)
    for verdict in reversed(verdicts):
        table.add_column(f"[{COLOURS[verdict]}]{verdict}[/]", justify="right", no_wrap=True)
    table.add_column("noise ratio", justify="right", no_wrap=True)
    table.add_column("worst share", justify="right", no_wrap=True)
    if places:
        table.add_column("where", overflow="fold")
    closest = _closest_of(summary)
    for subject, found in summary.verdicts.items():
        counts = [f"{found[verdict]:,}" if found[verdict] else "·" for verdict in reversed(verdicts)]
        told = closest[subject]
        figures = zip((told.noise_ratio, told.share), told.beyond, strict=True)
        measured = [f"[{COLOURS['differs']}]{text}[/]" if beyond else text for text, beyond in figures]
        table.add_row(escape(subject), *counts, *measured, *([escape(told.place)] if places else []))
    return table


def _closest_of(summary: Summary) -> dict[str, Closest]:
    """Return for every subject what came closest to a discrepancy."""
    every = [row for row in summary.agreements if row.group == ALL]
    return {
        name: _closest(
            [row for row in every if row.subject == name],
            [row for row in summary.relations if row.subject == name],
        )
        for name in summary.verdicts
    }


def _closest(rows: Sequence[Agreement], relations: Sequence[RelationTotal]) -> Closest:
    """Return the worst noise ratio, the worst share of a bound, and where the worst of all is."""
    free = [row for row in rows if row.free.cases]
    steps = [row for row in rows if row.stepwise.cases]
    found = [
        *((float(row.stepwise.share), f"{row.quantity}, {row.stepwise.case}") for row in steps),
        *((float(row.free.share), f"{row.quantity}{FREE_RUN}, {row.free.case}") for row in free),
        *((float(row.worst.share), f"{row.relation}, {row.worst.case}") for row in relations),
    ]
    share = max((float(row.stepwise.share) for row in steps), default=0.0)
    return Closest(
        noise_ratio=shown(max(row.noise_ratio for row in free)) if free else "–",
        share=shown(share) if steps else "–",
        place=max(found, key=lambda one: one[0])[1] if found else "",
        beyond=(any(float(row.free.share) > 1 for row in free), share > 1),
    )


def _print_notable(out: Console, notable: Sequence[CaseRecord]) -> None:
    """Print cases in full, the rest by number; what is unsupported, or out of reach, by subject and reason."""
    told = [case for case in notable if case.verdict != "unsupported" and not out_of_reach(case)]
    for case in told[:MOST_SHOWN]:
        for line in lines(case):
            style = None if line.startswith(" ") else COLOURS[case.verdict]
            out.print(line, markup=False, soft_wrap=True, style=style)
        out.print()
    if rest := Counter(case.verdict for case in told[MOST_SHOWN:]):
        counts = ", ".join(f"{count:,} {verdict}" for verdict, count in rest.items())
        out.print(f"… and {counts} more; --report DIR records them all.\n", soft_wrap=True)
    unreached = [structs.replace(case, reason=OUT_OF_REACH) for case in notable if out_of_reach(case)]
    _print_counted(out, [*(case for case in notable if case.verdict == "unsupported"), *unreached])


def _print_smallest(out: Console, notable: Sequence[CaseRecord]) -> None:
    """Print the line that runs the smallest case that fails of each subject, where several do."""
    printed = False
    for subject in dict.fromkeys(case.subject for case in notable):
        failing = [
            case for case in notable if case.subject == subject and case.verdict in ("differs", "error")
        ]
        if len(failing) > 1:
            found = smallest(failing)
            line = (
                f"smallest of {len(failing):,} cases that fail in {subject}: {found.reproduce or found.case}"
            )
            out.print(line, markup=False, soft_wrap=True)
            printed = True
    if printed:
        out.print()


def _print_counted(out: Console, cases: Sequence[CaseRecord]) -> None:
    """Print a line for each reason of cases that needn't be told one by one, whatever its numbers."""
    alike: dict[tuple[Verdict, str, str], list[CaseRecord]] = {}
    for case in cases:
        alike.setdefault((case.verdict, case.subject, NUMBER.sub("", case.reason)), []).append(case)
    for (verdict, subject, _), (first, *others) in alike.items():
        count = f"{len(others) + 1:,} cases" if others else "1 case"
        line = f"{verdict.upper()}: {subject} in {count}, first in {first.case}: {first.reason}"
        out.print(line, markup=False, soft_wrap=True, style=COLOURS[verdict])
    if cases:
        out.print()
