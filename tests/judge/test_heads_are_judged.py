"""A case with an output head: the loss sees the states through it, and the head itself is judged."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from conformance import Observation, Problem, UsageError, examine, load_subject, parse_id
from conformance.cases import materialise
from conformance.faults.mutant import results_only
from conformance.subjects.reference import observe

CASES = [
    "rnn-tanh-T7-B3-I4-H5-O2-f64-gain1.2-s0",
    "rnn-relu-L2-bi-T7-B3-bf-I4-H5-O2-noh0-dlast-f32-s0",
    "rnn-tanh-T6-single-I4-H5-O2-dout-f64-s0",
    "rnn-tanh-nobias-T6-B2-I4-H5-O3-f32-tutorial-s0",
]


@pytest.mark.parametrize("case_id", CASES)
def test_the_reference_agrees_on_networks_with_a_head(case_id: str) -> None:
    record = examine(parse_id(case_id), load_subject("reference"))
    assert record.verdict == "agrees", record.reason
    assert {"y", "dL/dW_y", "y after a free run", "dL/dW_y after a free run"} <= {
        q.quantity for q in record.quantities
    }


@pytest.mark.parametrize("case_id", CASES)
def test_a_head_is_what_torch_makes_of_it(case_id: str) -> None:
    problem = materialise(parse_id(case_id))
    shown, head = observe(problem, np.float64), problem.head
    assert head is not None
    linear = torch.nn.Linear(head.weight.shape[1], head.weight.shape[0], dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(head.weight.astype(np.float64)))
        linear.bias.zero_() if head.bias is None else linear.bias.copy_(
            torch.from_numpy(head.bias.astype(float))
        )
    states = torch.from_numpy(np.array(shown.output)).requires_grad_()
    y = linear(states)
    (y * torch.from_numpy(head.d_y.astype(np.float64))).sum().backward()
    np.testing.assert_allclose(shown.y, y.detach().numpy(), rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        shown.parameters["head.weight"], linear.weight.grad.numpy(), rtol=1e-13, atol=1e-13
    )
    np.testing.assert_allclose(
        problem.d_output, states.grad.numpy(), rtol=1e-6 if problem.dtype == np.float32 else 1e-14
    )


class HeadOff:
    name, description = "head-off", "the reference with one result of its head slightly off"

    def __init__(self, result: str, *, inner_steps: bool) -> None:
        self.result, self.inner_steps = result, inner_steps

    def run(self, problem: Problem) -> Observation:
        shown = observe(problem, problem.dtype)
        if not self.inner_steps:
            shown = results_only(shown)
        if self.result == "y":
            return replace(shown, y=shown.y * (1 + 1e-9))
        return replace(
            shown, parameters={**shown.parameters, self.result: shown.parameters[self.result] * (1 + 1e-9)}
        )


@pytest.mark.parametrize("inner_steps", [True, False])
@pytest.mark.parametrize(
    ("result", "quantity"), [("y", "y"), ("head.weight", "dL/dW_y"), ("head.bias", "dL/db_y")]
)
def test_a_head_slightly_off_is_named(result: str, quantity: str, inner_steps: bool) -> None:  # noqa: FBT001
    record = examine(parse_id(CASES[0]), HeadOff(result, inner_steps=inner_steps))
    assert record.verdict == "differs"
    wrong = {
        q.quantity.removesuffix(" after a free run") for q in record.quantities if q.verdict == "differs"
    }
    assert wrong == {quantity}


def test_a_loss_that_ignores_the_head_wrongly_is_found_at_the_last_step() -> None:
    problem_id = parse_id(CASES[0])

    class Untransposed(HeadOff):
        def run(self, problem: Problem) -> Observation:
            return observe(replace(problem, head=None, d_output=-problem.d_output), problem.dtype)

    record = examine(problem_id, Untransposed("", inner_steps=True))
    assert record.verdict == "differs"
    assert record.first_divergence.quantity == "dL/dh"
    assert record.first_divergence.where.startswith("layer 0 forward, t = 6")


def test_a_head_and_lengths_are_refused_together() -> None:
    with pytest.raises(UsageError, match="no lengths"):
        parse_id("rnn-tanh-T7-len3.7-B2-I4-H5-O2-f64-s0")
