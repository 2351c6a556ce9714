"""What changed between two records, as text, as Markdown, or as JSON."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from conformance.record.comparing.difference import CaseChange, Difference, FactChange, MarginChange
from conformance.record.comparing.namesakes import Taken
from conformance.record.numbers import shown
from conformance.report.tables import cell, code, table
from conformance.report.words import one_line

MOST_SHOWN = 50
"""Changes of one kind that are listed; the rest is counted. JSON holds all."""

T = TypeVar("T")
UNITS = {"bound": "of the bound", "noise": "of what noise allows"}


def difference_text(found: Difference) -> str:
    """Return the changes as lines for a terminal, the verdict last; nothing else where nothing is in common."""
    if not found.common:
        return sentence(found) + "\n"
    parts = [
        *_lines("compared", found.taken, _taken),
        *_lines("environment", found.environment, _fact),
        *_lines("unfinished", found.interrupted, _fact),
    ]
    for change in ("worse", "vanished", "better", "appeared"):
        cases = [case for case in found.cases if case.change == change]
        parts += _lines(change, cases, _case)
        parts += _lines(f"{change} margins", [one for one in found.margins if one.change == change], _margin)
    parts += _lines("contracts", found.contracts, _fact)
    parts += _lines("planted faults", found.power, _fact)
    return "\n".join([*parts, sentence(found)]) + "\n"


def difference_markdown(found: Difference) -> str:
    """Return the changes as Markdown, the verdict first."""
    parts = ["# What changed", f"**{sentence(found)}**"]
    if not found.common:
        return "\n\n".join(parts) + "\n"
    if found.taken:
        parts += ["## Compared", _cut([(code(t.old), code(t.new)) for t in found.taken], ("before", "now"))]
    if found.cases:
        rows = [
            (c.change, code(c.subject), code(c.case), c.old or "–", c.new or "–", c.reason)
            for c in found.cases
        ]
        parts += ["## Cases", _cut(rows, ("change", "subject", "case", "before", "now", "why"))]
    if found.margins:
        margins = [
            (
                m.change,
                code(m.subject),
                m.quantity,
                m.dtype,
                UNITS[m.scale],
                shown(m.old),
                shown(m.new),
                code(m.case),
            )
            for m in found.margins
        ]
        heads = ("change", "subject", "quantity", "dtype", "worst share", "before", "now", "case")
        parts += ["## Margins", _cut(margins, heads)]
    for title, facts in (
        ("Unfinished", found.interrupted),
        ("Contracts", found.contracts),
        ("Planted faults", found.power),
        ("Environment", found.environment),
    ):
        if facts:
            parts += [f"## {title}", _cut([(f.what, f.old, f.new) for f in facts], ("what", "before", "now"))]
    return "\n\n".join(parts) + "\n"


def difference_json(found: Difference) -> str:
    """Return all changes as JSON, with the number of regressions."""
    content = {"regressions": found.regressions, **msgspec.to_builtins(found)}
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"


def sentence(found: Difference) -> str:
    """Return the verdict in one sentence."""
    if not found.common:
        return f"Nothing in common, so that nothing was compared: {found.apart}"
    plural = "" if found.regressions == 1 else "s"
    regressions = f"{found.regressions:,} regression{plural}" if found.regressions else "No regression"
    unfinished = " The new record is of a run that was interrupted." if _new_unfinished(found) else ""
    return (
        f"{regressions}: {found.common:,} cases in both, {found.same:,} with the same verdict; "
        f"worst shares may grow {found.margin:g}-fold.{unfinished}"
    )


def _new_unfinished(found: Difference) -> bool:
    return any(fact.regression for fact in found.interrupted)


def _lines(title: str, changes: Sequence[T], describe: Callable[[T], str]) -> Iterator[str]:
    if changes:
        yield f"{title}:"
        yield from (f"  {one_line(describe(change))}" for change in changes[:MOST_SHOWN])
        if len(changes) > MOST_SHOWN:
            yield f"  … and {len(changes) - MOST_SHOWN:,} more"


def _taken(one: Taken) -> str:
    return f"{one.old} of the old record with {one.new} of the new one"


def _case(change: CaseChange) -> str:
    verdicts = " → ".join(filter(None, (change.old, change.new)))
    reason = f": {change.reason}" if change.reason else ""
    return f"{change.subject} on {change.case}: {verdicts}{reason}"


def _margin(change: MarginChange) -> str:
    return (
        f"{change.subject}, {change.quantity}, {change.dtype}: worst share {UNITS[change.scale]} "
        f"{shown(change.old)} → {shown(change.new)}, on {change.case}"
    )


def _fact(change: FactChange) -> str:
    return f"{change.what}: {change.old} → {change.new}"


def _cut(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    text = table(heads, rows[:MOST_SHOWN])
    left = len(rows) - MOST_SHOWN
    return text if left <= 0 else f"{text}\n\n{cell(f'… and {left:,} more')}"
