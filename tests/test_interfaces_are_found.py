"""How a hand-written network is called is found out: whatever it is found to show agrees with the reference."""

from pathlib import Path

import numpy as np
import pytest

from conformance.cases import materialise
from conformance.handwritten import Bound, Unbound, bindings, load
from conformance.observation import Observation
from conformance.subjects.reference import observe

IN_PLACE = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.A = np.random.randn(n_hidden, n_in) * 0.01
        self.B = np.random.randn(n_hidden, n_hidden) * 0.01
        self.C = np.random.randn(n_out, n_hidden) * 0.01
        self.p, self.q = np.zeros((n_hidden, 1)), np.zeros((n_out, 1))
    def forward(self, inputs):
        self.xs, self.hs = inputs, {-1: np.zeros_like(self.p)}
        for t, x in enumerate(inputs):
            self.hs[t] = np.tanh(self.A @ x.reshape(-1, 1) + self.B @ self.hs[t - 1] + self.p)
        return self.C @ self.hs[len(inputs) - 1] + self.q
    def backward(self, d_y, lr=0.01):
        n = len(self.xs)
        dA, dB, dp = np.zeros_like(self.A), np.zeros_like(self.B), np.zeros_like(self.p)
        dC, dh = d_y @ self.hs[n - 1].T, self.C.T @ d_y
        for t in reversed(range(n)):
            da = (1 - self.hs[t] ** 2) * dh
            dA += da @ self.xs[t].reshape(1, -1)
            dB += da @ self.hs[t - 1].T
            dp += da
            dh = self.B.T @ da
        for w, g in ((self.A, dA), (self.B, dB), (self.C, dC), (self.p, dp), (self.q, d_y)):
            w -= lr * g
"""

GLOBALS = """
import numpy as np
import matplotlib.pyplot as plt
hidden_size, vocab_size, seq_length = 100, 27, 25
Wxh = np.random.randn(hidden_size, vocab_size) * 0.01
Whh = np.random.randn(hidden_size, hidden_size) * 0.01
Why = np.random.randn(vocab_size, hidden_size) * 0.01
bh, by = np.zeros((hidden_size, 1)), np.zeros((vocab_size, 1))
def step(inputs, targets, hprev):
    hs, ps, xs, loss = {-1: hprev}, {}, {}, 0
    for t, i in enumerate(inputs):
        xs[t] = np.zeros((vocab_size, 1)); xs[t][i] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        y = Why @ hs[t] + by
        ps[t] = np.exp(y) / np.exp(y).sum()
        loss -= np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy, dbh, dby = (np.zeros_like(w) for w in (Wxh, Whh, Why, bh, by))
    dh = np.zeros_like(bh)
    for t in reversed(range(len(inputs))):
        dy = ps[t].copy(); dy[targets[t]] -= 1
        dWhy += dy @ hs[t].T; dby += dy
        da = (Why.T @ dy + dh) * (1 - hs[t] ** 2)
        dWxh += da @ xs[t].T; dWhh += da @ hs[t - 1].T; dbh += da
        dh = Whh.T @ da
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]
data = open("no_such_file.txt").read()
while True:
    step(data)
"""

DICT = """
import numpy as np
def run(x, h0, params):
    states = [h0]
    for t in range(x.shape[2]):
        states.append(np.tanh(params["Wax"] @ x[:, :, t] + params["Waa"] @ states[-1] + params["ba"]))
    return np.stack(states[1:], axis=2), (states, x, params)
def run_backward(dh, caches):
    states, x, params = caches
    g = {"d" + k: np.zeros_like(v) for k, v in params.items()}
    carry = np.zeros_like(states[0])
    for t in reversed(range(x.shape[2])):
        da = (dh[:, :, t] + carry) * (1 - states[t + 1] ** 2)
        g["dWax"] += da @ x[:, :, t].T; g["dWaa"] += da @ states[t].T; g["dba"] += da.sum(1, keepdims=True)
        carry = params["Waa"].T @ da
    return g
"""

JOINED = """
import numpy as np
class Net:
    def __init__(self, n, m, k):
        self.m, self.w = m, np.random.randn(n + m + 1, m)
        self.v = np.random.randn(m, k)
    def __call__(self, batch):
        self.z, self.h = [], [np.zeros((len(batch), self.m))]
        for t in range(batch.shape[1]):
            self.z.append(np.hstack([self.h[-1], batch[:, t], np.ones((len(batch), 1))]))
            self.h.append(np.tanh(self.z[-1] @ self.w))
        return np.stack([h @ self.v for h in self.h[1:]], axis=1)
    def grad(self, y, target):
        error, carry = 2 * (y - target), 0
        self.gw, self.gv = np.zeros_like(self.w), np.zeros_like(self.v)
        for t in range(len(self.z) - 1, -1, -1):
            self.gv += self.h[t + 1].T @ error[:, t]
            da = (error[:, t] @ self.v.T + carry) * (1 - self.h[t + 1] ** 2)
            self.gw += self.z[t].T @ da
            carry = (da @ self.w.T)[:, :self.m]
"""

RIGHT = {"in place": IN_PLACE, "globals": GLOBALS, "dict": DICT, "joined": JOINED}
CONSTANT = {"joined": 2.0}


def found(folder: Path, text: str, name: str = "") -> Bound | Unbound:
    path = folder / "subject.py"
    path.write_text(text, encoding="utf-8")
    return next(iter(bindings(load(f"{path}:{name}" if name else str(path)))))


@pytest.mark.parametrize("form", RIGHT)
def test_a_right_network_is_found_right(form: str, tmp_path: Path) -> None:
    bound = found(tmp_path, RIGHT[form])
    assert not isinstance(bound, Unbound)
    problem = bound.admit(materialise(bound.problem_case))
    shown, right = bound.run(problem), observe(problem, np.float64)
    assert {"weight_ih_l0", "weight_hh_l0"} <= set(shown.parameters)
    for name, gradient in shown.parameters.items():
        np.testing.assert_allclose(
            gradient, CONSTANT.get(form, 1.0) * right.parameters[name], rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("form", RIGHT)
def test_the_adapter_alone_shows_the_same(form: str, tmp_path: Path) -> None:
    bound = found(tmp_path, RIGHT[form])
    assert not isinstance(bound, Unbound)
    problem = bound.admit(materialise(bound.problem_case))
    names: dict[str, object] = {}
    exec(bound.interface.adapter(), names)  # noqa: S102 - an adapter is Python
    assert equal(names["Adapter"]().run(problem), bound.run(problem))


def equal(one: Observation, other: Observation) -> bool:
    pairs = [(one.parameters, other.parameters), (one.hidden, other.hidden), ({0: one.y}, {0: other.y})]
    return all(
        list(a) == list(b) and all(np.array_equal(a[key], b[key]) for key in a if a[key] is not None)
        for a, b in pairs
    )


def test_what_only_hangs_or_asks_is_unbound_and_says_why(tmp_path: Path) -> None:
    text = "class Net:\n    def forward(self, x):\n        return input('more? ')\n"
    unbound = found(tmp_path, text, "Net")
    assert isinstance(unbound, Unbound)
    assert "input('more? ')" in unbound.attempts[0].problem
    assert "class Adapter" in unbound.skeleton
