"""What the torch subjects show is torch's own: every step, the very bits, with the very weights they were given."""

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from support import planting

from conformance import SUITES, Case, ConformanceError, Observation, Problem, examine, load_subject, parse_id
from conformance.cases import materialise
from conformance.judge.geometry import last_steps, picked
from conformance.subjects import torch_graph
from conformance.subjects.torch_modules import module, tensor

SMOKE = [case for case in SUITES["smoke"].cases() if not (case.cell == "lstm" and case.dtype == "f32")]
"""All but those of the one kernel of torch that shows no steps."""


def calm(case: Case) -> bool:
    """Tell regimes that don't amplify rounding, and hold numbers alone."""
    holds_numbers = case.regime not in ("nan", "inf", "uneven") and not case.poisoned
    return (not case.gain or case.gain <= 2) and holds_numbers


FUSED, STEPPED = load_subject("torch"), load_subject("torch-steps")


def shown(case: Case) -> tuple[Problem, Observation]:
    problem = materialise(case)
    return problem, FUSED.run(problem)


@pytest.mark.parametrize("case", SMOKE, ids=str)
def test_the_fused_module_shows_every_step_and_its_results_are_those_steps_bit_for_bit(case: Case) -> None:
    problem, found = shown(case)
    places = set(problem.places)
    if case.proj_size:
        assert not found.hidden  # a product stands between h and the gates
        return
    assert set(found.hidden) == set(found.d_hidden) == set(found.d_pre) == places
    active = problem.active[:, :, np.newaxis]
    top = [found.hidden[case.layers - 1, d] for d in range(case.directions)]
    output = np.where(active, np.concatenate(top, axis=-1), 0)
    assert np.array_equal(problem.layout.time_major(found.output), output, equal_nan=True)
    h_n = problem.layout.batched_state(found.h_n)
    for place, final in zip(problem.places, h_n, strict=True):
        last = picked(found.hidden[place], last_steps(problem, reverse=place[1] == 1))
        assert np.array_equal(final, last, equal_nan=True)


@pytest.mark.parametrize("case", SMOKE[::6], ids=str)
def test_what_the_fused_module_shows_is_what_it_computes_without_being_watched(case: Case) -> None:
    problem, found = shown(case)
    with mock.patch.object(torch_graph, "tap", return_value=None):
        unwatched = FUSED.run(problem)
    assert unwatched.hidden == {}
    for name in ("output", "h_n", "c_n", "d_x", "d_h_0", "d_c_0"):
        one, other = getattr(found, name), getattr(unwatched, name)
        assert one is other is None or np.array_equal(one, other, equal_nan=True), name
    for name, gradient in unwatched.parameters.items():
        assert np.array_equal(found.parameters[name], gradient, equal_nan=True), name


@pytest.mark.parametrize("case", [case for case in SMOKE if calm(case)][::4], ids=str)
def test_fused_and_stepped_are_close_step_by_step(case: Case) -> None:
    """Far closer than one wrong step would leave them, in regimes that don't amplify rounding.

    Errors of T steps of a few roundings each, of which none grows: T · (I + H) · 8 roundings of the largest value.
    """
    problem, fused = shown(case)
    stepped = STEPPED.run(problem)
    roundings = 8 * case.steps * (case.input_size + case.hidden_size) * case.layers
    for kind in ("hidden", "d_hidden"):
        for place, one in getattr(fused, kind).items():
            other = np.where(problem.active[:, :, np.newaxis], getattr(stepped, kind)[place], 0)
            scale = np.abs(other).max()
            assert np.abs(one - other).max() <= roundings * 2 * problem.format.u * scale, (kind, place)


def test_the_gradients_read_off_the_graph_are_those_that_flow() -> None:
    """dL/da summed over steps and samples is the gradient of a bias; dL/da is dL/dh times 1 − h²."""
    problem, found = shown(parse_id("rnn-tanh-L2-bi-T7-len3.7.1.5-B4-bf-I4-H5-f64-s0"))
    for layer, d in problem.places:
        d_pre, d_h, h = (getattr(found, kind)[layer, d] for kind in ("d_pre", "d_hidden", "hidden"))
        name = f"bias_ih_l{layer}" + ("_reverse" if d else "")
        terms = np.abs(d_pre).sum(axis=(0, 1))
        off = np.abs(d_pre.sum(axis=(0, 1)) - found.parameters[name])
        assert np.all(off <= 2 * d_pre[..., 0].size * 2**-53 * terms)  # two sums of so many terms
        assert np.all(np.abs(d_pre - d_h * (1 - h**2)) <= 8 * 2**-53 * np.abs(d_h))  # a handful of roundings


