"""A gradient of a wrong shape is none that can be judged: what else agrees doesn't make such a network conform."""

import pytest

from conformance import check, handwritten

NETWORK = """
import numpy as np


class MyRNN:
    def __init__(self, n_in, n_hidden, n_out):
        self.Wxh = np.random.randn(n_hidden, n_in) * 0.01
        self.Whh = np.random.randn(n_hidden, n_hidden) * 0.01
        self.Why = np.random.randn(n_out, n_hidden) * 0.01
        self.bh, self.by = np.zeros((n_hidden, 1)), np.zeros((n_out, 1))

    def forward(self, inputs):
        self.xs, self.hs, ys = inputs, {-1: np.zeros_like(self.bh)}, []
        for t, x in enumerate(inputs):
            self.hs[t] = np.tanh(self.Wxh @ x + self.Whh @ self.hs[t - 1] + self.bh)
            ys.append(self.Why @ self.hs[t] + self.by)
        return ys

    def backward(self, dys):
        dWxh, dWhh, dWhy = (np.zeros_like(w) for w in (self.Wxh, self.Whh, self.Why))
        dbh, dby, dh_next = np.zeros_like(self.bh), np.zeros_like(self.by), np.zeros_like(self.bh)
        for t in reversed(range(len(self.xs))):
            dWhy += dys[t] @ self.hs[t].T
            dby += dys[t]
            dz = (self.Why.T @ dys[t] + dh_next) * (1 - self.hs[t] ** 2)
            dbh += dz
            dWxh += dz @ self.xs[t].T
            dWhh += dz @ self.hs[t - 1].T
            dh_next = self.Whh.T @ dz
        return dWxh, dWhh, dWhy, dbh, dby
"""


def checked(tmp_path, returned):
    path = tmp_path / "network.py"
    path.write_text(NETWORK.replace("dWxh, dWhh, dWhy, dbh, dby\n", f"{returned}\n"))
    return check(f"{path}:MyRNN")


def test_the_network_is_right_as_it_stands(tmp_path):
    assert checked(tmp_path, "dWxh, dWhh, dWhy, dbh, dby").verdict == "conforms"


@pytest.mark.parametrize(
    ("returned", "lost"),
    [
        ("dWxh, dWhh.sum(0), dWhy, dbh, dby", "dL/dW_hh"),
        ("dWxh, dWhh, dWhy, dbh.sum(), dby", "dL/db_ih"),
        ("dWxh, dWhh, dWhy, dbh", "dL/db_y"),
    ],
)
def test_what_is_not_found_of_its_gradients_leaves_it_undecided(tmp_path, returned, lost):
    found = checked(tmp_path, returned)
    assert found.verdict == "undecided"
    assert not found.conforms
    assert f"but {lost} was not found among what its backward pass gives" in found.record.headline


def test_of_what_a_person_says_is_shown_no_more_is_asked_but_what_is_not_is_said(tmp_path):
    path = tmp_path / "network.py"
    path.write_text(NETWORK)
    network = handwritten(
        f"{path}:MyRNN",
        case="rnn-tanh-T7-single-I4-H6-O5-noh0-dout-f64-gain1.2-s0",
        build="model = code.MyRNN(p.I, p.H, p.O)",
        weights={
            "model.Wxh": "p.W_ih",
            "model.Whh": "p.W_hh",
            "model.Why": "p.W_hy",
            "model.bh": "p.b[:, None]",
            "model.by": "p.b_y[:, None]",
        },
        forward="y = model.forward(p.x[:, 0][:, :, None])",
        backward="grads = model.backward(p.d_y[:, 0][:, :, None])",
        shown={
            "y": "np.array(y)[:, None, :, 0]",
            "W_ih": "grads[0]",
            "b": "grads[3][:, 0]",
            "W_hy": "grads[2]",
        },
    )
    found = check(network)
    assert found.verdict == "conforms"
    assert (
        "forward and all gradients but dL/dW_hh and dL/db_y, which it doesn't show" in found.record.headline
    )
