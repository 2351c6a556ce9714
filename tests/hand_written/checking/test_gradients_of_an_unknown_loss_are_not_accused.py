"""Gradients that are those of some loss, whichever, are not called wrong: their Jacobian is symmetric."""

import numpy as np
import pytest
from support.small_networks import checked

from conformance.hand_written.checking.symmetry import is_symmetric
from conformance.record.check import EXIT_DIFFERS

NETWORK = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        r = np.random.RandomState(4)
        self.U, self.W = r.randn(n_hidden, n_in) * 0.4, r.randn(n_hidden, n_hidden) * 0.3
        self.V, self.b = r.randn(n_out, n_hidden) * 0.4, np.zeros(n_hidden)
    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros(len(self.b))]
        for x in xs:
            self.hs.append({cell})
        self.ys = [self.V @ h for h in self.hs[1:]]
        return np.array(self.ys)
    def backward(self, targets):
        dU, dW, dV, db, carried = 0 * self.U, 0 * self.W, 0 * self.V, 0 * self.b, 0
        for t in reversed(range(len(self.xs))):
            h, e = self.hs[t + 1], {error}
            dV += np.outer(e, h)
            dh = self.V.T @ e + carried {state}
            da = dh * (1 - {squashed} ** 2){kept}
            dU += np.outer(da, self.xs[t])
            dW += np.outer(da, self.hs[t])
            db += da
            carried = {back}
        return dU, dW, dV, db
"""

PLAIN = "np.tanh(self.U @ x + self.W @ self.hs[-1] + self.b)"
ELMAN = {"cell": PLAIN, "squashed": "h", "kept": "", "back": "self.W.T @ da"}
LEAKY = {
    "cell": f"0.6 * self.hs[-1] + 0.4 * {PLAIN}",
    "squashed": "((h - 0.6 * self.hs[t]) / 0.4)",
    "kept": " * 0.4",
    "back": "0.6 * dh + self.W.T @ da",
}

LOSSES = {
    "steps are weighted": {"error": "(1 + t) * (self.ys[t] - targets[t])", "state": ""},
    "states are penalised": {"error": "self.ys[t] - targets[t]", "state": "+ 0.1 * h"},
    "a power of four": {"error": "(self.ys[t] - targets[t]) ** 3", "state": ""},
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("cell", [ELMAN, LEAKY], ids=["elman", "leaky"])
def test_a_loss_that_nobody_tried_accuses_no_network(tmp_path, cell, loss):
    record = checked(tmp_path, NETWORK.format(**cell, **LOSSES[loss]))
    assert record.exit_code != EXIT_DIFFERS, record.headline
    assert not record.fixes


@pytest.mark.parametrize("cell", [ELMAN, LEAKY], ids=["elman", "leaky"])
def test_a_mistake_is_still_one(tmp_path, cell):
    wrong = {**cell, "back": cell["back"].replace("self.W.T", "self.W")}
    record = checked(tmp_path, NETWORK.format(**wrong, error="self.ys[t] - targets[t]", state=""))
    assert record.exit_code == EXIT_DIFFERS, record.headline


def test_a_field_is_a_gradient_where_its_jacobian_is_symmetric():
    a = np.random.default_rng(0).standard_normal((4, 4))

    def field(matrix):
        return lambda u, v, s: float(u["w"] @ np.tanh(matrix @ (0.3 + s * v["w"])))

    def gradient(u, v, s):  # of Σ log cosh(a w)
        return float(u["w"] @ a.T @ np.tanh(a @ (0.3 + s * v["w"])))

    assert is_symmetric(gradient, {"w": (4,)})
    assert not is_symmetric(field(a), {"w": (4,)})


def test_what_has_no_derivative_is_not_known_to_be_a_gradient():
    def kinked(u, v, s):
        return float(u["w"] @ np.sign(s * v["w"]))

    assert not is_symmetric(kinked, {"w": (3,)})
