"""How far two programs end up from each other after running freely: told in the report, never judged.

In a chaotic regime this reaches the size of the quantity itself although both programs are right at every step.
"""

import numpy as np
from msgspec import Struct

from conformance.cases import Format, Problem
from conformance.judge.flow import magnitude
from conformance.subjects.observation import Observation
from refrnn import Array


class Distance(Struct, frozen=True, kw_only=True):
    """The greatest differences of one result between a subject and the reference."""

    quantity: str
    absolute: float
    relative_to_largest: float  # of the reference's elements
    ulp: float


def distances(problem: Problem, observation: Observation, reference: Observation) -> list[Distance]:
    """Measure every result that both show."""
    theirs = _results(reference)
    return [
        _distance(name, got, theirs[name], problem.format)
        for name, got in _results(observation).items()
        if name in theirs
    ]


def _results(observation: Observation) -> dict[str, Array]:
    """Return the public results by name, the parameters' gradients under torch's names."""
    named = {
        "output": observation.output,
        "h_n": observation.h_n,
        "c_n": observation.c_n,
        "y": observation.y,
        "dL/dx": observation.d_x,
        "dL/dh_0": observation.d_h_0,
        "dL/dc_0": observation.d_c_0,
    }
    named |= {f"dL/d{name}": array for name, array in observation.parameters.items()}
    return {name: array for name, array in named.items() if array is not None}


def _distance(quantity: str, got: Array, reference: Array, form: Format) -> Distance:
    with np.errstate(invalid="ignore"):  # inf - inf is NaN; of equal infinities the lines below make 0
        difference = np.abs(np.subtract(got, reference, dtype=np.float64))
    if not np.isfinite(difference).all():
        difference[np.isnan(difference)] = np.inf
        difference[np.isnan(got) & np.isnan(reference) | (got == reference)] = 0
    size = magnitude(reference)
    largest = float(size.max())
    absolute = float(difference.max())
    spacing = form.spacing(np.minimum(size, form.largest))
    return Distance(
        quantity=quantity,
        absolute=absolute,
        relative_to_largest=absolute / largest if largest else (np.inf if absolute else 0.0),
        ulp=float((difference / spacing).max()),
    )
