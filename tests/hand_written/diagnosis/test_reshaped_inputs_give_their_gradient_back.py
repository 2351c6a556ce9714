"""A network that reshapes x where it should transpose: its dL/dx lies where x lay, as autograd lays it."""

import numpy as np
import pytest
import torch
from msgspec import structs

from conformance.cases import materialise, parse_id
from conformance.faults import RIGHT, simulate
from conformance.faults.call import BACK, regrouped
from conformance.hand_written.diagnosis import Evidence, diagnose
from conformance.subjects.observation import Observation

PROBLEM = materialise(parse_id("rnn-tanh-T7-B3-I4-H5-O2-noh0-dout-f64-gain1.2-s0"))
IDS = {"reshaped": "batch-first-reshaped", "reshaped to batch-first": "time-first-reshaped"}


@pytest.mark.parametrize("inputs", BACK)
def test_what_is_undone_is_as_it_was(inputs: str) -> None:
    np.testing.assert_array_equal(regrouped(BACK[inputs], regrouped(inputs, PROBLEM.x)), PROBLEM.x)
    assert not np.array_equal(regrouped(inputs, PROBLEM.x), PROBLEM.x)
    assert regrouped("own", PROBLEM.x) is PROBLEM.x


@pytest.mark.parametrize("inputs", BACK)
def test_the_gradient_of_x_is_autograds(inputs: str) -> None:
    x = torch.tensor(PROBLEM.x, requires_grad=True)
    steps, batch, width = x.shape
    read = (
        x.transpose(0, 1).contiguous().view(steps, batch, width)
        if inputs == "reshaped"
        else x.view(batch, steps, width).transpose(0, 1)
    )
    w_ih, w_hh, b_ih, b_hh = map(torch.tensor, PROBLEM.weights.values())
    h, outputs = torch.zeros(batch, len(w_hh), dtype=torch.float64), []
    for step in read:
        h = torch.tanh(step @ w_ih.T + b_ih + h @ w_hh.T + b_hh)
        outputs.append(h @ torch.tensor(PROBLEM.head.weight).T + torch.tensor(PROBLEM.head.bias))
    torch.stack(outputs).backward(torch.tensor(PROBLEM.head.d_y))
    shown = simulate(PROBLEM, structs.replace(RIGHT, inputs=inputs))
    np.testing.assert_allclose(shown.d_x, x.grad.numpy(), rtol=1e-10, atol=1e-12)
    evidence = Observation(y=shown.y, d_x=x.grad.numpy(), parameters=shown.parameters)
    found = diagnose(Evidence(problem=PROBLEM, observation=evidence))
    assert (found.explained, found.faults) == (True, (IDS[inputs],))
