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
    h_0, c_0
        (L·D, B, P) and (L·D, B, H), zeros where none is given; P is H but for LSTMs with projections, and c_0 is None
        but for LSTMs.
    d_output, d_h_n, d_c_n
        The cotangents (T, B, D·P), (L·D, B, P) and (L·D, B, H), zeros where the loss doesn't see the result, in the
        padding too; d_c_n is None but for LSTMs.
    active
        (T, B, 1), True where a sample has a step.
    """

    problem: Problem
    x: Array
    h_0: Array
    d_output: Array
    d_h_n: Array
    active: np.ndarray
    c_0: Array | None = None
    d_c_n: Array | None = None

    @classmethod
    def of(cls, problem: Problem) -> "TimeMajor":
        """Lay out a problem of any layout, with lengths or without."""
        case, layout = problem.case, problem.layout
        active = problem.active[:, :, np.newaxis]
        seen = np.zeros((case.steps, case.batch, case.directions * case.width_of("h")), problem.dtype)
        if problem.d_output is not None:
            seen = np.where(active, layout.time_major(problem.d_output), seen)
        states = {f"{letter}_0": np.array(state) for letter, state in problem.initial_states.items()}
        finals = {f"d_{letter}_n": np.array(d) for letter, d in problem.final_cotangents.items()}
        return cls(
            problem=problem,
            x=np.where(active, layout.time_major(problem.x), problem.dtype.type(0)),
            d_output=seen,
            active=active,
            **states,
            **finals,
        )

    def bias_at(self, place: Place) -> Array:
        """Return b_ih + b_hh (G·H,) of a place, as libraries hold it that have one bias; zeros where there is none."""
        weights = self.problem.weights_at(place)
        biases = [weight for name, weight in weights.items() if name.startswith("bias")]
        rows = len(next(iter(weights.values())))  # a block of H for each of the G gates
        return np.sum(biases, axis=0) if biases else np.zeros(rows, self.problem.dtype)

    def shown(
        self,
        *,
        output: object,
        h_n: object,
        c_n: object = None,
        d_x: object = None,
        d_h_0: object = None,
        d_c_0: object = None,
        parameters: Mapping[str, object] | None = None,
        hidden: Mapping[Place, object] | None = None,
        d_hidden: Mapping[Place, object] | None = None,
        d_pre: Mapping[Place, object] | None = None,
    ) -> Observation:
        """Return results that are laid out like the arrays here as the problem's observation.

        Anything that NumPy makes an array of will do. dL/dh_0 and dL/dc_0 are left out where the problem gives no h_0,
        or no c_0.
        """
        layout, problem = self.problem.layout, self.problem

        def state(values: object, *, given: bool = True) -> Array | None:
            return layout.restored_state(np.array(values)) if given and values is not None else None

        return Observation(
            output=layout.restored(np.array(output)),
            h_n=state(h_n),
            c_n=state(c_n),
            d_x=None if d_x is None else layout.restored(np.array(d_x)),
            d_h_0=state(d_h_0, given=problem.h_0 is not None),
            d_c_0=state(d_c_0, given=problem.c_0 is not None),
            parameters=_arrays(parameters),
            hidden=_arrays(hidden),
            d_hidden=_arrays(d_hidden),
            d_pre=_arrays(d_pre),
        )


def _arrays(values: Mapping[Any, object] | None) -> dict[Any, Array]:
    return {key: np.array(value) for key, value in (values or {}).items()}
