"""One constant on all gradients: a matter of the loss (mean or sum, a factor 2, a sign), told apart from faults.

The constant is found where the gradients are the right ones times a number: by least squares over all parameters, and
then judged as everything else, the gradients divided by it.
"""

import math
from dataclasses import replace

import numpy as np
from msgspec import Struct

from conformance.hand_written.checking.judging import Judged, Truth, judge
from conformance.hand_written.diagnosis.naming import named
from conformance.subjects.observation import Observation


class Scale(Struct, frozen=True, kw_only=True):
    """A constant that all gradients carry.

    Attributes
    ----------
    factor
        The gradients are `factor` times the right ones.
    name
        The constant by the sizes that make it, such as "2 / (T·O)"; empty where none do.
    steps
        Whether the gradients of single steps, inputs and initial states carry it too, and not the parameters' alone.
    """

    factor: float
    name: str
    steps: bool


def same_up_to_a_constant(judged: Judged) -> Scale | None:
    """Return the constant after whose removal the backward pass agrees, None if there is none."""
    factor, error = _least_squares(judged.truth, judged.shown)
    if factor == 0 or not math.isfinite(factor):
        return None
    for steps in (True, False):
        unscaled = divided(judged.shown, factor, steps=steps)
        if judge(judged.truth, unscaled).verdict("backward") == "agrees":
            name = named(factor, judged.truth.problem.case, error)
            return Scale(factor=factor, name=name, steps=steps)
    return None


def divided(shown: Observation, factor: float, *, steps: bool) -> Observation:
    """Return an observation with its gradients divided by `factor`: all, or those of the parameters alone."""
    found = replace(shown, parameters={name: g / factor for name, g in shown.parameters.items()})
    if not steps:
        return found
    return replace(
        found,
        d_x=None if shown.d_x is None else shown.d_x / factor,
        d_h_0=None if shown.d_h_0 is None else shown.d_h_0 / factor,
        d_hidden={place: g / factor for place, g in shown.d_hidden.items()},
        d_pre={place: g / factor for place, g in shown.d_pre.items()},
        step_parameters={name: g / factor for name, g in shown.step_parameters.items()},
    )


def uncertainty(truth: Truth) -> float:
    """Return how far, relatively, rounding may shift the constant that all gradients of parameters carry."""
    return _least_squares(truth, Observation(parameters=truth.exact.parameters))[1]


def _least_squares(truth: Truth, shown: Observation) -> tuple[float, float]:
    """Return the factor that brings the right gradients closest to those shown, and how far rounding may shift it.

    c = Σ g ĝ / Σ ĝ², so errors of at most |c|·bound in g shift c by no more than |c| Σ bound |ĝ| / Σ ĝ². Without any
    gradient that isn't 0 the factor is NaN.
    """
    right, got = truth.exact, shown
    rows = [(got.parameters[name], right.parameters[name], name) for name in got.parameters]
    if not rows and got.d_x is not None and right.d_x is not None:
        major = truth.problem.layout.time_major
        rows = [(major(got.d_x), major(right.d_x), "dL/dx")]
    square = sum(float(np.vdot(true, true)) for _, true, _ in rows)
    if square == 0:
        return math.nan, math.nan
    factor = sum(float(np.vdot(g, true)) for g, true, _ in rows) / square
    shift = sum(float(np.vdot(truth.allowed[name].bound, np.abs(true))) for _, true, name in rows) / square
    return factor, abs(factor) * shift
