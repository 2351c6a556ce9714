"""(p − t)·p·(1 − p) is right for a squared error of p = sigmoid(y), and a mistake where cross-entropy is declared."""

import pytest

from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request

NETWORK = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W = np.random.randn(n_hidden, n_in)
        self.U = np.random.randn(n_hidden, n_hidden)
        self.V = np.random.randn(n_out, n_hidden)
        self.b, self.c = np.zeros(n_hidden), np.zeros(n_out)

    def forward(self, xs):
        self.xs, self.hs, ps = xs, [np.zeros(len(self.b))], []
        for x in xs:
            self.hs.append(np.tanh(self.W @ x + self.U @ self.hs[-1] + self.b))
            ps.append(1 / (1 + np.exp(-(self.V @ self.hs[-1] + self.c))))
        self.ps = np.array(ps)
        self.zs = np.array(self.hs[1:]) @ self.V.T + self.c
        return {returned}

    def loss(self, targets):
        return {loss}

    def backward(self, targets):
        dW, dU, dV = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.V)
        db, dc, carry = np.zeros_like(self.b), np.zeros_like(self.c), 0
        for t in reversed(range(len(self.xs))):
            p, h = self.ps[t], self.hs[t + 1]
            dy = {dy}
            dV += np.outer(dy, h)
            dc += dy
            da = (self.V.T @ dy + carry) * (1 - h ** 2)
            dW += np.outer(da, self.xs[t])
            dU += np.outer(da, self.hs[t])
            db += da
            carry = self.U.T @ da
        return dW, dU, dV, db, dc
"""
SLOPE = "(p - targets[t]) * p * (1 - p)"
PLAIN = "p - targets[t]"
SQUARES = "0.5 * np.sum((self.ps - targets) ** 2)"
ENTROPY = "-np.sum(targets * np.log(self.ps) + (1 - targets) * np.log(1 - self.ps))"


@pytest.mark.parametrize(
    ("loss", "dy", "faults"),
    [
        (SQUARES, SLOPE, []),
        ("None", SLOPE, []),
        ("None", PLAIN, []),
        (ENTROPY, PLAIN, []),
        (ENTROPY, SLOPE, ["sigmoid-slope-twice"]),
    ],
)
@pytest.mark.parametrize("returned", ["self.ps", "self.zs"], ids=["probabilities", "logits"])
def test_a_slope_is_a_mistake_only_where_cross_entropy_is_declared(tmp_path, loss, dy, faults, returned):
    path = tmp_path / "network.py"
    path.write_text(NETWORK.format(loss=loss, dy=dy, returned=returned), encoding="utf-8")
    record = checked_target(f"{path}:Net", "", Request.on_the_command_line(str(path)), lambda _: None)
    named = [] if record.diagnosis is None else [fault.id for fault in record.diagnosis.faults]
    assert (record.verdict, named) == ("differs" if faults else "conforms", faults)
