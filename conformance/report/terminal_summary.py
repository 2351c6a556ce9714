"""The end of a run on the terminal: a line of scope, a row for each subject, discrepancies in words, the verdict."""

import re
from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.record import CaseRecord, Record
from conformance.record.agreement import ALL, Agreement
from conformance.record.numbers import shown
from conformance.record.summary import EXIT_CONFORMS, VERDICTS, Summary, exit_code
from conformance.report.terminal import COLOURS, print_changed
from conformance.report.words import lines, torch_of

WIDE = 110
"""Columns of a terminal from which on a table has room for places."""

MOST_SHOWN = 10
"""Cases that are told in full; the rest is counted."""

NUMBER = re.compile(r"\b\d+\.\d+\b")
"""A measure in a reason, such as the bounds by which something is off: cases differ in it."""


def print_summary(out: Console, summary: Summary) -> None:
    """Print what came out, the first discrepancies in full, and the verdict last."""
    out.print()
    out.print(_scope(summary.record), markup=False, soft_wrap=True, style="dim")
    wide = out.width >= WIDE
    out.print(_subjects(summary, places=wide))
    for subject, (_, share, place) in ({} if wide else _closest_of(summary)).items():
        if place:
            out.print(f"{subject}: worst share {share}: {place}", markup=False, soft_wrap=True)
    _print_notable(out, summary.notable)
    _print_counted(out, summary.noted)
    print_changed(out, summary.record.contracts)
    good = exit_code(summary.record) == EXIT_CONFORMS
    out.print(summary.sentence, markup=False, soft_wrap=True, style="bold green" if good else "bold red")


def _scope(record: Record) -> str:
    """Return in a line what was run, where, and how long it took."""
    cases = len({case.case for case in record.cases})
    places = [
        f"{torch_of(e)}, {e.processor}, {max(1, e.torch_threads)} thread(s)" for e in record.environments
    ]
    seed = "" if record.seed is None else f", seed {record.seed}"
    took = [f"{record.seconds:,.0f} s"] if record.totals is None else []
    return " · ".join([f"{record.suite}{seed}: {cases:,} cases", "; ".join(places), *took])


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
        told = closest[subject] if places else closest[subject][:2]
        table.add_row(escape(subject), *counts, *map(escape, told))
    return table


def _closest_of(summary: Summary) -> dict[str, tuple[str, str, str]]:
    """Return for every subject what came closest to a discrepancy."""
    every = [row for row in summary.agreements if row.group == ALL]
    return {name: _closest([row for row in every if row.subject == name]) for name in summary.verdicts}


def _closest(rows: Sequence[Agreement]) -> tuple[str, str, str]:
    """Return the worst noise ratio, the worst share of a bound, and where that is."""
    free = [row for row in rows if row.free.cases]
    ratio = shown(max(row.noise_ratio for row in free)) if free else "–"
    steps = [row for row in rows if row.stepwise.cases]
    if not steps:
        return ratio, "–", ""
    worst = max(steps, key=lambda row: float(row.stepwise.share))
    return ratio, shown(worst.stepwise.share), f"{worst.quantity}, {worst.stepwise.case}"


def _print_notable(out: Console, notable: Sequence[CaseRecord]) -> None:
    """Print cases in full, the rest by number; those that a subject doesn't support by the reason that it gives."""
    told = [case for case in notable if case.verdict != "unsupported"]
    for case in told[:MOST_SHOWN]:
        for line in lines(case):
            style = None if line.startswith(" ") else COLOURS[case.verdict]
            out.print(line, markup=False, soft_wrap=True, style=style)
        out.print()
    if rest := Counter(case.verdict for case in told[MOST_SHOWN:]):
        counts = ", ".join(f"{count:,} {verdict}" for verdict, count in rest.items())
        out.print(f"… and {counts} more; --report DIR records them all.\n", soft_wrap=True)
    _print_counted(out, [case for case in notable if case.verdict == "unsupported"])


def _print_counted(out: Console, cases: Sequence[CaseRecord]) -> None:
    """Print a line for each reason of cases of one verdict that needn't be told one by one, whatever its numbers."""
    alike: dict[tuple[str, str], list[CaseRecord]] = {}
    for case in cases:
        alike.setdefault((case.subject, NUMBER.sub("", case.reason)), []).append(case)
    for (subject, _), found in alike.items():
        count = "1 case" if len(found) == 1 else f"{len(found):,} cases"
        first, verdict = found[0], found[0].verdict
        line = f"{verdict.upper()}: {subject} in {count}, first in {first.case}: {first.reason}"
        out.print(line, markup=False, soft_wrap=True, style=COLOURS[verdict])
    if cases:
        out.print()
