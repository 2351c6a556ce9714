"""What is said of gradients and states is said of what differs in half of its digits, no more and no less."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import materialise, parse_id
from conformance.faults import simulate
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.facts import _constant, _look, _wrong_steps, facts, forward_facts
from conformance.hand_written.diagnosis.material import Material
from conformance.subjects.observation import Observation

HALF = 2.0**-26
"""Half of the digits of a double."""

SIZES = (0.25, 1.0, 4.0)
TINY = materialise(parse_id("rnn-relu-nobias-T1-single-I1-H1-noh0-f64-s0"))
UNIT = replace(
    TINY,
    x=np.ones((1, 1)),
    weights={name: np.ones((1, 1)) for name in TINY.weights},
    d_output=np.ones((1, 1)),
    d_h_n=None,
)
"""One step of one unit: its state is 1, and so is dL/dW_ih."""


def material_of(problem, **shown: object) -> Material:
    return Material.of(Evidence(problem=problem, observation=Observation(**shown)))


@pytest.mark.parametrize("size", SIZES)
def test_a_step_is_wrong_where_it_differs_in_more_than_half_of_its_digits(size: float) -> None:
    right = np.full((4, 1, 1), size)
    shown = right + size * np.array([0.0, HALF, 2 * HALF, np.nan])[:, np.newaxis, np.newaxis]
    assert _wrong_steps(shown, right, single=False).tolist() == [False, False, True, True]
    assert _wrong_steps(shown, right, single=True).tolist() == [False, False, False, True]


def test_states_of_zeros_are_right_where_all_are() -> None:
    dead = replace(UNIT, x=np.zeros((1, 1)))
    (words,) = forward_facts(material_of(dead, hidden={(0, 0): np.zeros((1, 1, 1))}))
    assert words.startswith("The states are right at every step")


@pytest.mark.parametrize("size", SIZES)
def test_a_gradient_is_a_multiple_where_it_is_one_in_half_of_its_digits(size: float) -> None:
    right = np.array([1.0, 0.0])
    assert _constant(size * np.array([1.0, HALF]), right, single=False) == size
    assert _constant(size * np.array([1.0, 2 * HALF]), right, single=False) is None
    assert _constant(size * np.array([1.0, 2 * HALF]), right, single=True) == size


@pytest.mark.parametrize(
    ("off", "words"), [(HALF, "Right: dL/dW_ih."), (2 * HALF, "dL/dW_ih is the right one times 1.")]
)
def test_a_multiple_is_the_right_gradient_where_it_is_in_half_of_its_digits(off: float, words: str) -> None:
    assert simulate(UNIT).parameters["weight_ih_l0"] == 1
    shown = {"weight_ih_l0": np.array([[1 + off]])}
    assert list(facts(material_of(UNIT, parameters=shown), None)) == [words]


@pytest.mark.parametrize("size", SIZES)
def test_a_matrix_is_of_rank_one_in_half_of_its_digits(size: float) -> None:
    material = material_of(UNIT)
    for off, outer in ((0.0, True), (HALF, True), (2 * HALF, False)):
        for wide in (np.diag([size, off * size]), np.diag([size, off * size, 0.0])[:2]):
            assert ("of rank one" in _look(wide, material)) is outer
            assert ("of rank one" in _look(wide.T, material)) is outer


@pytest.mark.parametrize("size", SIZES)
def test_one_number_fills_a_matrix_in_half_of_its_digits(size: float) -> None:
    material = material_of(UNIT)
    for off, one in ((0.0, True), (HALF, True), (2 * HALF, False)):
        rows = np.array([[size, size], [size - off * size, size - off * size]])
        assert ("one number" in _look(rows, material)) is one
        assert ("one number" in _look(-rows, material)) is one
