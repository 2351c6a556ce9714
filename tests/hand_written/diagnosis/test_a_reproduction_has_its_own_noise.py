"""A reproduction has its own noise: all that goes in is perturbed by a rounding, and rows are told from each other."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import Problem, materialise, parse_id
from conformance.faults import RIGHT, simulate
from conformance.hand_written.diagnosis import Evidence, reproduction
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reproduction import Reproduction, reproduced
from conformance.judge import THRESHOLD
from conformance.subjects.observation import Observation

PROBLEM = materialise(parse_id("rnn-tanh-T5-B3-I4-H5-O2-f64-gain1.2-s0"))
HEADLESS = materialise(parse_id("rnn-tanh-T5-B3-I4-H5-f64-gain1.2-s0"))
SMALLEST = float(np.finfo(np.float64).smallest_subnormal)


def material_of(problem: Problem = PROBLEM, rate: float | None = None, **parameters: np.ndarray) -> Material:
    shown = Observation(parameters=parameters)
    return Material.of(Evidence(problem=problem, observation=shown, rate=rate))


def arrays(problem: Problem) -> dict[str, np.ndarray]:
    """Return everything that goes into a simulation."""
    found = {"x": problem.x, "h_0": problem.h_0, "d_h_n": problem.d_h_n, **problem.weights}
    if problem.head is None:
        return found | {"d_output": problem.d_output}
    return found | {**problem.head.parameters, "d_y": problem.head.d_y}


@pytest.mark.parametrize("problem", [PROBLEM, HEADLESS], ids=["head", "none"])
def test_everything_that_goes_in_is_perturbed_element_by_element(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Problem] = []

    def simulating(changed: Problem, *others: object) -> Observation:
        seen.append(changed)
        return simulate(changed, *others)

    monkeypatch.setattr(reproduction, "simulate", simulating)
    u = 2.0**-12
    reproduction._replay(problem, RIGHT, 1.0, u, np.random.default_rng(0))
    right, (changed,) = arrays(problem), map(arrays, seen)
    for name, given in right.items():
        relative = changed[name] / given - 1
        assert 0 < np.abs(relative).max() <= 1.75 * u, name  # within √3 deviations
        assert np.ptp(relative) > u / 4, name


def test_nothing_shown_is_reproduced() -> None:
    nothing = Reproduction(distances={}, noise={})
    assert (nothing.residual, nothing.fits) == (0, True)


def test_a_gradient_of_another_shape_leaves_the_others_to_be_compared() -> None:
    right = simulate(PROBLEM).parameters
    shown = {"weight_ih_l0": np.ones((2, 2)), "weight_hh_l0": right["weight_hh_l0"]}
    assert reproduced(material_of(**shown), RIGHT, 1.0).distances == {
        "weight_ih_l0": np.inf,
        "weight_hh_l0": 0.0,
    }


def test_an_error_in_a_small_row_is_not_lost_in_the_noise_of_large_ones() -> None:
    small = {name: w.copy() for name, w in PROBLEM.weights.items()}
    small["weight_hh_l0"][:, 0] = 0
    head = replace(PROBLEM.head, weight=PROBLEM.head.weight * np.array([1e-9, 1, 1, 1, 1]))
    problem = replace(PROBLEM, weights=small, head=head, d_h_n=None)  # unit 0 is hardly seen
    gradient = simulate(problem).parameters["weight_ih_l0"].copy()
    gradient[0] *= 1 + 1e-9
    found = reproduced(material_of(problem, weight_ih_l0=gradient), RIGHT, 1.0)
    assert found.residual > THRESHOLD


def test_what_an_update_loses_is_added_to_the_noise() -> None:
    rate = 1e-6
    right = simulate(PROBLEM).parameters["weight_hh_l0"]
    lost = 2.0**-52 * np.abs(PROBLEM.weights["weight_hh_l0"]) / rate
    for times, fits in ((1.0, True), (2 * THRESHOLD, False)):
        found = reproduced(material_of(rate=rate, weight_hh_l0=right + times * lost), RIGHT, 1.0)
        assert found.fits is fits
        assert 0.9 * times < found.residual <= times


def test_underflow_may_cost_ten_subnormals_for_each_hidden_unit() -> None:
    dead = materialise(parse_id("rnn-relu-nobias-T2-B1-I4-H5-noh0-f64-s0"))
    dead = replace(dead, x=np.zeros_like(dead.x))
    shown = Observation(hidden={(0, 0): np.full((2, 1, 5), 100 * SMALLEST)})
    material = Material.of(Evidence(problem=dead, observation=shown))
    assert reproduced(material, RIGHT, 1.0).distances == {"hidden": 2.0}
