"""What the plots draw: how shares of the bound are spread, and how noise grows with T and gain."""

import math
from collections.abc import Iterable

from msgspec import Struct

from conformance.record import Record, Scale
from conformance.record.agreement import parsed_case, totals


class ShareSeries(Struct, frozen=True, kw_only=True):
    """Which part of all elements of a subject lies in each step of shares, in one precision and on one scale."""

    subject: str
    dtype: str
    scale: Scale
    elements: int
    parts: list[float]


class NoisePoint(Struct, frozen=True, kw_only=True):
    """The noise of one problem: T, how the data were drawn, and whether any result can't be decided by noise alone."""

    case: str
    dtype: str
    steps: int
    kind: str
    noise: float


def share_series(record: Record) -> list[ShareSeries]:
    """Return the histograms of all subjects as parts of all their elements."""
    return [
        ShareSeries(
            subject=row.subject,
            dtype=row.dtype,
            scale=row.scale,
            elements=sum(row.steps),
            parts=[count / sum(row.steps) for count in row.steps],
        )
        for row in totals(record).shares
        if sum(row.steps)
    ]


def noise_points(record: Record) -> list[NoisePoint]:
    """Return the noise of every problem once, finite and above 0."""
    found: dict[str, NoisePoint] = {}
    for case in record.cases:
        noise = 0.0 if case.noise is None else float(case.noise)
        if case.case in found or not 0 < noise < math.inf:
            continue
        parsed = parsed_case(case.case)
        found[case.case] = NoisePoint(
            case=case.case, dtype=parsed.dtype, steps=parsed.steps, kind=_kind(parsed.gain), noise=noise
        )
    return list(found.values())


KINDS = ("gain up to 1", "gain up to 4", "gain above 4", "other data")
"""How data of a case were drawn, as far as it matters for its noise."""


def _kind(gain: float | None) -> str:
    if gain is None:
        return KINDS[3]
    return KINDS[0] if gain <= 1 else KINDS[1] if gain <= 4 else KINDS[2]


def dtypes(points: Iterable[NoisePoint]) -> list[str]:
    """Return the precisions that occur, the narrowest first."""
    return sorted({point.dtype for point in points})
