"""The simulated network agrees with torch wherever it makes the right choices, and its faults do what they say."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from conformance import SUITES, Case, Observation, Problem, examine, load_subject, parse_id
from conformance.cases import materialise
from conformance.faults import Choices, Mutant, load_fault, simulate
from conformance.judge import distances

CASES = [case for case in SUITES["smoke"].cases() if case.cell == "rnn"]


@dataclass(frozen=True)
class Simulated:
    """The right network as a subject."""

    name: str = "simulated"
    description: str = "right at every seam"

    def run(self, problem: Problem) -> Observation:
        return simulate(problem)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_right_network_passes_the_local_check(case: Case) -> None:
    record = examine(case, Simulated())
    assert record.verdict == "agrees", record.reason
    assert record.not_shown == []


@pytest.mark.parametrize("case", [case for case in CASES if case.steps <= 12], ids=str)
def test_the_right_network_ends_where_torch_ends(case: Case) -> None:
    """A free run of at most 12 steps stays within 1,000 eps of the largest element; 135 were measured."""
    problem = materialise(case)
    apart = distances(problem, simulate(problem), load_subject("torch").run(problem))
    assert len(apart) == 3 + (problem.h_0 is not None) + len(problem.weights)
    worst = max(apart, key=lambda distance: distance.relative_to_largest)
    assert worst.relative_to_largest < 1000 * 2 * problem.format.u, worst


def test_nothing_of_the_problem_is_changed() -> None:
    problem = materialise(parse_id("rnn-tanh-L2-bi-T6-B3-I4-H5-f64-s0"))
    arrays = [problem.x, problem.h_0, problem.d_output, problem.d_h_n, *problem.weights.values()]
    before = [array.copy() for array in arrays]
    for fault_id in ("cotangent-overwritten", "h-0-overwritten", "weights-updated-inside-loop"):
        shown = Mutant(load_fault(fault_id)).run(problem)
        assert not any(np.shares_memory(array, shown.d_x) for array in arrays)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_a_mutant_that_hides_its_steps_shows_the_same_results() -> None:
    problem = materialise(parse_id("rnn-tanh-L2-bi-T6-B3-I4-H5-f64-s0"))
    fault = load_fault("carry-not-transposed")
    full, black_box = Mutant(fault).run(problem), Mutant(fault, inner_steps=False).run(problem)
    assert full.hidden
    assert full.d_hidden
    assert full.d_pre
    assert full.step_parameters
    for inner in (black_box.hidden, black_box.d_hidden, black_box.d_pre, black_box.step_parameters):
        assert not inner
    assert_same_results(full, black_box)


# A right network on a changed problem is what some faults amount to, whatever the layers, directions and batch.

FULL = "rnn-tanh-L3-bi-T6-B3-I4-H5-f64-s0"


def renamed(problem: Problem, **change: str) -> dict[str, np.ndarray]:
    """Return the weights, those whose names contain a key taken from where that key reads as its value."""
    weights = dict(problem.weights)
    for old, new in change.items():
        weights |= {name: problem.weights[name.replace(old, new)] for name in weights if old in name}
    return weights


def zeroed(problem: Problem, kind: str) -> dict[str, np.ndarray]:
    return {name: 0 * w if kind in name else w for name, w in problem.weights.items()}


def same_w_hh(problem: Problem) -> dict[str, np.ndarray]:
    return renamed(problem, weight_hh_l1="weight_hh_l0", weight_hh_l2="weight_hh_l0")


CHANGED = {
    "b-ih-unused": lambda p: {"weights": zeroed(p, "bias_ih")},
    "b-hh-unused": lambda p: {"weights": zeroed(p, "bias_hh")},
    "biases-unused": lambda p: {"weights": zeroed(p, "bias")},
    "b-ih-twice": lambda p: {"weights": renamed(p, bias_hh="bias_ih")},
    "b-hh-twice": lambda p: {"weights": renamed(p, bias_ih="bias_hh")},
    "h-0-ignored": lambda p: {"h_0": 0 * p.h_0},
    "h-0-of-first-layer-for-all": lambda p: {"h_0": np.concatenate([p.h_0[:2]] * 3)},
    "layers-share-w-hh": lambda p: {"weights": same_w_hh(p)},
    "reverse-with-forward-weights": lambda p: {"weights": renamed(p, _reverse="")},
    "x-one-step-late": lambda p: {"x": np.concatenate([0 * p.x[:1], p.x[:-1]])},
    "x-one-step-early": lambda p: {"x": np.concatenate([p.x[1:], p.x[-1:]])},
    "x-nudged": lambda p: {"x": p.x + 1e-12},
    "output-gradient-at-every-step": lambda p: {"d_output": 0 * p.d_output + p.d_output[-1]},
    "output-gradient-last-only": lambda p: {"d_output": np.r_[0 * p.d_output[:-1], p.d_output[-1:]]},
    "h-n-gradient-ignored": lambda p: {"d_h_n": 0 * p.d_h_n},
    "scale-two": lambda p: {"d_output": 2 * p.d_output, "d_h_n": 2 * p.d_h_n},
    "sign-flipped": lambda p: {"d_output": -p.d_output, "d_h_n": -p.d_h_n},
    "scale-mean-over-steps": lambda p: {"d_output": p.d_output / 6, "d_h_n": p.d_h_n / 6},
    "scale-mean-over-batch": lambda p: {"d_output": p.d_output / 3, "d_h_n": p.d_h_n / 3},
}
"""For each fault: what of the problem is changed."""


@pytest.mark.parametrize("fault_id", CHANGED)
def test_a_fault_of_what_is_read_is_the_reference_on_a_changed_problem(fault_id: str) -> None:
    problem = materialise(parse_id(FULL))
    changed = replace(problem, **CHANGED[fault_id](problem))
    shown = Mutant(load_fault(fault_id)).run(problem)
    assert_same_results(shown, load_subject("torch").run(changed))
    with pytest.raises(AssertionError):
        assert_same_results(shown, load_subject("torch").run(problem), rtol=1e-14)


def test_layers_that_are_one_cell_are_the_reference_with_equal_weights() -> None:
    problem = materialise(parse_id("rnn-tanh-L3-bi-T6-B3-I10-H5-f64-s0"))
    alike = {
        name: problem.weights[name.replace("_l1", "_l0").replace("_l2", "_l0")] for name in problem.weights
    }
    shown = Mutant(load_fault("layers-share-one-cell")).run(problem)
    assert_same_results(shown, load_subject("torch").run(replace(problem, weights=alike)))


@pytest.mark.parametrize("reach", [1, 2, 3, 5])
def test_truncation_in_segments_is_the_reference_s_own_truncation(reach: int) -> None:
    import refrnn

    problem = materialise(parse_id("rnn-tanh-L2-bi-T6-B3-I4-H5-f64-s0"))
    rnn = refrnn.RNN(4, 5, 2, bidirectional=True)
    rnn.load_state_dict(problem.weights)
    trace = rnn.forward(problem.x, problem.h_0)
    expected = rnn.backward(trace, problem.d_output, problem.d_h_n, truncation=reach)
    shown = simulate(problem, Choices(truncation="segments", reach=reach))
    np.testing.assert_allclose(shown.d_x, expected.x, rtol=1e-10, atol=1e-12)
    for name, gradient in expected.parameters.items():
        np.testing.assert_allclose(shown.parameters[name], gradient, rtol=1e-10, atol=1e-12)


def assert_same_results(shown: Observation, expected: Observation, rtol: float = 1e-10) -> None:
    """Assert that two observations show the same results, up to what float64 leaves open."""
    for name in ("output", "h_n", "d_x", "d_h_0"):
        np.testing.assert_allclose(getattr(shown, name), getattr(expected, name), rtol=rtol, atol=rtol / 100)
    for name, gradient in shown.parameters.items():
        np.testing.assert_allclose(gradient, expected.parameters[name], rtol=rtol, atol=rtol / 100)
