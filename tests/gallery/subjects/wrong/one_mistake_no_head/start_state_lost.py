import numpy as np


def cell(x, h, W, U, b):
    return np.tanh(W.dot(x) + U.dot(h) + b)


def run(xs, h0, W, U, b):
    """xs (T, n), h0 (m,) -> hs (T + 1, m) with h0 in front"""
    hs = [h0]
    for x in xs:
        hs.append(cell(x, hs[-1], W, U, b))
    return np.array(hs)


def backprop(dhs, xs, hs, W, U, b):
    """dhs (T, m) -> gradients of W, U, b, xs and h0"""
    gW, gU, gb = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    gx, gh0 = np.zeros_like(xs), np.zeros_like(hs[0])
    g = np.zeros_like(b)
    for t in range(len(xs) - 1, -1, -1):
        g = (g + dhs[t]) * (1 - hs[t + 1] ** 2)
        gW += np.outer(g, xs[t])
        gU += np.outer(g, hs[t])
        gb += g
        gx[t] = W.T.dot(g)
        g = U.T.dot(g)
    return gW, gU, gb, gx, gh0
