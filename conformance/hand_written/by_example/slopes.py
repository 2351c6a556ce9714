"""Derivatives of numbers along directions, with their errors, and the constants between those and an update."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from refrnn import Array

FAR = 2.0**-9
"""How far a parameter is moved, relative to its size; and half of that."""

SAME, WITHIN = 1e-5, 30.0
"""What two ratios may differ by: relatively, and in units of their errors."""

CLEAR, AT_ZERO = 1e-4, 1e-7
"""The relative error of a derivative that denies anything; and what counts as no derivative, against the others."""


class Slope(Struct, frozen=True):
    """The derivatives of one number along the directions of one parameter (N,), and their errors (N,)."""

    value: Array
    error: Array

    @property
    def clear(self) -> bool:
        """Whether they are known well enough to deny anything."""
        return bool(np.isfinite(self.value).all() and (self.error <= CLEAR * np.abs(self.value)).all())

    def is_still(self, scale: float) -> bool:
        """Tell whether they are 0 against a scale."""
        return bool((np.abs(self.value) <= AT_ZERO * scale + self.error).all())


def extrapolated(rows: Sequence[tuple[float, float]], size: float) -> Slope:
    """Return the derivatives from differences at half a distance and at all of it, of a number of a size."""
    near, far = np.array(rows).T
    value = (4 * near - far) / 3
    return Slope(value, np.abs(value - near) / 4 + 1e-15 * size / FAR)


def ratio_of(step: Array, directions: Array, slope: Slope) -> float | None:
    """Return the constant by which an update is the gradient along every direction, None where there is none."""
    along = np.array([float(np.vdot(step, direction)) for direction in directions])
    if not np.isfinite(along).all() or not slope.value.all():
        return None
    ratios = along / slope.value
    error = np.abs(ratios) * (WITHIN * slope.error / np.abs(slope.value) + SAME)
    return float(ratios[0]) if np.ptp(ratios) <= error.max() and np.any(along) else None


def commonest(ratios: Sequence[float]) -> float:
    """Return the ratio that most have, 0 where there are none."""
    return max(ratios, key=lambda r: sum(alike(o, r) for o in ratios), default=0.0)


def alike(one: float, other: float) -> bool:
    """Tell whether two ratios are one."""
    return abs(one - other) <= 10 * SAME * abs(other)


def are_symmetric(blocks: Mapping[tuple[str, str], Slope | None]) -> bool | None:
    """Tell whether a Jacobian is that of one function's gradient: u·(J v) = v·(J u); None where that isn't seen.

    A block (N·N,) has the derivatives along N directions of two parameters. Some of each parameter must be clear.
    """
    linked = set()
    for (one, other), block in blocks.items():
        mirrored = blocks[other, one]
        if block is None or mirrored is None:
            return None
        n = round(np.sqrt(len(block.value)))
        value, error = (part.reshape(n, n).T.ravel() for part in (mirrored.value, mirrored.error))
        size, error = np.maximum(np.abs(value), np.abs(block.value)), error + block.error
        clear = error <= CLEAR * size
        differ = np.abs(value - block.value) > WITHIN * error + SAME * size
        if differ.any():
            return False if (differ & clear).any() else None
        if one != other and clear.all():
            linked.add(one)
    return True if linked == {one for one, _ in blocks} else None
