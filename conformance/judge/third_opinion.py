"""A third opinion where two sides differ: a more precise run of the reference says which of them is off.

Errors of two correct programs against the truth differ by chance, by factors up to 22 in measurements; only beyond
CHANCE is one side called off.
"""

from collections.abc import Collection

import numpy as np
from msgspec import Struct

from conformance.cases import Problem
from conformance.judge.results import results
from conformance.subjects.observation import Observation
from refrnn import Array

CHANCE = 30


class Opinion(Struct, frozen=True, kw_only=True):
    """The greatest errors of both sides on the result where they are most unlike."""

    quantity: str
    subject: float
    reference: float

    @property
    def verdict(self) -> str:
        """Which side is off, and by what factor, in words."""
        smaller, larger = sorted((self.subject, self.reference))
        if not larger > CHANCE * smaller:
            return f"neither side is off by more than chance ({self.quantity})"
        side = "the subject" if self.subject == larger else "the reference"
        factor = f"{larger / smaller:.2g} times the other's error" if smaller else "where the other is exact"
        return f"{side} is off: {self.quantity} is wrong by up to {larger:.2g}, {factor}"


def third_opinion(
    problem: Problem,
    subject: Observation,
    reference: Observation,
    oracle: Observation,
    quantities: Collection[str],
) -> Opinion | None:
    """Compare both sides with `oracle`, a run in higher precision, on results of some `quantities`; None without any.

    What differs is asked about, and nothing else.
    """
    sides = [results(problem, observation) for observation in (subject, reference, oracle)]
    opinions = [
        Opinion(
            quantity=true.quantity,
            subject=_error(sides[0][name].value, true.value),
            reference=_error(sides[1][name].value, true.value),
        )
        for name, true in sides[2].items()
        if name in sides[0] and true.quantity in quantities
    ]
    return max(opinions, key=_contrast, default=None)


def _contrast(opinion: Opinion) -> float:
    smaller, larger = sorted((opinion.subject, opinion.reference))
    return 1.0 if larger == smaller else larger / smaller if smaller else np.inf


def _error(values: Array, true: Array) -> float:
    with np.errstate(all="ignore"):
        error = np.abs(values - true)
    same = (values == true) | (np.isnan(values) & np.isnan(true))
    return float(np.where(same, 0, np.where(np.isnan(error), np.inf, error)).max())
