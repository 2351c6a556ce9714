"""Whether one array is another one times a constant, for many candidates at once."""

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from refrnn import Array

SCREEN = {False: float(np.finfo(np.float64).eps) ** 0.5, True: float(np.finfo(np.float32).eps) ** 0.5}
"""Half of the digits, in double and in single precision: what is farther off isn't looked at again.

This only sorts candidates out. What passes is judged in units of the noise of its own simulation.
"""


class Fit(Struct, frozen=True, kw_only=True):
    """How well candidates (N, F) times a constant of their own reproduce a target (F,).

    `residual` is the greatest difference over the greatest element of the target; `factor` is NaN where any would do,
    since both are 0.
    """

    residual: Array  # (N,)
    factor: Array  # (N,)


def fit(candidates: Array, target: Array, limit: float | None = None) -> Fit:
    """Fit one constant for each candidate (N, …) to the target (…), whose elements are cut off at ±`limit`.

    A target of zeros is met by zeros alone, and no other target by them.
    """
    flat, goal = candidates.reshape(len(candidates), -1), target.ravel()
    if limit is not None:
        whole = np.abs(goal) < limit
        flat, goal = flat[:, whole], goal[whole]
    largest = np.abs(goal).max(initial=0.0)
    sizes = np.abs(flat).max(axis=1, initial=0.0)
    if largest == 0:
        return Fit(residual=np.where(sizes == 0, 0.0, np.inf), factor=np.full(len(flat), np.nan))
    with np.errstate(all="ignore"):
        unit = flat / sizes[:, np.newaxis]
        factor = (unit @ goal) / (unit * unit).sum(axis=1)
        residual = np.abs(goal - factor[:, np.newaxis] * unit).max(axis=1) / largest
        usable = np.isfinite(residual) & (factor != 0)
    return Fit(residual=np.where(usable, residual, np.inf), factor=np.where(usable, factor / sizes, np.nan))


def screened(found: Fit, *, single: bool) -> npt.NDArray[np.intp]:
    """Return the candidates that come near enough to be looked at again."""
    return np.flatnonzero(found.residual <= SCREEN[single])
