"""Truncated BPTT, and sequences cut into chunks with the state carried, agree with torch."""

import numpy as np
import pytest
import torch
from oracles import problems, with_torch
from oracles.closeness import assert_agree
from oracles.problems import gradient_key, place_key
from oracles.rounding import bounds

# Truncated BPTT


@pytest.mark.parametrize("truncation", [1, 2, 3, 6, 7, 8])
@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (2, 1), (2, 2)])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_truncation_agrees_with_torch_detaching_the_state(
    truncation: int, layers: int, directions: int, nonlinearity: str
) -> None:
    problem = problems.make(
        layers=layers, directions=directions, nonlinearity=nonlinearity, truncation=truncation
    )
    expected, found = with_torch.observe_steps(problem), problems.observe_steps(problem)
    assert_agree(found, expected, bounds(problem))
    whole = problems.observe_steps(problem.but(truncation=None))
    name = place_key("dL/dh_t from the next step", 0, 0)
    changes = truncation < problem.steps
    assert np.array_equal(found[name], whole[name]) != changes


@pytest.mark.parametrize("truncation", [2, 3, 5])
def test_truncation_agrees_with_torch_run_in_detached_chunks(truncation: int) -> None:
    problem = problems.make(layers=2, truncation=truncation, layout="batch first")
    rnn = with_torch.module(problem)
    x = torch.tensor(problem.x.swapaxes(0, 1), requires_grad=True)
    first = torch.tensor(problem.h_0, requires_grad=True)
    h, outputs = first, []
    for start in range(0, problem.steps, truncation):
        output, h = rnn(x[:, start : start + truncation], h if start == 0 else h.detach())
        outputs.append(output)
    output = torch.cat(outputs, 1)
    loss = (output * torch.tensor(problem.d_output.swapaxes(0, 1))).sum()  # type: ignore[union-attr]
    (loss + (h * torch.tensor(problem.d_h_n)).sum()).backward()
    expected = {
        "output": output.detach().numpy().swapaxes(0, 1),
        "h_n": h.detach().numpy(),
        gradient_key("x"): with_torch.array(x.grad).swapaxes(0, 1),
        gradient_key("h_0"): with_torch.array(first.grad),
    } | {gradient_key(name): with_torch.array(p.grad) for name, p in rnn.named_parameters()}
    assert_agree(problems.observe(problem), expected, bounds(problem))


@pytest.mark.parametrize("truncation", [1, 2, 3, 6, 7])
@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (1, 2), (2, 2)])
def test_truncation_counts_the_steps_of_each_sample_s_own_scan(
    layers: int, directions: int, truncation: int
) -> None:
    problem = problems.make(
        layers=layers, directions=directions, lengths=(3, 7, 1, 3, 5), truncation=truncation
    )
    assert_agree(problems.observe_steps(problem), with_torch.observe_steps(problem), bounds(problem))


# Stateful use


@pytest.mark.parametrize("cut", [1, 3, 6])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("layout", ["time first", "batch first", "unbatched"])
def test_two_chunks_with_the_state_carried_equal_torch_s_whole(
    cut: int, layers: int, nonlinearity: str, layout: str
) -> None:
    batch = 1 if layout == "unbatched" else 5
    problem = problems.make(layout=layout, batch=batch, layers=layers, nonlinearity=nonlinearity)
    assert problem.d_output is not None
    early = problem.but(x=problem.x[:cut], d_output=problem.d_output[:cut], steps=cut)
    late = problem.but(x=problem.x[cut:], d_output=problem.d_output[cut:], steps=problem.steps - cut)
    trace, _ = problems.run(early)
    late = late.but(h_0=problems.from_state(trace.h_n, layout))
    second = problems.observe(late)
    first = problems.observe(early.but(d_h_n=second[gradient_key("h_0")]))  # and its gradient carried back
    joined = {
        "output": np.concatenate([first["output"], second["output"]]),
        "h_n": second["h_n"],
        gradient_key("x"): np.concatenate([first[gradient_key("x")], second[gradient_key("x")]]),
        gradient_key("h_0"): first[gradient_key("h_0")],
    } | {gradient_key(n): first[gradient_key(n)] + second[gradient_key(n)] for n in problem.weights}
    assert_agree(joined, with_torch.observe(problem), bounds(problem))
