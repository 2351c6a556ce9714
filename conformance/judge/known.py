"""Numbers that are known up to an error, and what operations make of them: running error analysis.

What a subject shows is known exactly. What it doesn't show is recomputed in float64, and its own value lies within
`error` of that. An operation passes on the errors of what it reads, and both sides round its result once: U, which is
the sum of their unit roundoffs, times the result. So a formula written in these operations bounds itself; the few
functions have premises of their own (docs/derivations.md, section 7).

Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), section 3.3.
"""

from functools import reduce

import numpy as np
from msgspec import Struct

from conformance.judge.flow import Flow, magnitude
from conformance.judge.rounding import Precision
from conformance.judge.slopes import units_of_slope
from refrnn import Array

SECOND_ORDER = 1.01
"""Room for products of roundings, and for the evaluation of a bound itself."""


class Known(Struct, frozen=True):
    """Numbers, and how far the subject's own may lie from them."""

    value: Array
    error: Array

    @classmethod
    def exactly(cls, value: Array) -> "Known":
        """Return numbers that the subject itself shows, or was given."""
        return cls(value, np.zeros_like(value))

    @property
    def size(self) -> Array:
        """The greatest size that the subject's numbers may have; 0 for NaN and infinities."""
        return magnitude(self.value) + self.error

    def columns(self, start: int, stop: int) -> "Known":
        """Return some of the columns of rows (N, ·)."""
        return Known(self.value[..., start:stop], self.error[..., start:stop])

    @classmethod
    def beside(cls, *parts: "Known") -> "Known":
        """Return rows with the columns of several."""
        return cls(
            np.concatenate([part.value for part in parts], axis=-1),
            np.concatenate([part.error for part in parts], axis=-1),
        )


class Arithmetic(Struct, frozen=True):
    """The operations of a cell, in the precision of a comparison."""

    p: Precision

    def rounded(self, value: Array, inherited: Array, size: Array) -> Known:
        """Return a result of one rounding, of a size up to `size`."""
        return Known(value, inherited + SECOND_ORDER * self.p.u * size + self.p.eta)

    def product(self, *factors: Known) -> Known:
        """Return the product of all factors, in any order.

        Where an intermediate product underflows, what is lost is multiplied by the factors that follow.
        """
        exact = reduce(_times, factors)
        sizes = [factor.size for factor in factors]
        roundings, growth = len(sizes) - 1, reduce(np.multiply, [np.maximum(size, 1) for size in sizes])
        own = SECOND_ORDER * roundings * self.p.u * reduce(np.multiply, sizes)
        return Known(exact.value, exact.error + own + (roundings + 2) * self.p.eta * growth)

    def total(self, *addends: Known) -> Known:
        """Return the sum of all addends, in any order; its terms may cancel."""
        value = reduce(np.add, [addend.value for addend in addends])
        inherited = reduce(np.add, [addend.error for addend in addends])
        terms = reduce(np.add, [addend.size for addend in addends])
        return Known(value, inherited + self.p.of_sum(len(addends), terms))

    def negative(self, known: Known) -> Known:
        """Return −x, which is exact."""
        return Known(-known.value, known.error)

    def complement(self, s: Known) -> Known:
        """Return 1 − s."""
        return self.rounded(1 - s.value, s.error, 1 + s.error)

    def sigmoid(self, a: Known) -> Known:
        """Return σ(a).

        The steepest slope in the interval times the error of a, plus that of σ itself: 8 U σ (6.30 u was the worst
        measured, of oneDNN in float32), and two of the smallest normal numbers, since libraries return 0 where σ is
        smaller than that or barely larger.
        """
        value = _sigmoid(a.value)
        decay = np.exp(-np.maximum(np.abs(a.value) - a.error, 0))
        slope = decay / (1 + decay) ** 2
        own = 8 * self.p.u * magnitude(value) + 2 * self.p.format.smallest_normal
        return Known(value, slope * a.error + own)

    def tanh(self, a: Known) -> Known:
        """Return tanh(a): as `elman_bounds.state` bounds it."""
        decay = np.exp(
            -2 * np.maximum(np.abs(a.value) - a.error, 0)
        )  # sech² from exponentials: no cancellation
        slope = 4 * decay / (1 + decay) ** 2
        value = np.tanh(a.value)
        return Known(value, slope * a.error + self.p.tanh * self.p.u * magnitude(value) + self.p.eta)

    def slope_of_sigmoid(self, s: Known) -> Known:
        """Return σ' = s (1 − s), or s − s²: absolute near saturation, where 1 − s cancels."""
        value = s.value * (1 - s.value)
        rest = np.abs(1 - s.value)
        own = SECOND_ORDER * self.p.u * magnitude(s.value) * (2 * rest + np.maximum(rest, magnitude(s.value)))
        return Known(value, own + np.abs(1 - 2 * s.value) * s.error + s.error**2 + 2 * self.p.eta)

    def slope_of_tanh(self, t: Known) -> Known:
        """Return tanh' = 1 − t², or (1 − t)(1 + t), or a part of a product: as `elman_bounds.pre_gradient`."""
        value, own = 1 - t.value * t.value, SECOND_ORDER * self.p.u * units_of_slope(self.p, t.value)
        return Known(value, own + 2 * magnitude(t.value) * t.error + t.error**2 + 2 * self.p.eta)

    def through(self, left: Known, w: Array) -> Flow:
        """Return rows (N, ·) @ w as a flow, whose own rounding is still to be bound where it is summed."""
        size = magnitude(w)
        return Flow(value=left.value @ w, terms=magnitude(left.value) @ size, inherited=left.error @ size)


def _times(one: Known, other: Known) -> Known:
    """Return a product, and what its factors bring along."""
    inherited = one.error * magnitude(other.value) + magnitude(one.value) * other.error
    return Known(one.value * other.value, inherited + one.error * other.error)


def as_flow(known: Known) -> Flow:
    """Return numbers on their way to a sum."""
    return Flow(value=known.value, terms=magnitude(known.value), inherited=known.error)


def _sigmoid(a: Array) -> Array:
    """Return σ(a) to a few roundings of σ itself, however small."""
    decay = np.exp(-np.abs(a))
    return np.where(a >= 0, 1 / (1 + decay), decay / (1 + decay))
