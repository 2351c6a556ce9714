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
        ("da @ self.Wx.T", "np.array(below) / 3", "", "conforms"),
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
