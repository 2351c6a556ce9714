"""What every format shows of a check, worded once and in the order in which a mismatch is always told.

verdict · first divergent step · counts and sizes · likely cause and the line that mends it · what else is known ·
the line that reproduces it.
"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from conformance.hand_written.locations import place_of
from conformance.record import FREE_RUN, DivergenceRecord, QuantityRecord
from conformance.record.check import (
    EXIT_CONFORMS,
    EXIT_DIFFERS,
    CheckRecord,
    ConsistencyRecord,
    DiagnosisRecord,
    FixRecord,
    ScaleRecord,
    SplitRecord,
    named_gradient,
)
from conformance.record.numbers import shown
from conformance.report.words import divergence, percentage

TITLES = {
    "conforms": "CONFORMS",
    "conforms-up-to-a-constant": "CONFORMS, UP TO A CONSTANT",
    "forward-conforms": "FORWARD AGREES",
    "gradients-conform": "CONFORMS IN ITS GRADIENTS",
    "step-conforms": "STEP AGREES",
    "differs": "DIFFERS",
    "another-network": "ANOTHER NETWORK",
    "as-used": "AS IT IS USED",
    "undecided": "UNDECIDED",
    "not-called": "NOT CALLED",
    "out-of-time": "OUT OF TIME",
    "failed": "FAILED",
}
SIZES = {
    "T": "T time steps",
    "B": "B sequences in a batch",
    "I": "I inputs",
    "H": "H units",
    "O": "O outputs",
}
"""The sizes in the names of constants, in words."""
READABLE = 1e5
"""Units in the last place that are counted; more of them are told by their size."""
ONE_RAISED = 2
"""Lines about statements that did not run where one of them raised, which the first line shows."""
MOST_EQUIVALENTS = 3
"""Sets of mistakes that are listed beside the one that is named."""

MEND = "patch"
"""The block that shows a diff."""

OTHERWISE = "or these, which give the same on every problem:"
PROVED = "with these lines every gradient is right: tried in memory, on other data too, in sequences of up to 9 steps"

COLUMNS = ("quantity", "verdict", "mismatched", "absolute", "relative", "ULP", "× allowed")


class Block(Struct, frozen=True, kw_only=True):
    """One topic of a check: its name, and its lines; those of code, or in columns, keep their spaces."""

    name: str
    lines: tuple[str, ...]
    code: bool = False


class CheckView(Struct, frozen=True, kw_only=True):
    """A check in words: what formats lay out, each in its own way."""

    title: str
    tone: Literal["good", "bad", "open"]  # by the exit code
    target: str
    headline: str
    first: Block | None
    rows: tuple[tuple[str, ...], ...]  # by `COLUMNS`
    blocks: tuple[Block, ...]
    reproduce: str


def view(record: CheckRecord, *, verbose: bool = False) -> CheckView:
    """Return everything that formats show of `record`; every statement that did not run with `verbose` alone."""
    return CheckView(
        title=TITLES[record.verdict],
        tone="good"
        if record.exit_code == EXIT_CONFORMS
        else "bad"
        if record.exit_code == EXIT_DIFFERS
        else "open",
        target=record.target,
        headline=record.headline,
        first=None if record.first_divergence is None else _first(record, record.first_divergence),
        rows=tuple(_rows(record.quantities)),
        blocks=tuple(block for block in _blocks(record, verbose=verbose) if block.lines),
        reproduce=record.reproduce,
    )


def _first(record: CheckRecord, d: DivergenceRecord) -> Block:
    step = (
        next((s for s in record.split if f"t = {s.t}," in d.where), None) if d.quantity == "dL/dh" else None
    )
    lines = [*divergence(d, "" if step is None else f" = {_sum(step)}")]
    if record.inherited:
        lines.append(record.inherited)
    kept = " (simulated: the code keeps no dL/dh)" if record.simulated_steps else ""
    step_or_element = "step" if d.quantity in ("h", "dL/dh", "dL/da") else "element"
    return Block(name=f"first divergent {step_or_element}{kept}", lines=tuple(lines), code=True)


def _sum(step: SplitRecord) -> str:
    if float(step.from_next) == 0:
        return f"{float(step.from_output):.6g} from the output"
    sign, size = "−" if float(step.from_next) < 0 else "+", abs(float(step.from_next))
    return f"{float(step.from_output):.6g} from the output {sign} {size:.6g} from step {step.t + 1}"


def _rows(quantities: Sequence[QuantityRecord]) -> Iterator[tuple[str, ...]]:
    """Yield a row for every quantity; what was compared step by step and after a free run is one row, the worse one."""
    by_name: dict[str, list[QuantityRecord]] = {}
    for q in quantities:
        by_name.setdefault(q.quantity.removesuffix(FREE_RUN), []).append(q)
    for name, group in by_name.items():
        worst = max(group, key=lambda q: (q.mismatches, q.undecided, float(q.worst_share)))
        mismatched = f"{worst.mismatches} / {worst.elements}"
        if worst.mismatches:
            mismatched += f" ({percentage(worst.mismatches, worst.elements)})"
        sizes = (shown(float(size)) for size in (worst.absolute, worst.relative))
        yield (
            name,
            worst.verdict,
            mismatched,
            *sizes,
            _ulp(float(worst.ulp)),
            _share(float(worst.worst_share)),
        )


def _ulp(count: float) -> str:
    """Return a count of units in the last place, which is whole where it is small enough to be read."""
    return f"{math.ceil(count):,}" if count < READABLE else shown(count)


def _share(share: float) -> str:
    """Return a share of what is allowed; far below it, how far says nothing but what the processor is."""
    return "<0.1" if 0 < share < 0.1 else shown(share)


def _blocks(record: CheckRecord, *, verbose: bool) -> Iterator[Block]:
    if not record.conforms:  # there the headline says it
        yield Block(name="limits", lines=tuple(record.as_written))
    if record.scale is not None:
        yield Block(name="constant", lines=tuple(_scale(record.scale)))
    if record.diagnosis is not None:
        name = "likely cause" if record.diagnosis.faults else "what is known of the cause"
        yield Block(name=name, lines=tuple(_diagnosis(record.diagnosis, patched=bool(record.fixes))))
    yield Block(name=MEND, lines=tuple(_mend(record)), code=True)
    if record.consistency is not None:
        yield Block(name="its own forward", lines=tuple(_consistency(record.consistency)))
    yield Block(name="in other settings", lines=tuple(part.sentence for part in record.parts))
    yield Block(name="contracts", lines=tuple(c.sentence for c in record.contracts if c.holds is False))
    yield Block(name="notes", lines=tuple(record.notes))
    name = (
        "what was tried, with arguments of our own" if record.verdict == "not-called" else "how it was called"
    )
    yield Block(name=name, lines=tuple(record.interface.lines), code=True)
    if record.verdict == "not-called":
        yield Block(name="how to state it", lines=tuple(_statement(record.interface.adapter)), code=True)
    if record.not_checked:
        yield Block(
            name="not found in what it returns and keeps, so not checked",
            lines=(", ".join(map(_named, record.not_checked)),),
        )
    yield Block(name="it printed", lines=tuple(record.printed.splitlines()), code=True)
    yield Block(name="not run", lines=tuple(_not_run(record.not_run, verbose=verbose)))


def _statement(adapter: str) -> Iterator[str]:
    """Yield the lines of the `handwritten` statement in an adapter."""
    lines = adapter.splitlines()
    first = next((n for n, line in enumerate(lines) if line.startswith("network = ")), len(lines))
    yield from lines[first:]


def _not_run(statements: Sequence[str], *, verbose: bool) -> Iterator[str]:
    """Yield the sentence that counts the statements that did not run, and on demand those that raised."""
    if verbose or not statements:
        yield from statements
    else:
        more = " --verbose lists them." if len(statements) > ONE_RAISED else ""
        yield f"{statements[0]}{more}"


def _scale(scale: ScaleRecord) -> Iterator[str]:
    factor = f"{float(scale.factor):.6g}"
    sizes = [what for letter, what in SIZES.items() if re.search(rf"\b{letter}\b", scale.name)]
    here = f" ({'; '.join([f'{factor} here', *sizes])})" if sizes else ""
    yield f"every gradient is {scale.name or factor} times that of {scale.against}{here}"


def _diagnosis(found: DiagnosisRecord, *, patched: bool) -> Iterator[str]:
    """Yield what is known of the cause; how it is mended is told once, with a patch where there is one."""
    for fault in found.faults:
        places = [suspect for suspect in found.suspects if suspect.fault == fault.id]
        yield f"{fault.id}: {fault.name}"
        if not patched or not places:
            yield f"  mend: {fault.mend}"
        for place in places:
            sure = "tried in memory: the mistake is gone" if place.verified else "a guess"
            there = _joined(place.text) or f"{_joined(place.mended)} is missing"
            yield f"  {place_of(place.file, place.line)}: {there}"
            yield from [f"  write: {_joined(place.mended)}  ({sure})"] * (bool(place.mended) and not patched)
    for name, faults in found.by_parameter.items():
        if faults:
            yield f"{named_gradient(name)} by itself is reproduced by {' + '.join(faults)}"
    for names in found.equivalents[:MOST_EQUIVALENTS]:
        yield f"the same gradients on every input come of: {' + '.join(names)}"
    if (more := len(found.equivalents) - MOST_EQUIVALENTS) > 0:
        yield f"and of {more} more, which --format json lists"
    yield from found.known


def _joined(lines: str) -> str:
    """Return some lines of a source on one."""
    return " ⏎ ".join(line.strip() for line in lines.split("\n"))


def _mend(record: CheckRecord) -> Iterator[str]:
    """Yield the lines that make every gradient right as a diff, or where the backward pass first goes wrong."""
    if record.located:
        yield record.located
    if record.fixes:
        yield PROVED
        yield from _diff(record.fixes)
    if record.other_fixes:
        yield OTHERWISE
        yield from _diff(record.other_fixes)


def _diff(fixes: Sequence[FixRecord]) -> Iterator[str]:
    """Yield fixes as a diff without the lines around them."""
    file = ""
    for fix in fixes:
        if fix.file != file:
            file = fix.file
            yield f"--- {place_of(file)}"
        yield f"@@ line {fix.first}{fix.change and f': {fix.change}'} @@"
        yield from (f"-{line}" for line in fix.before)
        yield from (f"+{line}" for line in fix.after)


def _named(unshown: str) -> str:
    is_gradient = unshown.startswith(("dL/dweight", "dL/dbias"))
    return named_gradient(unshown.removeprefix("dL/d")) if is_gradient else unshown


def _consistency(own: ConsistencyRecord) -> Iterator[str]:
    """Yield what the network's own forward pass says: the method, then every gradient that doesn't agree."""
    if own.agrees is None:
        yield f"its gradients can't be judged by it: {own.reason}"
        return
    agrees = "agrees" if own.agrees else "does not agree"
    yield f"the numerical gradient ({own.method}) {agrees}" if own.method else own.reason
    if own.steps:
        yield own.steps
    for q in own.quantities:
        if q.verdict == "differs":
            yield (
                f"{q.quantity}: wrong in {q.mismatches} of {q.elements} random directions, by up to "
                f"{shown(float(q.absolute))} absolute, {shown(float(q.relative))} relative; up to "
                f"{shown(float(q.worst_share))} × what the error of the numerical gradient allows"
            )
