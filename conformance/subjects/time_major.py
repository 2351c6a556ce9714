"""A problem as most frameworks want it: time-major, nothing missing, 0 in the padding; and the way back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.cases import Problem
from conformance.subjects.observation import Observation, Place
from refrnn import Array


class TimeMajor(Struct, frozen=True, kw_only=True):
    """The arrays of a problem as a batch (T, B, ·), copies that may be written to.

    Attributes
    ----------
    problem
        What they are of; its `weights_at((layer, direction))` are the parameters of a place by torch's names.
    x
        (T, B, I), 0 in the padding, where the problem itself has NaN.
    h_0
        (L·D, B, H), zeros where none is given.
    d_output, d_h_n
        The cotangents (T, B, D·H) and (L·D, B, H), zeros where the loss doesn't see the result.
    active
        (T, B, 1), True where a sample has a step.
    """

    problem: Problem
    x: Array
    h_0: Array
    d_output: Array
    d_h_n: Array
    active: np.ndarray

    @classmethod
    def of(cls, problem: Problem) -> "TimeMajor":
        """Lay out a problem of any layout, with lengths or without."""
        case, layout = problem.case, problem.layout
        active = problem.active[:, :, np.newaxis]
        seen = np.zeros((case.steps, case.batch, case.directions * case.hidden_size), problem.dtype)
        if problem.d_output is not None:
            seen = np.where(active, layout.time_major(problem.d_output), seen)
        h_0 = np.array(problem.initial_state)
        return cls(
            problem=problem,
            x=np.where(active, layout.time_major(problem.x), problem.dtype.type(0)),
            h_0=h_0,
            d_output=seen,
            d_h_n=np.zeros_like(h_0)
            if problem.d_h_n is None
            else np.array(layout.batched_state(problem.d_h_n)),
            active=active,
        )

    def bias_at(self, place: Place) -> Array:
        """Return b_ih + b_hh (H,) of a place, as libraries hold it that have one bias; zeros where there is none."""
        _, _, *biases = self.problem.weights_at(place).values()
        return (
            np.sum(biases, axis=0) if biases else np.zeros(self.problem.case.hidden_size, self.problem.dtype)
        )

    def shown(
        self,
        *,
        output: object,
        h_n: object,
        d_x: object = None,
        d_h_0: object = None,
        parameters: Mapping[str, object] | None = None,
        hidden: Mapping[Place, object] | None = None,
        d_hidden: Mapping[Place, object] | None = None,
        d_pre: Mapping[Place, object] | None = None,
    ) -> Observation:
        """Return results that are laid out like the arrays here as the problem's observation.

        Anything that NumPy makes an array of will do. dL/dh_0 is left out where the problem gives no h_0.
        """
        layout, given = self.problem.layout, self.problem.h_0 is not None
        return Observation(
            output=layout.restored(np.array(output)),
            h_n=layout.restored_state(np.array(h_n)),
            d_x=None if d_x is None else layout.restored(np.array(d_x)),
            d_h_0=layout.restored_state(np.array(d_h_0)) if given and d_h_0 is not None else None,
            parameters=_arrays(parameters),
            hidden=_arrays(hidden),
            d_hidden=_arrays(d_hidden),
            d_pre=_arrays(d_pre),
        )


def _arrays(values: Mapping[Any, object] | None) -> dict[Any, Array]:
    return {key: np.array(value) for key, value in (values or {}).items()}
