import numpy as np


def init(n_in, n_hid, n_out, seed=1):
    rng = np.random.RandomState(seed)
    return (rng.randn(n_hid, n_in) * .2, rng.randn(n_hid, n_hid) * .2, rng.randn(n_out, n_hid) * .2,
            np.zeros(n_hid), np.zeros(n_out))


def forward(weights, xs):
    Wx, Wh, Wy, bh, by = weights
    h = np.zeros(len(bh))
    hs = [h]
    for x in xs:
        h = np.tanh(Wx.dot(x) + Wh.dot(h) + bh)
        hs.append(h)
    return Wy.dot(h) + by, hs


def train_step(weights, xs, target, lr):
    """One step of gradient descent on ½|y − target|²; returns the new weights."""
    Wx, Wh, Wy, bh, by = weights
    y, hs = forward(weights, xs)
    e = y - target
    dWx, dWh, dbh = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(bh)
    dh = Wy.T.dot(e)
    for t in range(len(xs), 0, -1):
        da = dh * (1 - hs[t] ** 2)
        dWx += np.outer(da, xs[t - 1])
        dWh += np.outer(da, hs[t - 1])
        dbh += da
        dh = Wh.T.dot(da)
    return (Wx - lr * dWx, Wh - lr * dWh, Wy - lr * np.outer(e, hs[-1]), bh - lr * dbh, by - lr * e)
