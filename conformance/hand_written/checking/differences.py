"""Numerical derivatives of a function of one number, each with an error of its own: no step size is trusted.

differences     central differences at halved steps, extrapolated to step 0 (Richardson 1911), the entry of the
table whose neighbours agree best, as in Ridders, "Accurate computation of F'(x) and F'(x) F''(x)",
Advances in Engineering Software 4 (1982)
complex step    Im f(x + ih) / h, without cancellation (Squire & Trapp, SIAM Review 40, 1998); only where f
carries complex numbers through, which buffers of real numbers don't
"""

from collections.abc import Callable

import numpy as np
from msgspec import Struct

LEVELS = 5
"""Halvings of the step; each extrapolation removes the next even power of it."""

FIRST_STEP = 0.08
"""The largest step, for weights of order one: its halvings bring down truncation, the last one costs few digits."""

U = float(np.finfo(np.float64).eps) / 2

TINY = 2.0**-100
"""The complex step: its square is far below the unit roundoff of anything it is added to."""

CLEAR = 1e-4
"""The relative error up to which a numerical derivative denies anything: a kink in the loss, or chaos, makes more."""


class Derivative(Struct, frozen=True, kw_only=True):
    """A derivative, and how far off it may be."""

    value: float
    error: float


def extrapolated(function: Callable[[float], float], level: int = LEVELS) -> Derivative:
    """Return f'(0) by central differences at halved steps, extrapolated.

    The error is what neighbouring entries differ by, and what rounding of f alone, u·|f|, makes of a step at least.
    """
    best = Derivative(value=np.nan, error=np.inf)
    above: list[float] = []
    for n in range(level):
        step = FIRST_STEP / 2**n
        right, left = function(step), function(-step)
        row = [(right - left) / (2 * step)]
        rounding = U * max(abs(right), abs(left)) / step
        for k, coarser in enumerate(above):
            finer = row[k]
            row.append(finer + (finer - coarser) / (4 ** (k + 1) - 1))
            error = max(abs(row[-1] - finer), abs(row[-1] - coarser)) + rounding
            if error <= best.error:
                best = Derivative(value=row[-1], error=error)
        above = row
    return best


def by_complex_step(function: Callable[[complex], complex]) -> float:
    """Return f'(0) by a complex step.

    Raises
    ------
    TypeError
        If the function lost the complex part on the way.
    """
    value = function(1j * TINY)
    if not isinstance(value, complex | np.complexfloating):
        message = f"the function gives {type(value).__name__} for a complex argument"
        raise TypeError(message)
    return float(value.imag / TINY)
