"""Whether gradients that match none of the losses tried are those of some loss all the same.

What is handed out for parameters θ is a vector field g(θ), the data held still. It is the gradient of a function if and
only if its Jacobian J is symmetric: u·(J v) = v·(J u) for all directions u and v. Mistakes in a backward pass break
that; a loss that nobody thought of doesn't.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from conformance.hand_written.checking.differences import Derivative, extrapolated
from conformance.judge import THRESHOLD
from refrnn import Array

PAIRS = 2
"""Pairs of random directions: an asymmetry anywhere shows in one with probability 1."""

CLEAR = 1e-5
"""The error of a derivative, relative to what it is compared with, up to which it says anything."""

Field = Callable[[Mapping[str, Array], Mapping[str, Array], float], float]
"""From directions u and v and a number s to u·g(θ + s·v)."""


def is_symmetric(field: Field, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Tell whether the Jacobian of a vector field is symmetric, as far as differences can tell; False if they can't."""
    rng = np.random.default_rng(11)
    for _ in range(PAIRS):
        u, v = (
            {
                name: rng.standard_normal(shape) / np.sqrt(max(1, np.prod(shape)))
                for name, shape in shapes.items()
            }
            for _ in range(2)
        )
        one, other = extrapolated(partial(field, u, v)), extrapolated(partial(field, v, u))
        if not _are_equal(one, other):
            return False
    return True


def _are_equal(one: Derivative, other: Derivative) -> bool:
    size, error = max(abs(one.value), abs(other.value)), one.error + other.error
    return error <= CLEAR * size and abs(one.value - other.value) <= THRESHOLD * error + CLEAR * size
