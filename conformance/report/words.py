"""The grammar in which a discrepancy is told, the same everywhere.

verdict · first divergent step · count · greatest differences · ratio to the bound · the line that reproduces it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from conformance.record import CaseRecord, DivergenceRecord, Environment, LackRecord, QuantityRecord
from conformance.record.numbers import round_up, shown

FORBIDDEN = re.compile(
    "[^\t\n\r\u0020-\u007e\u00a0-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
"""Characters that XML can't hold, escaped or not, those that a terminal obeys, and those that turn lines about."""

SCALES = {"bound": "the bound", "noise": "what noise allows", "copy": "its bound, which is 0"}


def tell(case: CaseRecord) -> str:
    """Return in words what became of a case."""
    return "\n".join(lines(case))


def lines(case: CaseRecord) -> Iterator[str]:
    """Yield what `tell` tells, line by line."""
    yield f"{case.verdict.upper()}: {case.subject} on {case.case}"
    if case.first_divergence is not None:
        place, *values = divergence(case.first_divergence)
        yield f"  first divergent step: {place}"
        yield from (f"    {line}" for line in values)
    for quantity in case.quantities:
        if quantity.verdict in ("differs", "undecidable"):
            yield f"  {counted(quantity)}"
    if case.reason:
        yield f"  {case.reason}"
    if case.not_shown and case.verdict not in ("error", "unsupported"):
        yield f"  not shown, so not judged: {', '.join(case.not_shown)}"
    if case.third_opinion:
        yield f"  third opinion: {case.third_opinion}"
    yield f"  reproduce: {case.reproduce}"


def divergence(d: DivergenceRecord, source: str = "") -> tuple[str, str, str, str]:
    """Return one wrong element in words: its place, both values, and their difference in every unit.

    `source` tells what the expected value is the sum of, where that is known.
    """
    sizes = (
        f"{shown(float(d.absolute))} absolute, {shown(float(d.relative))} relative, {shown(float(d.ulp))} ULP"
    )
    return (
        f"{d.phase} pass, {d.quantity}, {d.where}",
        f"got      {float(d.got)!r}",
        f"expected {float(d.expected)!r}{source}, {d.basis}",
        f"off by {sizes}: {shown(float(d.share))} × its bound of {shown(float(d.bound))}",
    )


def counted(q: QuantityRecord) -> str:
    """Return how much of a quantity is wrong, and by how much at most."""
    name = f"{q.relation}: {q.quantity}" if q.relation else q.quantity
    if not q.mismatches and not q.undecided:
        return f"{name}: agrees to {shown(float(q.agrees_to))} of its greatest value, which says too little"
    if not q.mismatches:
        return (
            f"{name}: undecided elements {q.undecided} / {q.elements} ({percentage(q.undecided, q.elements)})"
        )
    undecided = f", undecided: {q.undecided}" if q.undecided else ""
    return (
        f"{name}: mismatched elements {q.mismatches} / {q.elements} ({percentage(q.mismatches, q.elements)})"
        f"{undecided}; greatest {shown(float(q.absolute))} absolute, {shown(float(q.relative))} relative, "
        f"{shown(float(q.ulp))} ULP; up to {shown(float(q.worst_share))} × {SCALES[q.scale]} ({q.worst_where})"
    )


def lack_line(lack: LackRecord, most: int) -> str:
    """Return what data lack, what can't show for that, and by which faults, at most so many by name."""
    return f"{lack.name}: {lack.hides} ({first_of(lack.faults, most)})"


def first_of(names: Sequence[str], most: int) -> str:
    """Return the first names in a row, and how many others there are.

    >>> first_of(["a", "b", "c"], 2), first_of(["a", "b"], 2)
    ('a, b and 1 more', 'a, b')
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


class Tried(Protocol):
    """What is told of a contract that was tried out."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def expected(self) -> str: ...  # noqa: D102
    @property
    def observed(self) -> str: ...  # noqa: D102
    @property
    def reference(self) -> str: ...  # noqa: D102
    @property
    def holds(self) -> bool: ...  # noqa: D102


def changed_lines(contracts: Sequence[Tried]) -> Iterator[str]:
    """Yield every contract that doesn't hold, in full."""
    for row in contracts:
        if not row.holds:
            seen = f"expected {row.expected}; got {row.observed}; refrnn: {row.reference}"
            yield one_line(f"CHANGED: {row.id}: {seen}")


def torch_of(environment: Environment) -> str:
    """Return which torch an environment has, in words."""
    return f"torch {environment.torch}" if environment.torch else "no torch"


def environment_rows(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield what is to be known of an environment, by what it is."""
    yield (
        "versions",
        f"refrnn {environment.refrnn}, numpy {environment.numpy}, {torch_of(environment)}, {environment.python}",
    )
    yield "machine", f"{environment.processor}, {environment.cores} cores, {environment.platform}"
    if environment.torch:
        yield "torch", f"{environment.torch_threads} thread(s), {environment.torch_capability}"
    for library in environment.libraries:
        yield library.name, f"{library.version}, {library.threads} thread(s), {library.architecture}"
    if environment.frameworks:
        yield "frameworks", ", ".join(f"{name} {found}" for name, found in environment.frameworks.items())
    flushing = [side for side, flushes in environment.flushes_subnormals.items() if flushes]
    yield "subnormals", f"flushed to 0 by {' and '.join(flushing)}" if flushing else "kept"
    if environment.variables:
        yield (
            "variables",
            ", ".join(f"{name}={value}" for name, value in sorted(environment.variables.items())),
        )


def legal(text: str) -> str:
    r"""Return text with every character written out that XML can't hold or a terminal obeys.

    >>> print(legal("a\x07b"))
    a\x07b
    """
    return FORBIDDEN.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def one_line(text: str) -> str:
    r"""Return text on one line, with every character written out that XML can't hold or a terminal obeys.

    >>> print(one_line("a\r\nb\x07"))
    a b\x07
    """
    return " ".join(legal(text).split())


def percentage(part: int, whole: int) -> str:
    """Return a share of elements in per cent, never rounded to 0 or 100 unless it is.

    >>> percentage(3, 40), percentage(1, 10**6), percentage(999_999, 10**6)
    ('7.5 %', 'under 0.01 %', 'over 99.99 %')
    """
    value = 100 * part / whole if whole else 0.0
    if 0 < value < 0.01:
        return "under 0.01 %"
    if 99.99 < value < 100:
        return "over 99.99 %"
    return f"{round_up(value, 4):.4g} %"
