"""The hidden steps that a check goes by: the subject's own, and the reference's where it shows none."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conformance.cases import Problem
from conformance.observation import Observation, Place
from refrnn import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """h_t and dL/dh_t of every place, (T, B, H) in float64, 0 where a sample has no step.

    A black box shows only results. The check then starts from the reference's inner steps: where every
    result lies within the bound of one step from those, the two agree. Where one doesn't, nothing
    is proved, since its own inner steps may lie elsewhere.
    """

    hidden: dict[Place, Array]
    d_hidden: dict[Place, Array]
    inherited: frozenset[tuple[str, Place]]


def inner_steps(problem: Problem, observation: Observation, reference: Callable[[], Observation]) -> Inner:
    """Gather the inner steps; `reference` is only called where the subject doesn't show one."""
    own_hidden = _own_states(problem, observation)
    own = {"hidden": own_hidden, "d_hidden": dict(observation.d_hidden)}
    inherited = {(kind, place) for kind in own for place in problem.places if place not in own[kind]}
    if inherited:
        lender = reference()
        borrowed = {"hidden": lender.hidden, "d_hidden": lender.d_hidden}
        for kind, place in inherited:
            own[kind][place] = borrowed[kind][place]
    inactive = ~problem.active[:, :, np.newaxis]
    cleared = {
        kind: {place: _cleared(array, inactive) for place, array in arrays.items()}
        for kind, arrays in own.items()
    }
    return Inner(hidden=cleared["hidden"], d_hidden=cleared["d_hidden"], inherited=frozenset(inherited))


def _own_states(problem: Problem, observation: Observation) -> dict[Place, Array]:
    """Return the states that the subject shows; the output shows those of the last layer."""
    own = dict(observation.hidden)
    if observation.output is not None:
        sides = np.split(problem.layout.time_major(observation.output), problem.case.directions, axis=-1)
        for d, side in enumerate(sides):
            own.setdefault((problem.case.layers - 1, d), side)
    return own


def _cleared(array: Array, inactive: Array) -> Array:
    """Return `array` in float64 with 0 where there is no step, whatever stood there."""
    return np.where(inactive, 0.0, array.astype(np.float64))
