"""Cotangents that are expanded or strided in memory reach torch as they are, and change nothing."""

import numpy as np
import pytest
import torch

from conformance import examine, load_subject, parse_id
from conformance.cases import materialise
from conformance.subjects.torch_modules import cotangent

EXPANDED = "rnn-tanh-L2-bi-T7-B3-bf-I4-H5-dexpanded-f64-s0"
STRIDED = "rnn-tanh-L2-bi-T7-B3-bf-I4-H5-dstrided-f64-s0"
SUBJECTS = ["torch", "torch-steps", "torch-packed", "torch-functional", "torch-cells", "reference"]


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("case", [EXPANDED, STRIDED])
def test_every_subject_takes_them(case, subject):
    assert examine(parse_id(case), load_subject(subject)).verdict == "agrees"


@pytest.mark.parametrize("case", [EXPANDED, STRIDED])
def test_they_reach_torch_with_the_strides_that_they_have(case, monkeypatch):
    problem = materialise(parse_id(case))
    seen = []
    original = torch.autograd.grad

    def spy(outputs, inputs, grad_outputs, **options):
        seen.extend(d.stride() for d in grad_outputs)
        return original(outputs, inputs, grad_outputs, **options)

    monkeypatch.setattr(torch.autograd, "grad", spy)
    load_subject("torch").run(problem)
    assert seen == [tuple(s // 8 for s in d.strides) for d in (problem.d_output, problem.d_h_n)]
    if case == EXPANDED:
        assert set(seen) == {(0, 0, 0)}
    else:
        assert all(stride[-1] > stride[0] > 1 for stride in seen)


def test_an_expanded_cotangent_is_what_a_sum_sends_back():
    problem = materialise(parse_id(EXPANDED))
    output = torch.zeros(problem.d_output.shape, requires_grad=True)
    caught = []
    output.register_hook(lambda d: caught.append(d.stride()))
    output.sum().backward()
    assert caught == [cotangent(problem, problem.d_output).stride()]


@pytest.mark.parametrize(
    "values",
    [
        np.arange(24.0).reshape(2, 3, 4)[:, ::-1],
        np.broadcast_to(np.arange(4.0), (2, 3, 4)),
        np.arange(24.0).reshape(4, 3, 2).T,
        np.broadcast_to(np.float64(3), (2, 3)),
    ],
    ids=["reversed", "rows", "transposed", "number"],
)
def test_a_tensor_holds_the_same_numbers_at_the_same_strides(values):
    made = cotangent(materialise(parse_id(STRIDED)), values)
    assert np.array_equal(made.numpy(), values)
    assert [abs(s) // values.itemsize for s in values.strides] == list(made.stride())
