"""What the plots draw: how shares of the bound are spread, and how noise grows with T and gain."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.record import SHARE_STEPS, Record, Scale
from conformance.record.agreement import parsed_case


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareSeries:
    """Which part of all elements of a subject lies in each step of shares, in one precision and on one scale."""

    subject: str
    dtype: str
    scale: Scale
    elements: int
    parts: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisePoint:
    """The noise of one problem: T, how the data were drawn, and whether any result can't be decided by noise alone."""

    case: str
    dtype: str
    steps: int
    kind: str
    noise: float


def share_series(record: Record) -> list[ShareSeries]:
    """Add up the histograms of all cases, by subject, precision and scale."""
    counts: dict[tuple[str, str, Scale], list[int]] = {}
    for case in record.cases:
        dtype = parsed_case(case.case).dtype
        for scale, steps in case.shares.items():
            total = counts.setdefault((case.subject, dtype, scale), [0] * SHARE_STEPS)
            for n, count in enumerate(steps[:SHARE_STEPS]):
                total[n] += count
    return [
        ShareSeries(
            subject=subject,
            dtype=dtype,
            scale=scale,
            elements=sum(total),
            parts=[count / sum(total) for count in total],
        )
        for (subject, dtype, scale), total in counts.items()
        if sum(total)
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
