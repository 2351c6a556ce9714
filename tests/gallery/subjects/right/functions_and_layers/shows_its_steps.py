"""Returns what reached every state beside the gradients, to plot how it fades."""
import numpy as np


def init(d, h, o):
    r = np.random.randn
    return dict(Wx=r(d, h), Wh=r(h, h), b=np.zeros(h), Wo=r(h, o), bo=np.zeros(o))


def forward(p, x):
    """x (T, N, D)"""
    h = np.zeros((len(x) + 1, x.shape[1], p["Wh"].shape[0]))
    for t in range(len(x)):
        h[t + 1] = np.tanh(x[t] @ p["Wx"] + h[t] @ p["Wh"] + p["b"])
    return h[1:] @ p["Wo"] + p["bo"], h


def backward(p, x, h, dout):
    g = {k: np.zeros_like(v) for k, v in p.items()}
    fading, carry = [], 0
    for t in range(len(x) - 1, -1, -1):
        dh = dout[t] @ p["Wo"].T + carry
        fading.append(dh)
        da = dh * (1 - h[t + 1] ** 2)
        g["Wx"] += x[t].T @ da
        g["Wh"] += h[t].T @ da
        g["b"] += da.sum(0)
        carry = da @ p["Wh"].T
    g["Wo"] = np.einsum("tnh,tno->ho", h[1:], dout)
    g["bo"] = dout.sum((0, 1))
    return g, fading
