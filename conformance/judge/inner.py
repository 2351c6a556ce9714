"""The hidden steps that a local check goes by: the subject's own, as far as it shows them."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from conformance.cases import Problem
from conformance.subjects.observation import Observation, Place
from refrnn import Array


class Inner(Struct, frozen=True, kw_only=True):
    """h_t and dL/dh_t of the places that the subject shows: (T, B, H) in float64, 0 where a sample has no step."""

    hidden: dict[Place, Array]
    d_hidden: dict[Place, Array]


def inner_steps(problem: Problem, observation: Observation) -> Inner:
    """Gather the subject's inner steps; its output shows the states of the last layer."""
    hidden = dict(observation.hidden)
    if observation.output is not None:
        output, width = problem.layout.time_major(observation.output), problem.case.hidden_size
        for d in range(problem.case.directions):
            hidden.setdefault((problem.case.layers - 1, d), output[..., d * width : (d + 1) * width])
    inactive = ~problem.active[:, :, np.newaxis]
    return Inner(hidden=_cleared(hidden, inactive), d_hidden=_cleared(observation.d_hidden, inactive))


def _cleared(arrays: Mapping[Place, Array], inactive: Array) -> dict[Place, Array]:
    """Return `arrays` in float64 with 0 where there is no step, whatever stood there."""
    return {place: np.where(inactive, 0.0, array.astype(np.float64)) for place, array in arrays.items()}
