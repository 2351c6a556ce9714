"""Mistakes of a GRU whose reset gate comes before the product: none leaves its gradients right that it can have."""

import numpy as np
import pytest

from conformance.cases import materialise, parse_id
from conformance.faults.cell_mutants import CELL_FAULTS, gradients_with
from conformance.subjects.reference import observe

CASE = "gru-before-T6-B3-I4-H5-f64-s0"
NONE = {
    "gru-reset-before-product",
    "gru-bias-outside-of-reset",
    "gru-one-merged-bias",
    "gru-z-swapped",
    "gru-bias-missing-in-dr",
    "gru-equal-biases",
}
"""What such a network can't have wrong: its own form, its forward pass, and biases of which the sum alone matters."""


def off(fault: str) -> float:
    problem = materialise(parse_id(CASE))
    right = observe(problem, np.float64).parameters
    return max(float(np.abs(gradients_with(problem, fault)[name] - g).max()) for name, g in right.items())


def test_without_a_mistake_its_gradients_are_the_references() -> None:
    assert off("") < 1e-13


@pytest.mark.parametrize("fault", CELL_FAULTS["gru"])
def test_a_mistake_that_it_can_have_makes_them_others(fault: str) -> None:
    assert (off(fault) > 1e-6) is (fault not in NONE)
