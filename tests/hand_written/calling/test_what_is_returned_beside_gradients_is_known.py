"""What a backward pass returns beside right gradients is a gradient too, or the check is undecided."""

from pathlib import Path

import pytest
from support.small_networks import checked

LAYER = """
import numpy as np


class Net:
    def __init__(self, n_in, n):
        self.Wx, self.Wh, self.b = np.random.randn(n_in, n) * 0.4, np.random.randn(n, n) * 0.4, np.zeros(n)

    def forward(self, xs, h):
        self.xs, self.hs = xs, [h]
        for x in xs:
            self.hs.append(np.tanh(x @ self.Wx + self.hs[-1] @ self.Wh + self.b))
        return np.array(self.hs[1:])

    def backward(self, dhs):
        gWx, gWh, gb, below, carry = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b), [], 0
        for t in reversed(range(len(dhs))):
            whole = dhs[t] + carry
            da = whole * (1 - self.hs[t + 1] ** 2)
            gWx, gWh, gb = gWx + self.xs[t].T @ da, gWh + self.hs[t].T @ da, gb + da.sum(0)
            below.insert(0, {below})
            carry = da @ self.Wh.T
        return gWx, gWh, gb, {more}
"""


@pytest.mark.parametrize(
    ("below", "more", "place", "verdict"),
    [
        ("da @ self.Wx.T", "np.array(below)", "", "conforms"),
        ("da @ self.Wx.T", "(np.array(below), carry)", "", "conforms"),
        ("da @ self.Wx.T", "np.array(below) / 3", "dL/dx", "undecided"),
        ("da @ self.Wx.T", "2 * carry", "dL/dh_0", "undecided"),
        ("whole @ self.Wx.T", "np.array(below)", "dL/dx", "undecided"),
        ("da @ self.Wx.T", "[da]", "dL/dh_0", "undecided"),
        ("da @ self.Wx.T", "(np.array(below), whole)", "dL/dh_0", "undecided"),
    ],
)
def test_an_array_in_the_place_of_a_gradient_is_that_gradient(
    tmp_path: Path, below: str, more: str, place: str, verdict: str
) -> None:
    record = checked(tmp_path, LAYER.format(below=below, more=more))
    assert record.verdict == verdict, record.headline
    assert (f"has the shape of {place} and is not that" in record.denied) is (verdict == "undecided")


LEAKY = """
import numpy as np


class Leaky:
    def __init__(self, n_in, n):
        self.W, self.R, self.q = np.random.randn(n_in, n) * 0.4, np.random.randn(n, n) * 0.4, np.full(n, 0.7)

    def forward(self, xs{start}):
        h = {first}
        self.xs, self.hs, self.us = xs, [h], []
        for x in xs:
            self.us.append(np.tanh(x @ self.W + h @ self.R))
            h = h + np.exp(-self.q**2) * (self.us[-1] - h)
            self.hs.append(h)
        return np.array(self.hs[1:])

    def backward(self, dhs):
        gW, gR, gq, below, carry = np.zeros_like(self.W), np.zeros_like(self.R), np.zeros_like(self.q), [], 0
        a = np.exp(-self.q**2)
        for t in reversed(range(len(dhs))):
            whole = dhs[t] + carry
            gq += (whole * (self.us[t] - self.hs[t]) * a * -2 * self.q).sum(0)
            da = whole * a * (1 - self.us[t] ** 2)
            gW, gR = gW + self.xs[t].T @ da, gR + self.hs[t].T @ da
            below.insert(0, {below})
            carry = whole * (1 - a) + da @ self.R.T
        return gW, gR, gq, np.array(below), {more}
"""

FROM_ZEROS = ("", "np.zeros((xs.shape[1], len(self.q)))")
FROM_H_0 = (", h_0=None", "np.zeros((xs.shape[1], len(self.q))) if h_0 is None else h_0")


@pytest.mark.parametrize(
    ("start", "below", "more", "place", "told"),
    [
        (FROM_H_0, "da @ self.W.T", "carry", "", 0),
        (FROM_H_0, "da @ self.W.T", "2 * carry", "dL/dh_0", 0),
        (FROM_H_0, "whole @ self.W.T", "carry", "dL/dx", 0),
        (FROM_H_0, "da @ self.W.T", "da @ self.R.T", "dL/dh_0", 0),
        (FROM_ZEROS, "da @ self.W.T", "da @ self.R.T", "", 1),
    ],
)
def test_another_network_returns_the_gradients_of_its_own_inputs(
    tmp_path: Path, start: tuple[str, str], below: str, more: str, place: str, told: int
) -> None:
    code = LEAKY.format(start=start[0], first=start[1], below=below, more=more)
    record = checked(tmp_path, code, "Leaky")
    assert record.verdict == "another-network", record.headline
    assert record.consistency is not None
    assert record.exit_code == (5 if place else 0), record.headline
    assert (f"has the shape of {place} and is not that" in record.headline) is bool(place)
    assert sum("may be the gradient of an initial state" in note for note in record.notes) == told


def test_a_state_that_another_network_returns_with_its_gradients_is_no_gradient(tmp_path: Path) -> None:
    text = LEAKY.format(start="", first=FROM_ZEROS[1], below="da @ self.W.T", more="self.hs[-1]")
    record = checked(tmp_path, text, "Leaky")
    assert (record.verdict, record.exit_code) == ("another-network", 0), record.headline
    assert not any("may be the gradient of an initial state" in note for note in record.notes)
