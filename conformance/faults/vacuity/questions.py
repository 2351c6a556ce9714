"""Questions to a problem, and to what the reference shows of it: what its data lack."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from conformance.cases import Problem
from conformance.subjects.observation import Observation
from refrnn import Array


def constant_inputs(problem: Problem, _: Observation) -> bool:
    """Return whether x is the same at every step, of which there are several."""
    x = problem.layout.time_major(problem.x)
    return problem.case.steps > 1 and bool(np.array_equal(x, np.broadcast_to(x[:1], x.shape)))


def unlike_samples(problem: Problem, _: Observation) -> bool:
    """Return whether no two samples have the same input at a step."""
    steps = problem.layout.time_major(problem.x)
    return _all_inputs_shown(problem) and all(len(np.unique(rows, axis=0)) == len(rows) for rows in steps)


def unlike_inputs(problem: Problem, _: Observation) -> bool:
    """Return whether no input of any step and sample comes again."""
    rows = problem.layout.time_major(problem.x).reshape(-1, problem.case.input_size)
    return _all_inputs_shown(problem) and len(np.unique(rows, axis=0)) == len(rows)


def zero_biases(problem: Problem, _: Observation) -> bool:
    """Return whether there are biases, all of them 0."""
    biases = [w for name, w in problem.weights.items() if name.startswith("bias")]
    return bool(biases) and not any(b.any() for b in biases)


def last_step_alone(problem: Problem, _: Observation) -> bool:
    """Return whether the loss sees one layer in one direction, at its last step alone."""
    d_output = _by_time(problem)
    if d_output is None or problem.lengths is not None or problem.d_h_n is not None:
        return False
    return problem.case.directions == 1 and problem.case.layers == 1 and not d_output[:-1].any()


def last_of_five(problem: Problem, exact: Observation) -> bool:
    """Return whether it does so, and that step is the fifth at most."""
    return problem.case.steps <= 5 and last_step_alone(problem, exact)


def constant_cotangents(problem: Problem, _: Observation) -> bool:
    """Return whether the gradient of output is the same at every step, of which there are several."""
    d_output = _by_time(problem)
    if d_output is None or problem.case.steps == 1 or problem.lengths is not None:
        return False
    return bool(np.array_equal(d_output, np.broadcast_to(d_output[:1], d_output.shape)))


def no_kink(problem: Problem, _: Observation) -> bool:
    """Return whether no relu unit is cut off from everything; chance doesn't make a sum exactly 0."""
    if problem.case.nonlinearity == "tanh":
        return False
    return not any((rows == 0).all(axis=1).any() for rows in _rows(problem))


def symmetric(problem: Problem, _: Observation) -> bool:
    """Return whether every W_hh is its own transpose."""
    return all(np.array_equal(w, w.T) for name, w in problem.weights.items() if name.startswith("weight_hh"))


def all_flat(problem: Problem, exact: Observation) -> bool:
    """Return whether f' is 0 in the problem's precision, for every unit at every step."""
    rounded, active = problem.format.rounded, problem.active
    slopes = [_slope(problem, rounded(np.asarray(h, np.float64)))[active] for h in exact.hidden.values()]
    return not any(slope.any() for slope in slopes)


def zero_cotangents(problem: Problem, _: Observation) -> bool:
    """Return whether nothing but zeros comes from the loss."""
    given = [d for d in (problem.d_output, problem.d_h_n) if d is not None]
    return not any(d.any() for d in given)


def below_five(_: Problem, exact: Observation) -> bool:
    """Return whether no parameter's gradient is beyond ±5."""
    return all(_within(g, 5) for g in exact.parameters.values())


def norm_below_five(_: Problem, exact: Observation) -> bool:
    """Return whether all parameters' gradients together have a norm of at most 5."""
    with np.errstate(all="ignore"):
        return bool(sum(float(np.sum(g.astype(np.float64) ** 2)) for g in exact.parameters.values()) <= 25)


def small_carry(problem: Problem, exact: Observation) -> bool:
    """Return whether no step passes back anything beyond ±1."""
    return all(_within(carry, 1) for carry in _carried(problem, exact.d_pre))


def small_carry_norm(problem: Problem, exact: Observation) -> bool:
    """Return whether no step passes back anything of a norm above 1."""
    with np.errstate(all="ignore"):
        return all(_within((carry**2).sum(axis=(1, 2)), 1) for carry in _carried(problem, exact.d_pre))


def _all_inputs_shown(problem: Problem) -> bool:
    """Return whether x tells which inputs are alike: states of relu, which a second layer reads, may all be 0."""
    return problem.case.layers == 1 or problem.case.nonlinearity == "tanh"


def _by_time(problem: Problem) -> Array | None:
    return None if problem.d_output is None else problem.layout.time_major(problem.d_output)


def _slope(problem: Problem, h: Array) -> Array:
    return 1 - h * h if problem.case.nonlinearity == "tanh" else np.logical_not(h <= 0)


def _rows(problem: Problem) -> Iterator[Array]:
    """Yield all parameters of every place side by side, a row for each unit: (H, I + H + 2)."""
    for place in problem.places:
        arrays = list(problem.weights_at(place).values())
        yield np.concatenate([w.reshape(len(w), -1) for w in arrays], axis=1)


def _carried(problem: Problem, d_pre: Mapping[Any, Array]) -> Iterator[Array]:
    """Yield W_hhᵀ δ of every step of every place: (T, B, H)."""
    for place, delta in d_pre.items():
        hh = next(w for name, w in problem.weights_at(place).items() if name.startswith("weight_hh"))
        with np.errstate(all="ignore"):
            yield delta.astype(np.float64) @ hh.astype(np.float64)


def _within(values: Array, limit: float) -> bool:
    return bool((np.abs(values) <= limit).all())
