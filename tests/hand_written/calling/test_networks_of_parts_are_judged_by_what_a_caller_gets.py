"""Networks put together of layers: their slopes, and what a layer keeps of its own last call, which is one of many."""

import pytest
from support.small_networks import checked

PARTS = """
import numpy as np


class Linear:
    def __init__(self, n_in, n_out):
        self.w, self.c = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.w + self.c

    def backward(self, d):
        self.dw, self.dc = np.outer(self.x, d), d
        return d @ self.w.T


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.cell, self.head = Linear(n_in + n_hidden, n_hidden), Linear(n_hidden, n_out)
        self.n_hidden, self.n_in = n_hidden, n_in

    def forward(self, x):
        self.x, self.hs, ps = x, [np.zeros(self.n_hidden)], []
        for x_t in x:
            self.hs.append(np.tanh(self.cell.forward(np.hstack((x_t, self.hs[-1])))))
            ps.append({squashed})
        self.ps = np.array(ps)
        return self.ps

    def backward(self, dp):
        self.dw, self.dc = 0 * self.cell.w, 0 * self.cell.c
        dv, db, carry = 0 * self.head.w, 0 * self.head.c, 0
        for t in reversed(range(len(dp))):
            self.head.x = self.hs[t + 1]
            da = (self.head.backward(dp[t] * {slope}) + carry) * (1 - self.hs[t + 1] ** 2)
            dv, db = dv + self.head.dw, db + self.head.dc
            self.cell.x = np.hstack((self.x[t], self.hs[t]))
            carry = self.cell.backward(da)[self.n_in :]
            self.dw, self.dc = self.dw + self.cell.dw, self.dc + self.cell.dc
        {handed}
"""
SIGMOID = ("1 / (1 + np.exp(-self.head.forward(self.hs[-1])))", "self.ps[t] * (1 - self.ps[t])")
TANH = ("np.tanh(self.head.forward(self.hs[-1]))", "(1 - self.ps[t] ** 2)")
ALL = "return self.dw, self.dc, dv, db"


@pytest.mark.parametrize(("squashed", "slope"), [SIGMOID, TANH], ids=["sigmoid", "tanh"])
def test_a_backward_pass_may_begin_beyond_the_function_that_ends_the_forward_pass(tmp_path, squashed, slope):
    record = checked(tmp_path, PARTS.format(squashed=squashed, slope=slope, handed=ALL))
    assert record.verdict == "conforms", record.headline


def test_what_a_layer_keeps_of_its_last_call_accuses_nobody(tmp_path):
    squashed, slope = SIGMOID
    record = checked(tmp_path, PARTS.format(squashed=squashed, slope=slope, handed="return carry"))
    assert record.verdict == "undecided", record.headline
    assert "right in local variables, but a caller doesn't get them" in record.headline


@pytest.mark.parametrize(
    ("kept", "verdict"),
    [
        ("self.dv, self.db = self.head.dw, self.head.dc", "differs"),
        ("self.head.w -= 0.1 * self.head.dw", "undecided"),  # of the other parameters nothing is handed out
    ],
)
def test_what_the_network_itself_makes_of_that_never_conforms(tmp_path, kept, verdict):
    squashed, slope = SIGMOID
    record = checked(tmp_path, PARTS.format(squashed=squashed, slope=slope, handed=kept))
    assert record.verdict == verdict, record.headline
