"""Code that computes in float32 is judged by float32's rounding, and a loss that comes first is called first."""

from pathlib import Path

import pytest

from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request
from conformance.record.check import CheckRecord

NET = """
import numpy as np
F = np.{dtype}
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.Wx = np.random.randn(n_in, n_hidden).astype(F)
        self.Wh = np.random.randn(n_hidden, n_hidden).astype(F)
        self.Wy = np.random.randn(n_hidden, n_out).astype(F)
        self.b, self.by = np.zeros(n_hidden, F), np.zeros(n_out, F)
    def forward(self, x):
        x = np.asarray(x, F)
        hs = np.zeros((x.shape[1] + 1, len(x), self.b.size), F)
        for t in range(x.shape[1]):
            hs[t + 1] = np.tanh(x[:, t] @ self.Wx + hs[t] @ self.Wh + self.b)
        self.saved = x, hs
        return hs[-1] @ self.Wy + self.by
    def loss(self, logits, labels):
        e = np.exp(logits - logits.max(1, keepdims=True))
        prob = e / e.sum(1, keepdims=True)
        self.dlogits = ((prob - np.eye(prob.shape[1])[labels]) / len(labels)).astype(F)
        return -np.log(prob[np.arange(len(labels)), labels]).mean()
    def backward(self):
        x, hs = self.saved
        g = {{"Wx": np.zeros_like(self.Wx), "Wh": np.zeros_like(self.Wh), "b": np.zeros_like(self.b)}}
        g["Wy"], g["by"] = hs[-1].T @ self.dlogits, self.dlogits.sum(0)
        dh = self.dlogits @ self.Wy.T
        for t in range(x.shape[1], 0, -1):
            dz = dh * (F(1) - hs[t] ** 2)
            g["Wx"] += x[:, t - 1].T @ dz
            g["Wh"] += hs[t - 1].T @ dz
            g["b"] += dz.sum(0)
            dh = dz @ {carry}
        return g
"""


@pytest.fixture
def check(tmp_path: Path):
    def checked(dtype: str, carry: str) -> CheckRecord:
        path = tmp_path / "network.py"
        path.write_text(NET.format(dtype=dtype, carry=carry), encoding="utf-8")
        target = f"{path}:Net"
        return checked_target(target, "", Request.on_the_command_line(target), lambda _: None)

    return checked


def test_right_code_in_float32_conforms_to_single_precision(check):
    record = check("float32", "self.Wh.T")
    assert record.verdict == "conforms"
    assert "to single precision" in record.headline


def test_right_code_in_float64_conforms_without_a_word_of_precision(check):
    record = check("float64", "self.Wh.T")
    assert record.verdict == "conforms"
    assert "precision" not in record.headline


def test_wrong_code_in_float32_has_a_right_forward_pass(check):
    record = check("float32", "self.Wh")
    assert (record.verdict, record.forward, record.backward) == ("differs", "agrees", "differs")


SMALL = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden):
        self.Wx = np.random.randn(n_in, n_hidden)
        self.Wh = np.random.randn(n_hidden, n_hidden)
        self.b = np.zeros(n_hidden)
    def forward(self, x):
        self.x, self.hs = x, [np.zeros((len(x), self.b.size))]
        for t in range(x.shape[1]):
            self.hs.append(np.tanh(x[:, t] @ self.Wx + self.hs[-1] @ self.Wh + self.b))
        return np.stack(self.hs[1:], axis=1)
    def backward(self, d_h):
        g, carry = {{"Wx": 0, "Wh": 0, "b": 0}}, 0
        for t in reversed(range(self.x.shape[1])):
            slope = {slope}
            dz = (d_h[:, t] + carry) * slope
            g["Wx"] = g["Wx"] + self.x[:, t].T @ dz
            g["Wh"] = g["Wh"] + self.hs[t].T @ dz
            g["b"] = g["b"] + dz.sum(0)
            carry = dz @ self.Wh.T
        return g
"""


@pytest.mark.parametrize(
    ("slope", "verdict"),
    [
        ("(1 - self.hs[t + 1] ** 2).astype(np.float32).astype(np.float64)", "conforms"),
        ("1 - self.hs[t + 1] ** 2 + 3e-7", "differs"),
        ("(1 - 1e-6) * (1 - self.hs[t + 1] ** 2)", "differs"),
    ],
)
def test_an_error_as_small_as_rounding_is_excused_if_it_is_rounding(tmp_path, slope, verdict):
    path = tmp_path / "network.py"
    path.write_text(SMALL.format(slope=slope), encoding="utf-8")
    record = checked_target(str(path), "", Request.on_the_command_line(str(path)), lambda _: None)
    assert (record.verdict, record.forward) == (verdict, "agrees")
