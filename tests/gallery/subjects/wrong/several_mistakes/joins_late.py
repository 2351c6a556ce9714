import numpy as np


def forward(x, h0, p):
    """x: list of (I, 1)"""
    hs, ys = [h0], []
    for xt in x:
        hs.append(np.tanh(p["Wxh"] @ xt + p["Whh"] @ hs[-1] + p["bh"]))
        ys.append(p["Why"] @ hs[-1] + p["by"])
    return ys, hs


def backward(x, hs, dys, p):
    g = {k: np.zeros_like(v) for k, v in p.items()}
    delta = np.zeros_like(hs[0])
    for t in range(len(x))[::-1]:
        g["Why"] += dys[t] @ hs[t + 1].T
        g["by"] += dys[t]
        delta = (p["Why"].T @ dys[t]) * (1 - hs[t + 1] ** 2) + p["Whh"].T @ delta
        g["Wxh"] += delta @ x[t].T
        g["Whh"] += delta @ hs[-1].T
        g["bh"] += delta
    return g
