"""The rule by which the elements of comparisons agree, differ, or can't be decided, applied to many of them at once.

The rule, for an element `got` against `expected` (computed from the subject's own previous values):

    1. Σ|terms| over the terms whose factors are finite is a quarter of the largest number or more, so that a correct
       program may overflow on the way or not; or the comparison is `doubtful`, since noise isn't small against the
       quantity; or its bound is infinite, since so long a sum has none. The element is undecided.
    2. Otherwise NaN and infinities are the same in every correct program, since they come from the inputs alone: NaN
       must meet NaN, and an infinity the same infinity. In a gradient any of them may meet any other, since right
       formulas make either of an infinite one: g (1 − h²) is infinite, g − g h² isn't a number.
    3. Otherwise |got − expected| ≤ bound.

A small case has a hundred comparisons of a few elements each, and NumPy's calls cost more than what they do. So the
elements of many comparisons are laid out in one vector, and reduced comparison by comparison at the end.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from conformance.judge.comparison import Comparison, Differences, Finding
from conformance.judge.rounding import Precision
from refrnn import Array

AFTER = np.zeros(1)
"""What stands after the elements of every comparison."""

TOGETHER = 2**13
"""Elements from which no more comparisons are laid out together: calls cost nothing by then, memory does."""


def decide(comparisons: Iterable[Comparison], precision: Precision) -> list[Finding]:
    """Apply the rule to every element of every comparison and return the findings in the same order.

    Comparisons are best made while they are taken: overflow in what they are made of is silent here, as in the rule.

    Raises
    ------
    ValueError
        If the two arrays of a comparison differ in shape: nothing is ever broadcast.
    """
    with np.errstate(all="ignore"):
        return [
            finding for batch in _batches(comparisons) for finding in _findings(Laid.out(batch), precision)
        ]


def _batches(comparisons: Iterable[Comparison]) -> Iterator[list[Comparison]]:
    """Gather comparisons until they have `TOGETHER` elements."""
    batch: list[Comparison] = []
    elements = 0
    for comparison in comparisons:
        batch.append(comparison)
        elements += comparison.got.size
        if elements >= TOGETHER:
            yield batch
            batch, elements = [], 0
    if batch:
        yield batch


class Laid(Struct, frozen=True, kw_only=True):
    """The elements of several comparisons in one vector each.

    Every comparison is followed by one element that isn't judged, so that none is empty.
    """

    comparisons: Sequence[Comparison]
    spans: list[slice]
    got: Array
    expected: Array
    bound: Array
    terms: Array
    judged: npt.NDArray[np.bool_]
    doubtful: npt.NDArray[np.bool_]

    @classmethod
    def out(cls, comparisons: Sequence[Comparison]) -> "Laid":
        """Lay out the elements of `comparisons` one after another."""
        ends = np.cumsum([_size(c) + 1 for c in comparisons]).tolist()
        spans = [slice(start, end - 1) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        laid = cls(
            comparisons=comparisons,
            spans=spans,
            got=np.concatenate([part for c in comparisons for part in (c.got, AFTER)], axis=None),
            expected=np.concatenate([part for c in comparisons for part in (c.expected, AFTER)], axis=None),
            **{name: np.zeros(ends[-1]) for name in ("bound", "terms")},
            **{name: np.zeros(ends[-1], np.bool_) for name in ("judged", "doubtful")},
        )
        for c, span in zip(comparisons, spans, strict=True):
            shape = c.got.shape
            laid.bound[span].reshape(shape)[...] = c.bound
            laid.terms[span].reshape(shape)[...] = c.terms
            laid.judged[span].reshape(shape)[...] = True if c.judged is None else c.judged
            if c.doubtful is not None:
                laid.doubtful[span].reshape(shape)[...] = c.doubtful
        return laid

    def greatest(self, values: Array) -> list[float]:
        """Return the greatest of `values` in each comparison; NaN where there is one."""
        return np.maximum.reduceat(values, self._starts).tolist()

    def count(self, true: npt.NDArray[np.bool_]) -> list[int]:
        """Return in how many elements of each comparison `true` holds."""
        return np.add.reduceat(true, self._starts).tolist()

    def both_endless(self) -> npt.NDArray[np.bool_]:
        """Return where both sides of a gradient are NaN or infinite, whichever of them."""
        endless = ~(np.isfinite(self.got) | np.isfinite(self.expected))
        if endless.any():
            for c, span in zip(self.comparisons, self.spans, strict=True):
                endless[span] &= c.phase == "backward"
        return endless

    @property
    def _starts(self) -> list[int]:
        return [span.start for span in self.spans]


def _size(c: Comparison) -> int:
    if c.got.shape != c.expected.shape:
        message = f"{c.quantity} has the shape {c.got.shape} where {c.expected.shape} was expected."
        raise ValueError(message)
    return c.got.size


def _findings(laid: Laid, precision: Precision) -> list[Finding]:
    overflows = ~(laid.terms < precision.largest / 4)  # a NaN isn't less
    undecided = laid.judged & (overflows | laid.doubtful | np.isposinf(laid.bound))
    decided = laid.judged & ~undecided
    met = decided & ~laid.both_endless()
    apart = Differences.between(np.where(met, laid.got, 0.0), np.where(met, laid.expected, 0.0), precision)
    share = np.where(
        apart.absolute == 0, 0.0, apart.absolute / laid.bound
    )  # whatever the bound: 0 / 0 is 0 here
    share[np.isnan(share)] = np.inf  # a bound that isn't a number excuses nothing
    worst_share = laid.greatest(share)
    share[~decided] = np.nan
    elements, mismatches, undecided_elements, decided_elements, terms = map(
        laid.count,
        (
            laid.judged,
            share > 1,
            undecided,
            decided,
            laid.judged & ((laid.expected != 0) | (laid.terms != 0)),
        ),
    )
    absolute, relative, ulp, bound, size = map(
        laid.greatest,
        (
            apart.absolute,
            apart.relative,
            apart.ulp,
            np.where(decided, laid.bound, 0.0),
            np.where(decided, np.abs(laid.expected), 0.0),
        ),
    )
    return [
        Finding(
            comparison=comparison,
            elements=elements[n],
            mismatches=mismatches[n],
            undecided=undecided_elements[n],
            at_stake=terms[n] > 0,
            worst_share=worst_share[n] if decided_elements[n] else None,
            agrees_to=bound[n] / size[n] if size[n] else 0.0,
            absolute=absolute[n],
            relative=relative[n],
            ulp=ulp[n],
            share=share[laid.spans[n]].reshape(comparison.got.shape),
            precision=precision,
        )
        for n, comparison in enumerate(laid.comparisons)
    ]
