"""`Observation`: what a subject shows of one run. Every part is optional; what is absent is not judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np

from conformance.cases import Problem
from refrnn import Array

Place = tuple[int, int]
"""A layer and a direction, both from 0; direction 1 is the reverse one."""

Quantity = tuple[str, Place]
"""What steps of a place compute: its letter in the cell's formulas, and the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Arrays that a subject produced from a problem.

    Results are in the layout of the problem. Quantities of single steps are always (T, B, ·), in the order
    of time, with B = 1 for unbatched problems; in padding they may hold anything.

    Attributes
    ----------
    output, h_n
        The two results of the network.
    c_n
        The third one of an LSTM.
    y
        The outputs of the head, in the layout of the problem, where it has one.
    d_x, d_h_0, d_c_0
        Gradients of the loss with respect to x and the initial states.
    parameters
        Gradients of the loss by torch's parameter names; those of the head are "head.weight" and "head.bias".
    hidden
        h_t of each layer and direction.
    d_hidden
        dL/dh_t of each layer and direction: all that reaches h_t.
    d_pre
        dL/da_t of each layer and direction, (T, B, ·) with a column for each row of W_ih.
    inner, d_inner
        What else steps compute, such as c_t of an LSTM, and dL/d of it: all that reaches it.
    d_passed
        That part of d_inner which later steps passed back: what reaches c_t of an LSTM beside h_t.
    step_parameters
        What each step adds to a parameter's gradient, (T, *shape), by torch's names.

    Examples
    --------
    All that a subject knows is enough; what it leaves out isn't judged.

    >>> import numpy as np
    >>> shown = Observation(output=np.zeros((5, 3, 4)), parameters={"bias_hh_l0": np.zeros(4)})
    >>> shown.h_n is None, shown.hidden
    (True, {})
    """

    output: Array | None = None
    h_n: Array | None = None
    c_n: Array | None = None
    y: Array | None = None
    d_x: Array | None = None
    d_h_0: Array | None = None
    d_c_0: Array | None = None
    parameters: Mapping[str, Array] = field(default_factory=dict)
    hidden: Mapping[Place, Array] = field(default_factory=dict)
    d_hidden: Mapping[Place, Array] = field(default_factory=dict)
    d_pre: Mapping[Place, Array] = field(default_factory=dict)
    inner: Mapping[Quantity, Array] = field(default_factory=dict)
    d_inner: Mapping[Quantity, Array] = field(default_factory=dict)
    d_passed: Mapping[Quantity, Array] = field(default_factory=dict)
    step_parameters: Mapping[str, Array] = field(default_factory=dict)


@runtime_checkable
class Subject(Protocol):
    """An implementation under test: anything with a name that turns a problem into an observation."""

    name: str
    description: str

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward on `problem` without changing it, and show what came out.

        Raises
        ------
        Unsupported
            If this implementation can't run such a case at all; the message gives the reason.
        """
        ...


def copied(observation: Observation) -> Observation:
    """Return the observation with arrays of its own: a subject may write into its buffers when it runs again."""
    copies: dict[str, Any] = {}
    for part in fields(observation):
        shown = getattr(observation, part.name)
        if isinstance(shown, Mapping):
            copies[part.name] = {key: np.copy(array) for key, array in shown.items()}
        else:
            copies[part.name] = None if shown is None else np.copy(shown)
    return Observation(**copies)


def same(one: Observation, other: Observation) -> bool:
    """Return whether two observations hold the same arrays bit for bit."""
    return all(_same(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))


def _same(one: object, other: object) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and one.tobytes() == other.tobytes()
    return one is other
