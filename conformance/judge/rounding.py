"""Unit roundoff and the error constant γ_n, from which every bound of the judge is made.

With unit roundoff u, a sum or inner product of n terms, evaluated in any order, with or without fused
multiply-add, differs from the exact one by at most γ_n · Σ|terms|, where γ_n = n·u / (1 − n·u); where results may
be subnormal every product adds up to half the smallest subnormal η.
Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), sections 2.2, 3.1 and 4.2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from refrnn import Array


@dataclass(frozen=True, slots=True)
class Precision:
    """How a subject computes, and how it is recomputed.

    Attributes
    ----------
    subject
        The subject's dtype, float32 or float64. It is recomputed in float64.
    u
        Unit roundoff of the comparison: that of the subject plus that of the recomputation.
    eta
        The subject's smallest subnormal.
    largest
        The subject's largest finite number.
    """

    subject: np.dtype[Any]
    u: float
    eta: float
    largest: float

    @classmethod
    def of(cls, subject: np.dtype[Any]) -> "Precision":
        """Return the precision of a comparison with a subject of dtype `subject`."""
        info = np.finfo(subject)
        u = float(info.eps) / 2 + float(np.finfo(np.float64).eps) / 2
        return cls(subject, u, float(info.smallest_subnormal), float(info.max))

    def of_sum(self, n: int, terms: Array) -> Array:
        """Bound sums of n terms or fewer by γ_n Σ|terms| + n η.

        Infinite from n·u = 1 on (16,777,216 terms in float32): rounding has no bound there, and nothing is decided.
        """
        if n * self.u >= 1:
            return np.full_like(terms, np.inf)
        gamma = n * self.u / (1 - n * self.u)
        return gamma * terms + n * self.eta
