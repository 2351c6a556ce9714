"""Unit roundoff and γ_n: the constants of which every bound of the judge is made.

With unit roundoff u, a sum or inner product of n terms, evaluated in any order, with or without fused
multiply-add, differs from the exact one by at most γ_n · Σ|terms|, where γ_n = n·u / (1 − n·u); where results may
be subnormal every product adds up to half the smallest subnormal η.
Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), sections 2.2, 3.1 and 4.2.

Numbers of 16 bits are summed in float32, of unit roundoff u', and rounded where sums are stored. If a term goes
through at most k stored sums, the difference is at most ((1 + γ'_n)(1 + γ_k) − 1) · Σ|terms|.
"""

import math
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.cases import Format
from conformance.judge.functions import USUAL
from refrnn import Array

RECOMPUTED = 2.0**-53
"""Unit roundoff of float64, in which every subject is recomputed."""


class Precision(Struct, frozen=True):
    """How a subject computes, next to its recomputation in float64.

    Its tanh may be off by `tanh` units of u |tanh| (`functions.py`). With `flushes`, it takes subnormals for 0; with
    `slopes`, it may form tanh' from a pre-activation (`slopes.py`).
    """

    format: Format
    tanh: float = USUAL
    flushes: bool = False
    slopes: bool = False

    @classmethod
    def of(
        cls, subject: Format, *, tanh: float = USUAL, flushes: bool = False, slopes: bool = False
    ) -> "Precision":
        """Return the precision of a comparison with a subject that computes in `subject`."""
        return cls(subject, tanh, flushes, slopes)

    @property
    def subject(self) -> np.dtype[Any]:
        """The dtype that holds the subject's numbers."""
        return self.format.held

    @property
    def u(self) -> float:
        """Unit roundoff of the comparison: that of the subject plus that of the recomputation."""
        return self.format.u + RECOMPUTED

    @property
    def eta(self) -> float:
        """The subject's smallest subnormal, or by how much flushing one may be off: the smallest normal number."""
        return self.format.smallest_normal if self.flushes else self.format.eta

    @property
    def largest(self) -> float:
        """The subject's largest finite number."""
        return self.format.largest

    def of_sum(self, n: int, terms: Array, *, stored: int = 1) -> Array:
        """Bound sums of n terms or fewer, each of which goes through at most `stored` sums that are stored.

        That is γ_n Σ|terms| + n η where sums are accumulated in the precision in which they are stored. Infinite from
        n·u = 1 on (16,777,216 terms in float32): rounding has no bound there, and nothing is decided.
        """
        gamma = _gamma(n, self.format.accumulator + RECOMPUTED)
        if not self.format.decides:
            gamma = (1 + gamma) * (1 + _gamma(stored, self.u)) - 1
        if math.isinf(gamma):
            return np.full_like(terms, np.inf)
        return gamma * terms + n * self.eta

    def added(self, parts: Array) -> Array:
        """Return the sum over the first axis of `parts`, one after the other in the subject's precision."""
        if self.format.decides:
            return np.add.reduce(parts, dtype=self.subject)
        total = self.format.rounded(parts[0])
        for part in parts[1:]:
            total = self.format.rounded(total + self.format.rounded(part))
        return total


def _gamma(n: int, u: float) -> float:
    """Return γ_n = n·u / (1 − n·u), infinite from n·u = 1 on."""
    return n * u / (1 - n * u) if n * u < 1 else math.inf
