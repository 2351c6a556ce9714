"""A network that agrees as it is built by default is asked with the other values of its options as well."""

import pytest
from support.small_networks import checked

from conformance.record.check import EXIT_CONFORMS, EXIT_DIFFERS

NETWORK = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hid, {option}):
        self.act, self.use_bias, self.layers = "tanh", True, 1
        {kept}
        sizes = [n_in, *[n_hid] * self.layers]
        self.Wx = [np.random.randn(n, n_hid) * 0.3 for n in sizes[:-1]]
        self.Wh = [np.random.randn(n_hid, n_hid) * 0.3 for n in sizes[:-1]]
        self.b = [np.zeros(n_hid) for n in sizes[:-1]]
    def apply(self, z):
        return {{"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z))}}[
            self.act
        ](z)
    def slope(self, h):
        if self.act == "relu":
            return {relu}
        return 1 - h**2 if self.act == "tanh" else {sigmoid}
    def forward(self, x):
        self.xs, self.hs = [], []
        for Wx, Wh, b in zip(self.Wx, self.Wh, self.b):
            h = [np.zeros((x.shape[1], len(Wh)))]
            for step in x:
                h.append(self.apply(step @ Wx + h[-1] @ Wh + (b if self.use_bias else 0)))
            self.xs.append(x)
            self.hs.append(np.array(h))
            x = self.hs[-1][1:]
        return x
    def backward(self, d):
        dWx, dWh, db = [], [], []
        for l in reversed(range(self.layers)):
            x, h, carried, below = self.xs[l], self.hs[l], 0, np.zeros_like(self.xs[l])
            gx, gh, gb = np.zeros_like(self.Wx[l]), np.zeros_like(self.Wh[l]), np.zeros_like(self.b[l])
            for t in reversed(range(len(x))):
                dz = (d[t] + carried) * self.slope(h[t + 1])
                gx, gh = gx + x[t].T @ dz, gh + h[t].T @ dz
                if self.use_bias:
                    gb = gb + dz.sum(axis=0)
                carried = dz @ self.Wh[l].T
                below[t] = {below}
            dWx, dWh, db, d = [gx, *dWx], [gh, *dWh], [gb, *db], below
        return dWx, dWh, db
"""

RIGHT = {"relu": "(h > 0) * 1.0", "sigmoid": "h * (1 - h)", "below": "dz @ self.Wx[l].T"}


def told(tmp_path, option, kept, **wrong):
    return checked(tmp_path, NETWORK.format(option=option, kept=kept, **{**RIGHT, **wrong}))


OPTIONS = {
    "activation": ("activation='tanh'", "self.act = activation.lower()"),
    "bias": ("bias=True", "self.use_bias = bias"),
    "layers": ("num_layers=1", "self.layers = num_layers"),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_a_network_that_is_right_with_every_option_conforms(tmp_path, option):
    record = told(tmp_path, *OPTIONS[option])
    assert record.verdict == "conforms", record.headline
    notes = " ".join(record.notes)
    assert {
        "activation": "With activation='relu' it agrees as well.",
        "bias": "With bias=False it is another network, whose gradients are its own.",
        "layers": "With num_layers=2 it agrees as well.",
    }[option] in notes


@pytest.mark.parametrize(
    ("option", "wrong", "said"),
    [
        ("activation", {"relu": "(h >= 0) * 1.0"}, "With activation='relu': "),
        ("activation", {"sigmoid": "h"}, "With activation='sigmoid': "),
        ("layers", {"below": "dz @ self.Wx[l].T * 1.01"}, "With num_layers=2: "),
    ],
)
def test_a_network_that_is_wrong_with_one_of_its_options_is_wrong(tmp_path, option, wrong, said):
    record = told(tmp_path, *OPTIONS[option], **wrong)
    assert record.exit_code == EXIT_DIFFERS
    assert record.headline.startswith(said)
    assert "its default, nothing was found wrong." in record.notes[0]


TRUNCATED = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hid, detach=False):
        self.detach = detach
        self.U, self.W = np.random.randn(n_in, n_hid) * 0.3, np.random.randn(n_hid, n_hid) * 0.3
    def forward(self, x):
        self.x, self.h = x, [np.zeros((x.shape[1], len(self.W)))]
        for step in x:
            self.h.append(np.tanh(step @ self.U + self.h[-1] @ self.W))
        return np.array(self.h[1:])
    def backward(self, d):
        dU, dW, carried = 0 * self.U, 0 * self.W, 0
        for t in reversed(range(len(d))):
            dz = (d[t] + (0 if self.detach else carried)) * (1 - self.h[t + 1] ** 2)
            dU, dW, carried = dU + self.x[t].T @ dz, dW + self.h[t].T @ dz, dz @ self.W.T
        return dU, dW
"""


def test_an_option_that_changes_gradients_alone_may_be_meant_to(tmp_path):
    record = checked(tmp_path, TRUNCATED)
    assert record.exit_code == EXIT_CONFORMS
    assert "With detach=True its gradients are others: that was not judged." in record.notes


FUNCTIONS = """
import numpy as np
def forward(x, U, W, b, h0, act="tanh"):
    h = [h0]
    for step in x:
        z = step @ U + h[-1] @ W + b
        h.append(np.tanh(z) if act == "tanh" else np.maximum(z, 0))
    return np.array(h)
def backward(x, h, d, U, W{option}):
    dU, dW, db, carried = 0 * U, 0 * W, 0 * W[0], 0
    for t in reversed(range(len(x))):
        dz = (d[t] + carried) * {slope}
        dU, dW, db, carried = dU + x[t].T @ dz, dW + h[t].T @ dz, db + dz.sum(0), dz @ W.T
    return dU, dW, db
"""


@pytest.mark.parametrize("name", ["act", "slope_of"])
def test_functions_are_told_the_same_option_at_once_or_none_of_them(tmp_path, name):
    """A forward pass told act="relu" alone would make a right backward pass look wrong."""
    slope = f"((1 - h[t + 1] ** 2) if {name} == 'tanh' else (h[t + 1] > 0))"
    text = FUNCTIONS.format(option=f", {name}='tanh'", slope=slope)
    record = checked(tmp_path, text, names="forward,backward")
    assert record.verdict == "conforms"
    assert any("With act='relu' it agrees" in note for note in record.notes) == (name == "act")
