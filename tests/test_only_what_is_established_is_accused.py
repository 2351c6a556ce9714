"""A hand-written network is accused only where the way of calling it is established, and cleared only where it ran."""

from pathlib import Path

import pytest

from conformance.checking.answers import Asked
from conformance.checking.target import checked_target
from conformance.record.check import CheckRecord

NET = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.Wx, self.Wh = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.Wy, self.bh, self.by = np.random.randn(n_out, n_hidden), np.zeros(n_hidden), np.zeros(n_out)
"""

RUNS_ITS_OWN_FORWARD = (
    NET
    + """
    def forward(self, xs, h0):
        hs = [h0]
        for x in xs:
            hs.append(np.tanh(self.Wx @ x + self.Wh @ hs[-1] + self.bh))
        return np.array(hs[1:]) @ self.Wy.T + self.by, np.array(hs)
    def loss_and_gradients(self, xs, targets):
        ys, hs = self.forward(xs, np.zeros(len(self.bh)))
        dys = ys - targets
        dWx, dWh, dbh, carried = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.bh), 0
        for t in reversed(range(len(xs))):
            da = (self.Wy.T @ dys[t] + carried) * (1 - hs[t + 1] ** 2)
            dWx += np.outer(da, xs[t])
            dWh += np.outer(da, hs[t])
            dbh += da
            carried = self.Wh.T @ da
        return 0.5 * (dys**2).sum(), {"Wx": dWx, "Wh": dWh, "bh": dbh, "Wy": dys.T @ hs[1:], "by": dys.sum(0)}
"""
)


@pytest.fixture
def check(tmp_path: Path):
    def checked(text: str) -> CheckRecord:
        path = tmp_path / "network.py"
        path.write_text(text, encoding="utf-8")
        target = f"{path}:Net"
        return checked_target(target, "", Asked.on_the_command_line(target), lambda _: None)

    return checked


def test_a_backward_pass_that_runs_a_forward_pass_of_its_own_is_not_judged_from_another_start(check):
    record = check(RUNS_ITS_OWN_FORWARD)
    assert record.verdict == "conforms"
    start = next(part for part in record.parts if part.id == "initial-state")
    assert start.holds is None
    assert "handed neither h_0" in start.sentence


def test_a_backward_pass_that_gets_the_states_is_judged_from_another_start(check):

    text = RUNS_ITS_OWN_FORWARD.replace(
        "def loss_and_gradients(self, xs, targets):\n        ys, hs = self.forward(xs, np.zeros(len(self.bh)))\n"
        "        dys = ys - targets",
        "def backward(self, xs, dys, hs):",
    ).replace("return 0.5 * (dys**2).sum(), ", "return ")
    record = check(text)
    assert record.verdict == "conforms"
    assert next(part for part in record.parts if part.id == "initial-state").holds
