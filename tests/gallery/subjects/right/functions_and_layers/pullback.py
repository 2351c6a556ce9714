"""Everything returns its value and the way back, as in other languages."""
from collections import namedtuple

import numpy as np

Params = namedtuple("Params", "Wx Wh b V c")


def init(n_in, n_hid, n_out):
    r = np.random.randn
    return Params(r(n_hid, n_in), r(n_hid, n_hid), np.zeros((n_hid, 1)), r(n_out, n_hid), np.zeros((n_out, 1)))


def cell(ps, h, x):
    new = np.tanh(ps.Wx @ x + ps.Wh @ h + ps.b)

    def back(d):
        da = d * (1 - new * new)
        return Params(da @ x.T, da @ h.T, da.sum(1, keepdims=True), 0, 0), ps.Wh.T @ da

    return new, back


def dense(ps, h):
    def back(d):
        return Params(0, 0, 0, d @ h.T, d.sum(1, keepdims=True)), ps.V.T @ d

    return ps.V @ h + ps.c, back


def add(a, b):
    return Params(*(p + q for p, q in zip(a, b)))


def rnn_pullback(ps, xs):
    """xs: list of (features, batch). Returns the outputs and what takes their gradients back."""
    h, ys, tape = np.zeros((len(ps.b), xs[0].shape[1])), [], []
    for x in xs:
        h, back_cell = cell(ps, h, x)
        y, back_dense = dense(ps, h)
        ys.append(y)
        tape.append((back_cell, back_dense))

    def back(dys):
        total, dh = Params(0, 0, 0, 0, 0), 0
        for (back_cell, back_dense), dy in zip(reversed(tape), reversed(dys)):
            of_dense, d = back_dense(dy)
            of_cell, dh = back_cell(d + dh)
            total = add(total, add(of_dense, of_cell))
        return total

    return ys, back


def train(ps, xs, ts, eta=0.01, n=200):
    for _ in range(n):
        ys, back = rnn_pullback(ps, xs)
        grads = back([y - t for y, t in zip(ys, ts)])
        ps = Params(*(p - eta * g for p, g in zip(ps, grads)))
    return ps
