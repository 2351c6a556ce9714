"""Gradients of LSTM and GRU against complex steps of loops written for this file: no formula of backpropagation."""

from typing import Any

import numpy as np
import pytest
from oracles.gated import Experiment, assert_agree, drawn, observe
from oracles.problems import suffix

STEP = 1e-30
"""Of complex steps: their relative error is of the order STEP², and nothing is subtracted."""

CASES: dict[str, dict[str, Any]] = {
    "LSTM": {"kind": "LSTM"},
    "LSTM with projections": {"kind": "LSTM", "proj": 2},
    "LSTM with lengths": {"kind": "LSTM", "lengths": (2, 4, 1)},
    "GRU": {"kind": "GRU"},
    "GRU without biases": {"kind": "GRU", "bias": False},
    "GRU with the reset before": {"kind": "GRU", "reset": "before"},
    "GRU with the reset before and lengths": {"kind": "GRU", "reset": "before", "lengths": (2, 4, 1)},
}
SIZES = {"steps": 4, "batch": 3, "inputs": 2, "hidden": 3, "layers": 2, "directions": 2}


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def loss(e: Experiment, given: dict[str, np.ndarray]) -> np.ndarray:
    """Weigh all results of a forward pass in complex numbers, sample by sample; inputs may have axes in front."""
    total: Any = 0
    for b in range(e.batch):
        length = e.steps if e.lengths is None else e.lengths[b]
        y = [given["x"][..., t, b, :] for t in range(length)]
        for layer in range(e.layers):
            sides = []
            for d in range(e.directions):
                end, row = suffix(layer, d), layer * e.directions + d
                p = {n: given.get(f"{n}_{end}") for n in ("weight_ih", "weight_hh", "weight_hr")}
                b_ih, b_hh = (given.get(f"bias_{n}_{end}", np.zeros(1)) for n in ("ih", "hh"))
                state = {letter: given[letter][..., row, b, :] for letter in e.letters}
                states = list(y)
                for t in range(length)[:: -1 if d else 1]:
                    state = advanced(e, p, b_ih, b_hh, y[t], state)
                    states[t] = state["h"]
                sides.append(states)
                for letter in e.letters:
                    total = total + (state[letter] * e.d_final[letter][row, b]).sum(-1)
            y = [np.concatenate(np.broadcast_arrays(*parts), -1) for parts in zip(*sides, strict=True)]
        total = total + sum((y[t] * e.d_output[t, b]).sum(-1) for t in range(length))
    return np.asarray(total)


def advanced(
    e: Experiment, p: dict[str, Any], b_ih: Any, b_hh: Any, x: np.ndarray, state: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Make one step, in the notation of torch's pages."""
    share, h = times(p["weight_ih"], x) + b_ih, state["h"]
    if e.kind == "LSTM":
        i, f, g, o = np.split(share + times(p["weight_hh"], h) + b_hh, 4, -1)
        c = sigmoid(f) * state["c"] + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return {"h": h if p["weight_hr"] is None else times(p["weight_hr"], h), "c": c}
    r, z, n = np.split(share, 3, -1)
    if e.reset == "after":
        to_r, to_z, m = np.split(times(p["weight_hh"], h) + b_hh, 3, -1)
        r, z = sigmoid(r + to_r), sigmoid(z + to_z)
        n = np.tanh(n + r * m)
    else:
        w_r, w_z, w_n = np.split(p["weight_hh"], 3, -2)
        b_r, b_z, b_n = np.split(np.broadcast_to(b_hh, (*b_hh.shape[:-1], 3 * e.hidden)), 3, -1)
        r, z = sigmoid(r + times(w_r, h) + b_r), sigmoid(z + times(w_z, h) + b_z)
        n = np.tanh(n + times(w_n, r * h) + b_n)
    return {"h": (1 - z) * n + z * h}


def times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return (matrix * vector[..., np.newaxis, :]).sum(-1)


def by_complex_steps(e: Experiment) -> dict[str, np.ndarray]:
    """Return the loss's derivative with respect to every single element of every input."""
    given = {"x": np.nan_to_num(e.x), **e.initial, **e.weights}
    given = {name: np.asarray(values, np.clongdouble) for name, values in given.items()}
    names = {name: f"dL/d{name}_0" if name in e.letters else f"dL/d{name}" for name in given}
    found = {}
    for name, values in given.items():
        steps = (np.eye(values.size) * 1j * STEP).reshape(-1, *values.shape)
        change = loss(e, given | {name: values + steps}).imag / STEP
        found[names[name]] = change.reshape(values.shape).astype(np.float64)
    return found


@pytest.mark.parametrize("name", CASES)
def test_every_gradient_agrees_with_complex_steps(name: str) -> None:
    e = drawn(**CASES[name], **SIZES)
    found, expected = observe(e), by_complex_steps(e)
    assert_agree({n: array for n, array in found.items() if n.startswith("dL")}, expected, e)


def test_complex_steps_would_see_a_wrong_gradient() -> None:
    e = drawn("GRU", **SIZES)
    expected = by_complex_steps(e)
    found = {n: array for n, array in observe(e).items() if n in expected}
    found["dL/dbias_hh_l1"] = found["dL/dbias_ih_l1"]  # r forgotten on the way to b_hn
    with pytest.raises(AssertionError, match="dL/dbias_hh_l1: off by"):
        assert_agree(found, expected, e)
