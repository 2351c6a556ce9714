"""A GRU whose reset gate comes before the product: its steps and its results are judged, and mistakes in them found."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from flint import arb
from oracles.balls import exactly, precision

from conformance import parse_id
from conformance.cases import Problem, materialise
from conformance.errors import Unsupported, UsageError
from conformance.judge import allowances, decided, end_to_end_check, local_check
from conformance.subjects import load_subject
from conformance.subjects.observation import Observation
from conformance.subjects.reference import observe

CASE = "gru-before-T6-B3-I4-H5-f64-s0"
REGIMES = ("", "-gain4", "-saturated", "-tiny", "-positive", "-shifted")
PLACE = (0, 0)


def problem_of(case: str) -> Problem:
    return materialise(parse_id(case))


def by_autograd(problem: Problem) -> dict[str, np.ndarray]:
    """Return the gradients of the formula written in torch, which shares no code with the reference."""
    w = {name: torch.tensor(value, requires_grad=True) for name, value in problem.weights.items()}
    x, h = torch.tensor(problem.x, requires_grad=True), torch.tensor(problem.h_0[0], requires_grad=True)
    start, states = h, []
    (w_r, w_z, w_n), (u_r, u_z, u_n) = (w[name].chunk(3) for name in ("weight_ih_l0", "weight_hh_l0"))
    (b_r, b_z, b_n), (c_r, c_z, c_n) = (w[name].chunk(3) for name in ("bias_ih_l0", "bias_hh_l0"))
    for x_t in x:
        r = torch.sigmoid(x_t @ w_r.T + b_r + h @ u_r.T + c_r)
        z = torch.sigmoid(x_t @ w_z.T + b_z + h @ u_z.T + c_z)
        n = torch.tanh(x_t @ w_n.T + b_n + (r * h) @ u_n.T + c_n)
        h = (1 - z) * n + z * h
        states.append(h)
    loss = (torch.stack(states) * torch.tensor(problem.d_output)).sum()
    (loss + (h * torch.tensor(problem.d_h_n[0])).sum()).backward()
    found = {name: leaf.grad.numpy() for name, leaf in w.items()}
    return found | {
        "x": x.grad.numpy(),
        "h_0": start.grad.numpy(),
        "output": torch.stack(states).detach().numpy(),
    }


def results_of(shown: Observation) -> Observation:
    """Return what a black box shows."""
    return Observation(
        output=shown.output,
        h_n=shown.h_n,
        d_x=shown.d_x,
        d_h_0=shown.d_h_0,
        parameters=shown.parameters,
    )


def verdicts(problem: Problem, shown: Observation) -> dict[str, str]:
    exact = observe(problem, np.float64)
    with np.errstate(all="ignore"):
        found = local_check(problem, shown)
        free = end_to_end_check(problem, shown, exact, allowances(problem, exact), decided(problem, found))
    worse = sorted((*found, *free), key=lambda finding: finding.verdict == "differs")
    return {finding.comparison.quantity: finding.verdict for finding in worse}


def test_what_is_right_is_what_autograd_says() -> None:
    problem, shown = problem_of(CASE), observe(problem_of(CASE), np.float64)
    torchs = by_autograd(problem)
    ours = {**shown.parameters, "x": shown.d_x, "h_0": shown.d_h_0[0], "output": shown.output}
    assert {name: np.abs(ours[name] - torchs[name]).max() < 1e-13 for name in torchs} == dict.fromkeys(
        torchs, True
    )


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("regime", REGIMES)
def test_right_steps_and_results_agree(regime: str, dtype: str) -> None:
    for seed in range(3):
        problem = problem_of(f"gru-before-L2-bi-T6-B3-I4-H5-{dtype}{regime}-s{seed}")
        shown = observe(problem, problem.dtype)
        assert "differs" not in {**verdicts(problem, shown), **verdicts(problem, results_of(shown))}.values()


@pytest.mark.parametrize("letter", ["r", "z", "n"])
def test_a_wrong_gate_is_found_where_it_is(letter: str) -> None:
    problem, shown = problem_of(CASE), observe(problem_of(CASE), np.float64)
    inner = {key: array.copy() for key, array in shown.inner.items()}
    inner[letter, PLACE][3, 1, 2] *= 1 + 1e-9
    found = [f for f in local_check(problem, replace(shown, inner=inner)) if f.verdict == "differs"]
    assert found[0].comparison.quantity == letter
    assert list(found[0].first.index.values()) == [3, 1, 2]


@pytest.mark.parametrize("name", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"])
@pytest.mark.parametrize("alone", [False, True])
def test_a_wrong_gradient_of_any_block_is_found(name: str, alone: bool) -> None:  # noqa: FBT001 - a table's column
    problem, shown = problem_of(CASE), observe(problem_of(CASE), np.float64)
    shown = results_of(shown) if alone else shown
    for row in (1, 7, 13):
        parameters = {key: array.copy() for key, array in shown.parameters.items()}
        parameters[name][row] *= 1 + 1e-9
        said = verdicts(problem, replace(shown, parameters=parameters))
        assert [quantity for quantity, verdict in said.items() if verdict == "differs"]


def test_the_gradient_that_reads_h_in_the_place_of_r_h_is_wrong_in_the_rows_of_n_alone() -> None:
    problem, shown = problem_of(CASE), observe(problem_of(CASE), np.float64)
    before = np.concatenate([problem.h_0, shown.output[:-1]])
    delta = shown.d_pre[PLACE][..., 10:]
    parameters = dict(shown.parameters)
    parameters["weight_hh_l0"] = parameters["weight_hh_l0"].copy()
    parameters["weight_hh_l0"][10:] = np.einsum("tbn,tbh->nh", delta, before)
    (found,) = [
        f for f in local_check(problem, replace(shown, parameters=parameters)) if f.verdict == "differs"
    ]
    assert found.comparison.quantity == "dL/dW_hh"
    assert found.mismatches == 25


def test_steps_lie_within_half_of_their_bounds_of_what_they_are_exactly() -> None:
    """The bound is that between two programs, each of which may use half of it."""
    for seed, regime in enumerate(REGIMES):
        problem = problem_of(f"gru-before-T3-B1-I2-H3-f64{regime}-s{seed}")
        shown = observe(problem, np.float64)
        expected = {f.comparison.quantity: f.comparison for f in local_check(problem, shown)}
        with precision():
            for t in range(3):
                h = (problem.h_0[0] if t == 0 else shown.output[t - 1])[0]
                for quantity, balls in exact_step(problem, shown, t, h).items():
                    c = expected[quantity]
                    for unit, ball in enumerate(balls):
                        off = float((exactly(c.got[t, 0, unit]) - ball).abs_upper())
                        assert off <= float(np.asarray(c.bound)[t, 0, unit]) / 2


def exact_step(problem: Problem, shown: Observation, t: int, h: np.ndarray) -> dict[str, list[arb]]:
    """Return r, z, n, h and the δ of n and z of one step in ball arithmetic, from what is shown before each."""
    w, own = problem.weights, {letter: shown.inner[letter, PLACE][t, 0] for letter in "rzn"}

    def affine(gate: int, state: list[arb], unit: int) -> arb:
        row = 3 * gate + unit
        total = exactly(w["bias_ih_l0"][row]) + exactly(w["bias_hh_l0"][row])
        for i, x in enumerate(problem.x[t, 0]):
            total += exactly(w["weight_ih_l0"][row, i]) * exactly(x)
        for j, each in enumerate(state):
            total += exactly(w["weight_hh_l0"][row, j]) * each
        return total

    before = [exactly(each) for each in h]
    let_through = [exactly(own["r"][j]) * before[j] for j in range(3)]
    gates = {
        letter: [1 / (1 + (-affine(gate, before, unit)).exp()) for unit in range(3)]
        for gate, letter in enumerate("rz")
    }
    gates["n"] = [affine(2, let_through, unit).tanh() for unit in range(3)]
    z, n, d_h = (
        [exactly(each) for each in part] for part in (own["z"], own["n"], shown.d_hidden[PLACE][t, 0])
    )
    gates["h"] = [(before[j] - n[j]) * z[j] + n[j] for j in range(3)]
    gates["dL/da_n"] = [d_h[j] * (1 - z[j]) * (1 - n[j] ** 2) for j in range(3)]
    gates["dL/da_z"] = [d_h[j] * (before[j] - n[j]) * z[j] * (1 - z[j]) for j in range(3)]
    return gates


def test_its_id_says_so_and_no_other_cell_has_one() -> None:
    assert parse_id(CASE).reset == "before"
    for wrong in ("lstm-before-T6-B3-I4-H5-f64-s0", "rnn-tanh-before-T6-B3-I4-H5-f64-s0"):
        with pytest.raises(UsageError):
            parse_id(wrong)
    with pytest.raises(UsageError, match="A reset gate is for a gru only"):
        replace(parse_id("lstm-T6-B3-I4-H5-f64-s0"), reset="before")


@pytest.mark.parametrize("subject", ["torch", "torch-cells"])
def test_torch_has_no_such_network(subject: str) -> None:
    with pytest.raises(Unsupported, match="after the product"):
        load_subject(subject).run(problem_of(CASE))
