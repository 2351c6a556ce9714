"""A network that takes an initial state is mended with one: what is wrong with its gradient is seen by nothing else."""

from conformance import check

SOURCE = """
import numpy as np


def forward(x, h0, Wx, Wh, b):
    h, kept = h0, []
    out = np.zeros((x.shape[0], x.shape[1], len(b)))
    for t in range(x.shape[1]):
        before, h = h, np.tanh(x[:, t] @ Wx + h @ Wh + b)
        out[:, t] = h
        kept.append((x[:, t], before, h, Wx, Wh))
    return out, kept


def backward(dout, kept):
    _, _, _, Wx, Wh = kept[0]
    dx, dh = np.zeros((len(dout), len(kept), len(Wx))), np.zeros_like(dout[:, 0])
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(len(Wh))
    for t in reversed(range(len(kept))):
        x, before, h, _, _ = kept[t]
        d = dout[:, t] + dh
        da = d * (1 - h ** 2)
        dx[:, t] = da @ Wx.T
        dWx += x.T @ da
        dWh += before.T @ da
        db += d.sum(axis=0)
        dh = da @ Wh.T
    dh0 = d
    return dx, dh0, dWx, dWh, db
"""


def test_the_gradient_of_an_initial_state_is_mended(tmp_path):
    path = tmp_path / "network.py"
    path.write_text(SOURCE, encoding="utf-8")
    record = check(f"{path}:forward,backward", mend=True).record
    assert record.exit_code == 1
    assert [(fix.before, fix.after) for fix in record.fixes] == [
        (["        db += d.sum(axis=0)"], ["        db += da.sum(axis=0)"]),
        (["    dh0 = d"], ["    dh0 = dh"]),
    ]
