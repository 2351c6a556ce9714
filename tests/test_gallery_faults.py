"""What truth.toml calls a subject's faults is what the catalogue means: simulated together, they give its gradients."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from gallery.question import Question, Shown
from gallery.running import apart, shown
from gallery.truth import Truth, truths

from conformance.cases import Problem, materialise, parse_id
from conformance.faults import CATALOGUE, Choices, choices_of, simulate
from conformance.observation import Observation

ROUNDING = 1e-9
"""Two programs of this size in float64 are this near by rounding alone, relative to the largest element."""

NAMED = {
    name: truth
    for name, truth in truths().items()
    if truth.verdict in ("differs", "forward differs") and all(fault.id for fault in truth.faults)
}


def choices(truth: Truth) -> Choices:
    chosen = choices_of([CATALOGUE[fault.id] for fault in truth.faults])
    return replace(chosen, rate=1.0)  # what drivers give for a learning rate


def problem(asked: Question, activation: str, d_output: np.ndarray, d_h_n: np.ndarray | None) -> Problem:
    """Put a question as a problem of the suite's kind."""
    case = f"rnn-{activation}-T{asked.steps}-B{asked.batch}-I{asked.inputs}-H{asked.hidden}-f64-s0"
    w = asked.weights
    return replace(
        materialise(parse_id(case)),
        weights={
            "weight_ih_l0": w["w_ih"],
            "weight_hh_l0": w["w_hh"],
            "bias_ih_l0": w["b_ih"],
            "bias_hh_l0": w["b_hh"],
        },
        x=asked.x,
        h_0=asked.h_0[np.newaxis],
        d_output=d_output,
        d_h_n=np.zeros_like(asked.h_0[np.newaxis]) if d_h_n is None else d_h_n[np.newaxis],
    )


def cotangent(asked: Question, seen: Shown, hidden: np.ndarray) -> np.ndarray:
    """Return dL/dh_t (T, B, H) that the loss sends into the states `hidden`, but for what is handed in as d_h_n."""
    h = torch.tensor(hidden, requires_grad=True)
    seen.loss(h @ torch.tensor(asked.weights["w_hy"]).T + torch.tensor(asked.weights["b_y"]), h).backward()
    found = h.grad.numpy()
    if seen.d_h_n is not None:
        found[-1] -= seen.d_h_n
    return found


def simulated(truth: Truth, asked: Question, seen: Shown) -> Observation:
    """Return what the network of `truth`'s faults shows of the question that `seen` answers."""
    forward = simulate(
        problem(asked, truth.activation, np.zeros((asked.steps, asked.batch, asked.hidden)), None),
        choices(truth),
    )
    d_output = cotangent(asked, seen, forward.hidden[0, 0])
    return simulate(problem(asked, truth.activation, d_output, seen.d_h_n), choices(truth))


def gradients(simulation: Observation) -> dict[str, np.ndarray]:
    """Return the gradients of the recurrence by the gallery's names."""
    theirs = {"w_ih": "weight_ih_l0", "w_hh": "weight_hh_l0", "b_ih": "bias_ih_l0", "b_hh": "bias_hh_l0"}
    found = {ours: simulation.parameters[name] for ours, name in theirs.items()}
    return found | {"x": simulation.d_x, "h_0": simulation.d_h_0[0]}


@pytest.mark.parametrize("name", NAMED)
def test_the_faults_of_a_subject_simulated_together_show_what_it_shows(name: str) -> None:
    truth = NAMED[name]
    asked, seen = shown(truth, truth.faults)
    expected = simulated(truth, asked, seen)
    hidden = expected.hidden[0, 0]
    outputs = hidden @ asked.weights["w_hy"].T + asked.weights["b_y"]
    compared = [
        (found, whole if found.size == whole.size else whole[-1])
        for found, whole in ((seen.h, hidden), (seen.y, outputs))
        if found is not None
    ]
    if truth.verdict == "differs":  # after a wrong forward pass, people's backward passes go many ways
        theirs = gradients(expected)
        compared += [
            (found, truth.constant() * theirs[ours])
            for ours, found in seen.gradients.items()
            if ours in theirs
        ]
    assert compared
    for found, simulation in compared:
        assert apart(found, simulation) <= ROUNDING