def test_a_graph_of_another_shape_is_not_read_and_only_results_are_shown() -> None:
    problem = materialise(parse_id("rnn-tanh-T4-B3-I5-H6-f64-s0"))
    x = tensor(problem.x, gradient=True)
    for results in ([x.tanh()], [x * 2], [], [torch.relu(x)], [x.detach()]):
        assert torch_graph.tap(problem, results) is None
    with mock.patch.object(torch_graph, "ACTIVATIONS", {"tanh": "AnotherKernel", "relu": "AnotherKernel"}):
        record = examine(problem.case, FUSED)
    assert record.verdict == "agrees"
    assert record.not_shown == ["dL/dh of (0, 0)", "h of (0, 0)"][::-1]


def test_the_installed_torch_needs_no_help_to_be_seen_through() -> None:
    """Pins what the subjects build on; a torch that computes nn.RNN otherwise fails here and not in silence."""
    for kind, name in torch_graph.ACTIVATIONS.items():
        x, w = torch.ones(3, 2, 4, requires_grad=True), torch.nn.RNN(4, 5, nonlinearity=kind)
        output, _ = w(x)
        nodes = [node for node in torch_graph._graph([output]) if node.name() == name]
        assert len(nodes) == 3
        assert all(hasattr(node, "_saved_result") for node in nodes)


# Weights.


def test_a_module_holds_exactly_the_bits_it_was_given() -> None:
    problem = materialise(parse_id("rnn-tanh-L2-bi-T4-B3-I5-H6-f32-s0"))
    rnn = module(problem, problem.weights, num_layers=2, bidirectional=True)
    held = {name: w.detach().numpy() for name, w in rnn.named_parameters()}
    assert {name: w.tobytes() for name, w in held.items()} == {
        n: w.tobytes() for n, w in problem.weights.items()
    }


@pytest.mark.parametrize("damage", ["value", "sign of zero", "precision", "swap"])
def test_a_copy_that_is_off_by_one_bit_is_refused(damage: str) -> None:
    problem = materialise(parse_id("rnn-tanh-T4-B3-I5-H6-f64-s0"))
    weights = {name: w.copy() for name, w in problem.weights.items()}
    weights["bias_hh_l0"][3] = 0.0
    load = torch.nn.RNN.load_state_dict

    def damaged(rnn: torch.nn.RNN, state: dict[str, torch.Tensor]) -> None:
        load(rnn, state)
        with torch.no_grad():
            bias = rnn.bias_hh_l0
            if damage == "value":
                bias[2] = np.nextafter(weights["bias_hh_l0"][2], 9)
            elif damage == "sign of zero":
                bias[3] = -0.0
            elif damage == "precision":
                rnn.float()
            else:
                kept = bias.clone()
                bias.copy_(rnn.bias_ih_l0)
                rnn.bias_ih_l0.copy_(kept)

    module(problem, weights)
    with (
        mock.patch.object(torch.nn.RNN, "load_state_dict", damaged),
        pytest.raises(
            ConformanceError, match=r"doesn't hold the weights it was given: (bias|weight)_\w+_l0 differs"
        ),
    ):
        module(problem, weights)


@pytest.mark.parametrize("subject", ["torch", "torch-steps"])
def test_a_damaged_copy_is_an_error_and_never_a_verdict_on_torch(subject: str) -> None:
    def forgetful(_: torch.nn.RNN, __: object) -> None:
        pass

    with mock.patch.object(torch.nn.RNN, "load_state_dict", forgetful):
        record = examine(parse_id("rnn-tanh-T4-B3-I5-H6-f64-s0"), load_subject(subject))
    assert record.verdict == "error"
    assert "doesn't hold the weights" in record.reason


@pytest.mark.parametrize("subject", ["torch", "torch-steps", "reference"])
def test_a_subject_leaves_its_problem_as_it_was(subject: str) -> None:
    case = parse_id("rnn-tanh-L2-bi-T4-len4.2.3-B3-I5-H6-f64-s0")
    problem, fresh = materialise(case), materialise(case)
    load_subject(subject).run(problem)
    for name in ("x", "h_0", "d_output", "d_h_n", "lengths"):
        assert np.array_equal(getattr(problem, name), getattr(fresh, name), equal_nan=True), name
    assert all(np.array_equal(problem.weights[name], w) for name, w in fresh.weights.items())


def test_planted_helpers_read_the_same_values_that_the_judge_compared() -> None:
    for subject in ("torch", "torch-steps", "reference"):
        run = planting.judged(parse_id("rnn-tanh-L2-bi-T4-len4.2.3-B3-bf-I5-H6-f64-s0"), subject)
        for finding, index in planting.sampled(run, np.random.default_rng(5), 40):
            assert planting.element(run, finding, index) == finding.comparison.got[index]
    assert replace(run.observation) == run.observation
