"""`LSTMCell` and `GRUCell` against torch's cells, against the networks, and what they refuse."""

from typing import Any

import numpy as np
import pytest
import torch
from oracles import gated
from oracles.gated import Experiment, assert_agree, drawn

import refrnn

CASES: list[tuple[str, dict[str, Any]]] = [
    ("RNN", {}),
    ("LSTM", {}),
    ("GRU", {}),
    ("LSTM", {"bias": False}),
    ("GRU", {"bias": False}),
    ("GRU", {"reset": "before"}),
]
EVERY = pytest.mark.parametrize(("kind", "options"), CASES, ids=str)


def one_step(kind: str, **options: Any) -> Experiment:
    return drawn(kind, steps=1, **options).but(d_output=None)


def cell_of(e: Experiment) -> Any:
    more = {"reset": e.reset} if e.kind == "GRU" else {}
    cell = getattr(refrnn, f"{e.kind}Cell")(e.inputs, e.hidden, e.bias, dtype=e.dtype, **more)
    cell.load_state_dict({name.removesuffix("_l0"): w for name, w in e.weights.items()})
    return cell


def parts(e: Experiment, states: dict[str, Any], row: Any = slice(None)) -> Any:
    """Return the states of the only layer as a cell takes them."""
    taken = tuple(states[letter][0][row] for letter in e.letters)
    return taken if len(taken) > 1 else taken[0]


def observe(e: Experiment) -> gated.Observation:
    cell = cell_of(e)
    trace = cell.forward(e.x[0], parts(e, e.initial))
    gradients = cell.backward(trace, parts(e, e.d_final))
    found = {"dL/dx": gradients.x} | {f"dL/d{name}": g for name, g in gradients.parameters.items()}
    for letter in e.letters:
        found |= {letter: getattr(trace, letter), f"dL/d{letter}": getattr(gradients, letter)}
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(
    ("kind", "options"), [case for case in CASES if case[1] != {"reset": "before"}], ids=str
)
def test_a_cell_and_its_gradients_are_those_of_torch(kind: str, options: dict[str, Any], dtype: type) -> None:
    e = one_step(kind, dtype=dtype, **options)
    module = getattr(torch.nn, f"{kind}Cell")(e.inputs, e.hidden, e.bias, dtype=torch.tensor(e.x).dtype)
    module.load_state_dict({name.removesuffix("_l0"): torch.tensor(w) for name, w in e.weights.items()})
    x = torch.tensor(e.x[0], requires_grad=True)
    before = [torch.tensor(e.initial[letter][0], requires_grad=True) for letter in e.letters]
    new = module(x, tuple(before) if len(before) > 1 else before[0])
    after = list(new) if len(before) > 1 else [new]
    torch.autograd.backward(after, [torch.tensor(e.d_final[letter][0]) for letter in e.letters])
    expected = {"dL/dx": gated.grad(x)} | {f"dL/d{n}": gated.grad(p) for n, p in module.named_parameters()}
    for letter, one, other in zip(e.letters, before, after, strict=True):
        expected |= {letter: other.detach().numpy(), f"dL/d{letter}": gated.grad(one)}
    assert_agree(observe(e), expected, e)
    assert list(cell_of(e).state_dict()) == list(module.state_dict())


@EVERY
def test_a_step_is_a_network_of_one_step_bit_by_bit(kind: str, options: dict[str, Any]) -> None:
    e = one_step(kind, **options)
    trace, gradients = gated.run(e)
    found = observe(e)
    assert np.array_equal(found["dL/dx"], gradients.x[0])
    for name, gradient in gradients.parameters.items():
        assert np.array_equal(found[f"dL/d{name.removesuffix('_l0')}"], gradient)
    for letter in e.letters:
        assert np.array_equal(found[letter], getattr(trace, f"{letter}_n")[0])
        assert np.array_equal(found[f"dL/d{letter}"], getattr(gradients, f"{letter}_0")[0])


@EVERY
def test_a_step_shows_all_that_a_network_shows(kind: str, options: dict[str, Any]) -> None:
    e = one_step(kind, **options)
    trace, gradients = gated.run(e)
    cell = cell_of(e)
    step = cell.forward(e.x[0], parts(e, e.initial))
    back = cell.backward(step, parts(e, e.d_final))
    names = {"RNN": "h", "LSTM": "hcifgo", "GRU": "hrzn"}[kind]
    for name in names:
        assert np.array_equal(step.quantity(name), trace.quantity(name, 0)[0])
    assert np.array_equal(back.d_a, gradients.d_a(0)[0])
    assert np.array_equal(back.d_recurrent, gradients.d_recurrent(0)[0])
    if kind == "LSTM":
        assert np.array_equal(back.d_c, gradients.d_c(0)[0])
    with pytest.raises(ValueError, match=r"^name must be one of h.*; got 'k'\. Pass one of these"):
        step.quantity("k")


