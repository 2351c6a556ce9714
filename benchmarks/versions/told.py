"""The pages on torch's releases, as sections of sentences and tables."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from compared import Compared, Moved, broken
from sections import Section
from trial import Trial

from conformance.record import Environment, Record
from conformance.record.numbers import shown
from conformance.record.summary import VERDICTS
from conformance.report.difference import UNITS, sentence
from conformance.report.words import environment_rows

CHANGES = (
    "from",
    "to",
    "regressions, by the project's own diff",
    "same numbers to the last digit",
    "greatest growth of a share of a step's bound",
    "other verdicts",
    "shares beyond the margin",
    "other contracts",
    "other planted faults",
)
MOST_SHOWN = 100
"""Rows of one table; the rest is counted."""

FEW = 3
"""Quantities of a comparison that are named."""

INSTRUCTIONS = re.compile(r"sse4|avx|fma|f16c|amx|asimd|sve")
"""Parts of the names of processor flags that decide which kernels run."""


def sections(
    trials: Sequence[Trial],
    *,
    command: str,
    bound: str,
    pin: str,
    held: Sequence[Compared],
    steps: Sequence[Compared],
    flags: str,
) -> Iterator[Section]:
    """Yield all that is told of the releases."""
    with_record = [trial for trial in trials if trial.record is not None]
    yield Section(
        title="Releases of torch",
        text=f"The smoke suite on {len(with_record)} of {len(trials)} releases that were asked for, each in an "
        f"environment of its own. pyproject.toml declares torch from {bound} on, constraints.txt pins {pin}, and the "
        "newest is the one that pip takes where none is named; the other packages are the pinned ones, but those that "
        f"torch alone brings. Made by `{command}`.",
        heads=(
            "torch",
            "NumPy",
            "cases",
            "comparisons",
            *VERDICTS,
            "contracts",
            "faults caught",
            "right code accused",
        ),
        rows=[_row(trial) for trial in trials],
    )
    yield Section(
        title=f"Against the pinned release, {pin}",
        text=_reading(held)
        if held
        else "The pinned release has no record, so that nothing is compared with it.",
        heads=CHANGES if held else (),
        rows=[_changes(one) for one in held],
    )
    yield Section(
        title="From each release to the next",
        heads=CHANGES if steps else (),
        rows=[_changes(one) for one in steps],
        text="" if steps else "There are no two releases with a record.",
    )
    yield from _details(steps)
    rows = [
        (trial.label, row.id, row.statement, row.expected, row.observed, row.reference)
        for trial in with_record
        for row in broken(trial.record)
    ]
    yield Section(
        title="Contracts that don't hold",
        text="" if rows else "All hold on every release.",
        heads=("torch", "contract", "what is tried", "expected", "came", "refrnn") if rows else (),
        rows=rows,
    )
    yield from _not_agreeing(with_record)
    yield from _environments(with_record, pin, held, flags)


def _reading(held: Sequence[Compared]) -> str:
    margin = held[0].found.margin
    return (
        f"A regression is a verdict that is worse, a worst share grown beyond {margin:g} times, a contract that holds "
        "no more, or a planted fault that isn't caught any more. Numbers to the last digit are those of comparisons "
        "of torch alone: how far every quantity is off, by all measures that a record has."
    )


def _row(trial: Trial) -> Sequence[str]:
    if trial.record is None:
        return (f"{trial.label}: {trial.reason}", *[""] * (6 + len(VERDICTS)))
    record = trial.record
    power = record.power
    return (
        trial.label if record.complete else f"{trial.label} (interrupted, so not all cases)",
        record.environments[0].numpy,
        str(len({case.case for case in record.cases})),
        str(len(record.cases)),
        *(str(record.summary.get(verdict, 0)) for verdict in VERDICTS),
        _contracts(record),
        "–" if power is None else f"{sum(bool(m.case) for m in power.mutants)} of {len(power.mutants)}",
        "–" if power is None else str(len(power.accused)),
    )


def _contracts(record: Record) -> str:
    lost = len(broken(record))
    return f"{len(record.contracts) - lost} of {len(record.contracts)} hold"


def _changes(one: Compared) -> Sequence[str]:
    found = one.found
    verdicts = [change for change in found.cases if change.change in ("worse", "better")]
    return (
        one.old,
        one.new,
        sentence(found),
        f"{one.torch - len(one.moved)} of {one.torch}",
        f"{shown(one.grown)}-fold",
        str(len(verdicts)),
        str(len(found.margins)),
        str(len(found.contracts)),
        str(len(found.power)),
    )


def _details(steps: Sequence[Compared]) -> Iterator[Section]:
    """Yield what changed from each release to the next, one by one."""
    yield _listed(
        "Cases with another verdict",
        ("from", "to", "change", "subject", "case", "before", "now", "why"),
        [
            (s.old, s.new, c.change, c.subject, c.case, c.old or "–", c.new or "–", c.reason)
            for s in steps
            for c in s.found.cases
        ],
    )
    yield _listed(
        "Quantities whose worst share moved beyond the margin",
        ("from", "to", "change", "subject", "quantity", "dtype", "before", "now", "of", "case"),
        [
            (
                s.old,
                s.new,
                m.change,
                m.subject,
                m.quantity,
                m.dtype,
                shown(m.old),
                shown(m.new),
                UNITS[m.scale],
                m.case,
            )
            for s in steps
            for m in s.found.margins
        ],
    )
    yield _listed(
        "Comparisons with other numbers, within the margin or not",
        ("from", "to", "subject", "case", "quantities with other numbers", "worst share that moved most"),
        [
            (
                s.old,
                s.new,
                m.subject,
                m.case,
                _first(m.quantities),
                _move(m),
            )
            for s in steps
            for m in s.moved
        ],
    )
    for title, part in (("Contracts with another outcome", "contracts"), ("Planted faults", "power")):
        rows = [(s.old, s.new, f.what, f.old, f.new) for s in steps for f in getattr(s.found, part)]
        yield _listed(title, ("from", "to", "which", "before", "now"), rows)


def _first(quantities: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(quantities) - FEW} more" if len(quantities) > FEW else ""
    return ", ".join(quantities[:FEW]) + more if quantities else "only how far free runs end up apart"


def _move(one: Moved) -> str:
    return f"{one.most}: {shown(one.then)} → {shown(one.now)}" if one.most else "–"


def _listed(title: str, heads: Sequence[str], rows: list[Sequence[str]]) -> Section:
    if not rows:
        return Section(title=title, text="None from any release to the next.")
    left = len(rows) - MOST_SHOWN
    more = f"{left:,} more are not listed." if left > 0 else ""
    return Section(title=title, text=more, heads=heads, rows=rows[:MOST_SHOWN])


def _not_agreeing(trials: Sequence[Trial]) -> Iterator[Section]:
    """Yield all that doesn't agree, on any release."""
    rows = [
        (trial.label, case.verdict, case.subject, case.case, case.reason)
        for trial in trials
        for case in trial.record.cases
        if case.verdict != "agrees"
    ]
    yield Section(
        title="What doesn't agree",
        text="" if rows else "Every comparison agrees, on every release.",
        heads=("torch", "verdict", "subject", "case", "why") if rows else (),
        rows=rows,
    )


def _environments(
    trials: Sequence[Trial], pin: str, held: Sequence[Compared], flags: str
) -> Iterator[Section]:
    """Yield where it was run, and what of that is another with other releases."""
    shown_first = next((t for t in trials if t.asked == pin), trials[0] if trials else None)
    if shown_first is None or shown_first.record is None:
        return
    here: Environment = shown_first.record.environments[0]
    rows = [*environment_rows(here), ("processor's flags", flags)]
    yield Section(title=f"Environment, with torch {shown_first.label}", heads=("what", "which"), rows=rows)
    other = [(one.new, fact.what, fact.new) for one in held for fact in one.found.environment]
    yield _listed("What of it is another with other releases", ("torch", "what", "which"), other)


def flags(information: Path = Path("/proc/cpuinfo")) -> str:
    """Return the flags of the processor that decide which kernels run, where the system tells them."""
    text = information.read_text(encoding="utf-8", errors="replace") if information.exists() else ""
    line = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    found = sorted({flag for flag in (line[1].split() if line else []) if INSTRUCTIONS.search(flag)})
    return ", ".join(found) or "not told by the system"
