"""f' of every step, as right and wrong networks take it: which formula, at which step's state."""

from collections.abc import Callable

import numpy as np

from conformance.faults import shifts
from conformance.faults.forward import Scan, activation, input_share, recurrent_share
from conformance.faults.seams import Choices
from refrnn import Array


def slopes(choices: Choices, scan: Scan) -> Array:
    """Return what stands for f'(a_t) at every step: (T, B, H)."""
    h, a = _moved(choices, scan.states, scan.h_0), _moved(choices, scan.a, shifts.nothing(scan.a))
    tanh = scan.nonlinearity == "tanh"
    own = _own(choices, scan.nonlinearity, h)
    formulas: dict[str, Callable[[], Array]] = {
        "own": lambda: own,
        "activated": lambda: _own(choices, scan.nonlinearity, activation(choices, scan.nonlinearity)(h)),
        "recomputed": lambda: _own(choices, scan.nonlinearity, _recomputed(choices, scan, h)),
        "first unit": lambda: np.broadcast_to(own[..., :1], own.shape),
        "first row": lambda: np.broadcast_to(own[:, :1], own.shape),
        "one": lambda: np.ones_like(h),
        "sigmoid": lambda: h * (1 - h),
        "tanh": lambda: 1 - h * h,
        "relu": lambda: (h > 0).astype(h.dtype),
        "unsquared": lambda: 1 - h if tanh else own,
        "squared difference": lambda: (1 - h) ** 2 if tanh else own,
        "pre-activation": lambda: 1 - a * a if tanh else own,
        "one at zero": lambda: own if tanh else (a >= 0).astype(h.dtype),
    }
    return formulas[choices.derivative]()


def _own(choices: Choices, nonlinearity: str, h: Array) -> Array:
    """Return the derivative of the activation in use, from its result; of tanh(a / 2) that of tanh."""
    relu = (nonlinearity == "relu") != (choices.activation == "other")
    if choices.activation == "sigmoid":
        return h * (1 - h)
    if choices.activation == "none":
        return np.ones_like(h)
    return np.logical_not(h <= 0).astype(h.dtype) if relu else 1 - h * h


def _recomputed(choices: Choices, scan: Scan, h: Array) -> Array:
    """Return the states of a cell that is called again with h_t where h_{t-1} belongs."""
    a = input_share(choices, scan.weights, scan.x) + recurrent_share(choices, scan.weights, h, scan.h_0)
    return activation(choices, scan.nonlinearity)(a)


def _moved(choices: Choices, values: Array, first: Array) -> Array:
    """Return `values` of the step at which f' is taken."""
    match choices.slope_at:
        case "last":
            return shifts.last(values)
        case "before":
            return shifts.before(values, first)
        case "before, wrapping":
            return shifts.before_wrapping(values)
        case "after":
            return shifts.after(values)
        case _:
            return values