@EVERY
def test_an_unbatched_sample_is_a_batch_of_one_and_nothing_can_be_written_to(
    kind: str, options: dict[str, Any]
) -> None:
    e = one_step(kind, batch=1, **options)
    cell = cell_of(e)
    one, batch = cell.forward(e.x[0, 0], parts(e, e.initial, 0)), cell.forward(e.x[0], parts(e, e.initial))
    found, expected = cell.backward(one, parts(e, e.d_final, 0)), cell.backward(batch, parts(e, e.d_final))
    for alone, whole in (
        (one.h, batch.h),
        (found.h, expected.h),
        (found.x, expected.x),
        (found.d_a, expected.d_a),
        (found.d_recurrent, expected.d_recurrent),
    ):
        assert alone.ndim == 1
        assert np.array_equal(alone, whole[0])
    for array in (one.h, found.h, found.d_a, *(one.quantity(letter) for letter in e.letters)):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    called = cell(e.x[0, 0], parts(e, e.initial, 0))
    for letter, state in zip(e.letters, called if len(e.letters) > 1 else (called,), strict=True):
        assert np.array_equal(state, one.quantity(letter))
        state[...] = 0  # a caller's own


@EVERY
def test_a_loop_of_cells_backpropagates_like_a_network(kind: str, options: dict[str, Any]) -> None:
    e = drawn(kind, **options)
    cell, state, traces = cell_of(e), parts(e, e.initial), []
    for x in e.x:
        traces.append(cell.forward(x, state))
        state = tuple(traces[-1].quantity(letter) for letter in e.letters)
        state = state if len(state) > 1 else state[0]
    d_state, total = [e.d_final[letter][0] for letter in e.letters], {}
    for t in reversed(range(e.steps)):
        d_state[0] = d_state[0] + e.d_output[t]
        found = cell.backward(traces[t], tuple(d_state) if len(d_state) > 1 else d_state[0])
        d_state = [getattr(found, letter) for letter in e.letters]
        total = {name: total.get(name, 0) + g for name, g in found.parameters.items()}
    _, gradients = gated.run(e)
    summed = {f"dL/d{name}_l0": g for name, g in total.items()}
    expected = {f"dL/d{name}": g for name, g in gradients.parameters.items()}
    for letter, d in zip(e.letters, d_state, strict=True):
        summed[letter], expected[letter] = d, getattr(gradients, f"{letter}_0")[0]
    assert_agree(summed, expected, e)


def test_states_of_an_lstm_cell_may_be_left_out_one_by_one() -> None:
    e = one_step("LSTM")
    cell, zeros = cell_of(e), np.zeros((e.batch, e.hidden))
    for given, meant in (
        (None, (zeros, zeros)),
        ((None, None), (zeros, zeros)),
        ((e.initial["h"][0], None), (e.initial["h"][0], zeros)),
        ([None, e.initial["c"][0]], (zeros, e.initial["c"][0])),
    ):
        assert np.array_equal(cell(e.x[0], given)[1], cell(e.x[0], meant)[1])
    trace = cell.forward(e.x[0])
    one = cell.backward(trace, (e.d_final["h"][0], None))
    both = cell.backward(trace, (e.d_final["h"][0], zeros))
    assert np.array_equal(one.c, both.c)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda c, x, s: c.forward(x, s),
            r"^The state must be \(h, c\), a tuple of 2 arrays; got ndarray\. Pass all",
        ),
        (lambda c, x, s: c.forward(x, (s, s, s)), r"^The state must be \(h, c\).*; got tuple"),
        (lambda c, x, s: c.forward(x, (s, s[:1])), r"^c must have the shape \(4, 5\); got \(1, 5\)"),
        (lambda c, x, s: c.forward(x, (s[0], s)), r"^h must have the shape \(4, 5\)"),
        (lambda c, x, s: c.backward(c.forward(x), s), r"^The state must be \(d_h, d_c\)"),
        (lambda c, x, s: c.backward(c.forward(x), (None, s[:, :1])), r"^d_c must have the shape"),
    ],
)
def test_wrong_states_of_an_lstm_cell_are_refused_with_advice(call: Any, message: str) -> None:
    e = one_step("LSTM")
    with pytest.raises((TypeError, ValueError), match=message):
        call(cell_of(e), e.x[0], e.initial["h"][0])


def test_the_representation_is_the_call_that_builds_the_cell() -> None:
    for cell in (
        refrnn.LSTMCell(3, 4, bias=False, dtype="float32"),
        refrnn.GRUCell(3, 4),
        refrnn.RNNCell(3, 4, True, "relu"),
    ):
        names = {name: getattr(refrnn, name) for name in ("LSTMCell", "GRUCell", "RNNCell")}
        assert repr(eval(repr(cell), names)) == repr(cell)  # noqa: S307 - our own words
    with pytest.raises(ValueError, match=r"^reset must be 'after' or 'before'; got 'never'"):
        refrnn.GRUCell(3, 4, reset="never")
    with pytest.raises(TypeError, match=r"order: input_size, hidden_size, bias\.$"):
        refrnn.LSTMCell(3, 4, "yes")
    with pytest.raises(ValueError, match=r"carries h from step to step; got 'c' asked for"):
        refrnn.GRUCell(3, 4).backward(refrnn.GRUCell(3, 4).forward(np.ones((2, 3))), np.ones((2, 4))).c  # noqa: B018
