"""How dL/doutput or dL/dy enters the backward loop, step by step."""

from collections.abc import Callable

import numpy as np

from conformance.faults import shifts
from conformance.faults.seams import Choices
from refrnn import Array


def entered(choices: Choices, cotangents: Array) -> Array:
    """Return how a sequence of cotangents (T, B, ·) enters the backward loop."""
    steps, last = len(cotangents), cotangents[-1]
    ways: dict[str, Callable[[], Array]] = {
        "given": lambda: cotangents,
        "last everywhere": lambda: shifts.last(cotangents),
        "early": lambda: shifts.after(cotangents),
        "early, none last": lambda: np.append(cotangents[1:], np.zeros_like(cotangents[:1]), axis=0),
        "late": lambda: shifts.before(cotangents, shifts.nothing(cotangents)),
        "late, wrapping": lambda: shifts.before_wrapping(cotangents),
        "last only": lambda: shifts.at_last(last, steps),
        "last doubled": lambda: cotangents + shifts.at_last(last, steps),
        "reversed": lambda: cotangents[::-1],
        "sum at last": lambda: shifts.at_last(cotangents.sum(axis=0), steps),
        "accumulated": lambda: np.flip(np.cumsum(np.flip(cotangents, 0), axis=0), 0),
    }
    return ways[choices.entry]()
