"""A forward pass that takes the targets and computes the loss: what the loss is of is found out there as well."""

import pytest
from support.small_networks import checked

NETWORK = """
import numpy as np
def forward(x, y, h0, params):
    U, W, V, b, c = params["U"], params["W"], params["V"], params["b"], params["c"]
    h, ps, loss = [h0], [], 0.0
    for t in range(x.shape[1]):
        h.append(np.tanh(W @ h[-1] + U @ x[:, t:t + 1] + b))
        o = V @ h[-1] + c
        ps.append({p})
        loss += {loss}
    return loss, (x, y, h, ps)
def backward(cache, params):
    x, y, h, ps = cache
    W, V = params["W"], params["V"]
    g = {{"U": 0 * params["U"], "W": 0 * W, "V": 0 * V, "b": 0 * params["b"], "c": 0 * params["c"]}}
    n = np.zeros_like(h[0])
    for t in reversed(range(x.shape[1])):
        do = {do}
        g["V"], g["c"] = g["V"] + do @ h[t + 1].T, g["c"] + do
        da = (V.T @ do + n) * (1 - h[t + 1] ** 2)
        g["W"], g["U"], g["b"] = g["W"] + da @ h[t].T, g["U"] + da @ x[:, t:t + 1].T, g["b"] + da
        n = {back}
    return g
"""

E = "(ps[t] - y[:, t:t + 1])"
LOSSES = {
    "squared error": ("o", "0.5 * ((o - y[:, t:t + 1]) ** 2).sum()", E),
    "cross-entropy": ("np.exp(o) / np.exp(o).sum()", "-np.log((y[:, t:t + 1] * ps[-1]).sum())", E),
    "binary cross-entropy": ("1 / (1 + np.exp(-o))", "0.0", E),
    "squared error of sigmoid": ("1 / (1 + np.exp(-o))", "0.0", f"{E} * ps[t] * (1 - ps[t])"),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("back", "verdict"), [("W.T @ da", "conforms"), ("W @ da", "differs")])
def test_targets_fit_what_the_loss_is_of(tmp_path, loss, back, verdict):
    p, number, do = LOSSES[loss]
    record = checked(tmp_path, NETWORK.format(p=p, loss=number, do=do, back=back), names="forward,backward")
    assert record.verdict == verdict, record.headline
    if verdict == "differs":
        assert [fault.id for fault in record.diagnosis.faults] == ["carry-not-transposed"]
