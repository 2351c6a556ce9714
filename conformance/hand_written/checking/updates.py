"""Gradients that are read off an update in place, at any learning rate.

A gradient read off w − r·g is known to u·|w|/r at best. At a large rate it is as good as u·|g|, if nothing else depends
on the rate: then small gradients of large weights aren't taken for wrong ones.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from msgspec import structs

from conformance.cases import Problem
from conformance.hand_written.calling.binding import Binding
from conformance.subjects.observation import Observation
from refrnn import Array

U = float(np.finfo(np.float64).eps)
"""Twice the unit roundoff: what one rounding of an update may cost, and one more of reading it."""

LARGE = 2.0**20
"""A rate at which the rounding of an update is that of the gradient; a power of two, so that it adds none itself."""


def read_off(bound: Binding, rate: float) -> Callable[[Problem], Observation]:
    """Return what runs a network at another learning rate and shows its gradients without that rate."""
    other = at_rate(bound, rate)

    def run(problem: Problem) -> Observation:
        shown = other.run(problem)
        return replace(shown, parameters={name: g / rate for name, g in shown.parameters.items()})

    return run


def finer(
    coarse: Mapping[str, Array], fine: Mapping[str, Array], parameters: Mapping[str, Array]
) -> dict[str, Array]:
    """Return gradients read off updates at rate 1, those that the large rate only tells better replaced by its own."""

    def same(name: str) -> bool:
        got, finer = coarse[name], fine.get(name)
        if finer is None or finer.shape != got.shape or name not in parameters:
            return False
        return bool((np.abs(got - finer) <= U * (np.abs(parameters[name]) + np.abs(got))).all())

    return {name: fine[name] if same(name) else gradient for name, gradient in coarse.items()}


def at_rate(bound: Binding, rate: float) -> Binding:
    """Return the same network called with another learning rate; what it shows of gradients carries that rate."""

    def answer_on(line: str) -> str:
        return re.sub(r"\b1\.0\b", repr(rate), line)

    return structs.replace(
        bound, build=tuple(map(answer_on, bound.build)), backward=tuple(map(answer_on, bound.backward))
    )
