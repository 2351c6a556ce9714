"""Central differences in long double, with a bound on their own error."""

from collections.abc import Callable

import numpy as np

U = np.finfo(np.longdouble).eps / 2
ROUNDINGS = 2**10
"""What a value of the function may be off by, in roundings of its size: far more than it makes here."""
STEP = np.exp2(np.round(np.log2(ROUNDINGS * U) / 3))
"""Where s² and ROUNDINGS·u/s, the errors from truncation and from cancellation, weigh the same."""


def gradient(function: Callable[[np.ndarray], np.floating], at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dL/d`at` by central differences D(s), and a bound on their error.

    D(s) = L' + s² L'''/6 + O(s⁴), so that D(2s) − D(s) is three times the truncation error of D(s).
    """
    at = np.asarray(at, np.longdouble)
    found, bound = np.empty(at.shape, np.longdouble), np.empty(at.shape, np.longdouble)
    for index in np.ndindex(at.shape):
        values = []
        for factor in (-2, -1, 1, 2):
            moved = at.copy()
            moved[index] += factor * STEP
            values.append(function(moved))
        far, near = (values[3] - values[0]) / (4 * STEP), (values[2] - values[1]) / (2 * STEP)
        found[index] = near
        bound[index] = np.abs(far - near) + ROUNDINGS * U * np.max(np.abs(values)) / STEP
    return found, bound
