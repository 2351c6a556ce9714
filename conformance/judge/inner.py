"""The steps that a local check goes by: the subject's own, as far as it shows them."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from conformance.cases import Problem
from conformance.subjects.observation import Observation, Quantity
from refrnn import Array


class Inner(Struct, frozen=True, kw_only=True):
    """What the subject shows of steps: (T, B, ·) in float64, 0 where a sample has no step."""

    values: dict[Quantity, Array]
    gradients: dict[Quantity, Array]  # dL/d of carried vectors: all that reaches them
    passed: dict[Quantity, Array]  # that part of it which later steps passed back


def inner_steps(problem: Problem, observation: Observation) -> Inner:
    """Gather the subject's inner steps; its output shows the states of the last layer."""
    values = {("h", place): array for place, array in observation.hidden.items()} | dict(observation.inner)
    if observation.output is not None:
        output, width = problem.layout.time_major(observation.output), problem.case.state_size
        for d in range(problem.case.directions):
            last = problem.case.layers - 1, d
            values.setdefault(("h", last), output[..., d * width : (d + 1) * width])
    gradients = {("h", place): array for place, array in observation.d_hidden.items()}
    inactive = ~problem.active[:, :, np.newaxis]
    return Inner(
        values=_cleared(values, inactive),
        gradients=_cleared(gradients | dict(observation.d_inner), inactive),
        passed=_cleared(observation.d_passed, inactive),
    )


def _cleared(arrays: Mapping[Quantity, Array], inactive: Array) -> dict[Quantity, Array]:
    """Return `arrays` in float64 with 0 where there is no step, whatever stood there."""
    return {key: np.where(inactive, 0.0, array.astype(np.float64)) for key, array in arrays.items()}
