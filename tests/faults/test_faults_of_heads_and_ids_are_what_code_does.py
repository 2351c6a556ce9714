"""A plain batched network over ids, with a head, with one line changed computes what the simulated fault computes."""

from collections.abc import Mapping

import numpy as np
import pytest

from conformance.cases import Problem, materialise, parse_id
from conformance.faults import Mutant, load_fault, simulate

CASE = "rnn-tanh-T7-B3-I2-H5-O3-noh0-dout-f64-ids-s0"

NETWORK = """
def network(ids, W_ih, W_hh, b_ih, b_hh, W_y, b_y, dy):
    (T, B), H, lr = ids.shape, len(W_hh), 0.1
    hs, ys = [np.zeros((B, H))], []
    for t in range(T):
        hs.append(np.tanh(W_ih.T[ids[t]] + b_ih + hs[t] @ W_hh.T + b_hh))
        ys.append(hs[t + 1] @ W_y.T + b_y)
    dW_ih, dW_hh, db = np.zeros_like(W_ih), np.zeros_like(W_hh), np.zeros(H)
    dW_y, db_y = np.zeros_like(W_y), np.zeros_like(b_y)
    deltas = np.zeros((T, B, H))
    carry = np.zeros((B, H))
    for t in reversed(range(T)):
        dW_y += dy[t].T @ hs[t + 1]
        db_y += dy[t].sum(axis=0)
        dh = dy[t] @ W_y + carry
        deltas[t] = da = dh * (1 - hs[t + 1] ** 2)
        np.add.at(dW_ih.T, ids[t], da)
        dW_hh += da.T @ hs[t]
        db += da.sum(axis=0)
        carry = da @ W_hh
    return np.array(ys), [dW_ih, dW_hh, db, db, dW_y, db_y]
"""

EDITS = {
    "outputs-of-previous-state": [
        ("hs[t + 1] @ W_y", "hs[t] @ W_y"),
        ("dy[t].T @ hs[t + 1]", "dy[t].T @ hs[t]"),
        ("dh = dy[t] @ W_y + carry", "dh = carry + (dy[t + 1] @ W_y if t < T - 1 else 0)"),
    ],
    "outputs-of-previous-state-forward-only": [("hs[t + 1] @ W_y", "hs[t] @ W_y")],
    "head-updated-before-use": [
        ("carry = np.zeros((B, H))", "carry = np.zeros((B, H)); W_y = W_y - lr * np.einsum('tbo,tbh->oh', dy, hs[1:])")
    ],
    "head-updated-inside-loop": [("dh = ", "W_y = W_y - lr * dy[t].T @ hs[t + 1]; dh = ")],
    "head-updated-inside-loop-after-use": [("carry = da", "W_y = W_y - lr * dy[t].T @ hs[t + 1]; carry = da")],
    "head-bias-gradient-per-example": [("db_y += dy[t].sum(axis=0)", "db_y = db_y + dy[t]")],
    "head-gradient-on-its-own-scale": [("dW_y += dy", "dW_y += 0.5 * dy")],
    "head-gradient-dropped": [("dW_y += dy", "0 * dy")],
    "head-bias-gradient-on-its-own-scale": [("dy[t].sum(axis=0)", "0.5 * dy[t].sum(axis=0)")],
    "repeated-rows-lost-in-batch": [("np.add.at(dW_ih.T, ids[t], da)", "dW_ih.T[ids[t]] += da")],
    "repeated-rows-lost-over-time": [
        ("np.add.at(dW_ih.T, ids[t], da)", "pass"),
        ("return", "dW_ih.T[ids.ravel()] += deltas.reshape(-1, H)\n    return"),
    ],
}  # fmt: skip
"""For each fault: the code that is replaced, and by what."""


def shown_by_code(source: str, problem: Problem) -> Mapping[str, np.ndarray]:
    """Run the network that `source` defines, and return its outputs and gradients by name."""
    scope = {"np": np}
    exec(compile(source, "network", "exec"), scope)  # noqa: S102 - the sources are the ones above
    weights = [w.copy() for w in problem.parameters.values()]
    y, gradients = scope["network"](problem.x.argmax(axis=-1), *weights, problem.head.d_y.copy())
    return {"y": y, **dict(zip(problem.parameters, gradients, strict=True))}


def assert_same(problem: Problem, subject: Mutant | None, expected: Mapping[str, np.ndarray]) -> None:
    observation = simulate(problem) if subject is None else subject.run(problem)
    for name, value in {"y": observation.y, **observation.parameters}.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_the_network_as_it_stands_is_right() -> None:
    problem = materialise(parse_id(CASE))
    assert_same(problem, None, shown_by_code(NETWORK, problem))


@pytest.mark.parametrize("fault_id", EDITS)
def test_a_line_changed_in_the_network_is_the_fault(fault_id: str) -> None:
    problem, source = materialise(parse_id(CASE)), NETWORK
    for old, new in EDITS[fault_id]:
        assert old in source, f"{old!r} isn't in the network"
        source = source.replace(old, new)
    expected = shown_by_code(source, problem)
    assert_same(problem, Mutant(load_fault(fault_id)), expected)
    with pytest.raises(AssertionError):
        assert_same(problem, None, expected)
