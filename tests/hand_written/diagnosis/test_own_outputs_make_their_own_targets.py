"""Where a loss makes dL/dy = softmax(y) − one-hot of its own outputs, a wrong forward pass meets another dL/dy."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import Problem, materialise, parse_id
from conformance.faults import RIGHT, Choices, simulate
from conformance.hand_written.diagnosis import Evidence
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.targets import after_its_own_forward
from conformance.subjects.observation import Observation
from refrnn import softmax

WRONG = Choices(activation="halved", kept="before", carry="none")
HOT = np.eye(3)


def crossed(case_id: str) -> tuple[Problem, np.ndarray]:
    """Return a problem whose dL/dy is softmax(y) − one-hot, and the one-hot targets."""
    problem = materialise(parse_id(case_id))
    y = simulate(problem).y
    targets = HOT[np.random.default_rng(0).integers(3, size=y.shape[:-1])]
    d_y = softmax(y) - targets
    if problem.case.cotangents == "last":
        d_y[:-1] = 0
    return replace(problem, head=replace(problem.head, d_y=d_y)), targets


def material_of(problem: Problem, *, crossed: bool = True) -> Material:
    return Material.of(Evidence(problem=problem, observation=Observation(), crossed=crossed))


@pytest.mark.parametrize("layout", ["B3", "B3-bf", "single"])
def test_a_wrong_forward_pass_meets_the_gradient_of_its_own_outputs(layout: str) -> None:
    problem, targets = crossed(f"rnn-tanh-T5-{layout}-I4-H5-O3-f64-gain1.2-s0")
    found = after_its_own_forward(material_of(problem), WRONG)
    want = softmax(simulate(problem, WRONG).y) - targets
    np.testing.assert_allclose(found.problem.head.d_y, want, rtol=0, atol=1e-14)
    assert np.abs(want - problem.head.d_y).max() > 0.01
    major = problem.layout.time_major(want)
    np.testing.assert_allclose(found.seen, major, rtol=0, atol=1e-14)
    again = simulate(found.problem, WRONG)
    shown = simulate(replace(problem, head=replace(problem.head, d_y=want)), WRONG)
    for name, gradient in shown.parameters.items():
        np.testing.assert_allclose(again.parameters[name], gradient, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.problem.d_output, want @ problem.head.weight, rtol=0, atol=1e-13)


def test_where_the_loss_sees_the_last_output_the_others_have_no_gradient() -> None:
    problem, targets = crossed("rnn-tanh-T5-B3-I4-H5-O3-dlast-f64-gain1.2-s0")
    found = after_its_own_forward(material_of(problem), WRONG).problem.head.d_y
    want = softmax(simulate(problem, WRONG).y) - targets
    np.testing.assert_allclose(found[-1], want[-1], rtol=0, atol=1e-14)
    assert not found[:-1].any()


def test_what_makes_no_other_outputs_or_no_gradient_of_them_stays_as_it_was() -> None:
    problem, _ = crossed("rnn-tanh-T5-B3-I4-H5-O3-f64-gain1.2-s0")
    headless = materialise(parse_id("rnn-tanh-T5-B3-I4-H5-f64-gain1.2-s0"))
    final = materialise(parse_id("rnn-tanh-T5-B3-I4-H5-O3-dhn-f64-gain1.2-s0"))
    assert final.head.d_y is None
    for material, choices in (
        (material_of(problem, crossed=False), WRONG),
        (material_of(problem), RIGHT),
        (material_of(problem), Choices(carry="none")),
        (material_of(headless), WRONG),
        (material_of(final), WRONG),
    ):
        assert after_its_own_forward(material, choices) is material
