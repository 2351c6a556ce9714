"""GRU on a dict of nine arrays."""
import numpy as np


def sig(a):
    return 1 / (1 + np.exp(-a))


def gru(x, h0, params):
    """x (T, D); params: Wz Uz bz Wr Ur br Wn Un bn"""
    p, h, hs, tape = params, h0, [], []
    for row in x:
        z = sig(p["Wz"] @ row + p["Uz"] @ h + p["bz"])
        r = sig(p["Wr"] @ row + p["Ur"] @ h + p["br"])
        n = np.tanh(p["Wn"] @ row + p["Un"] @ (r * h) + p["bn"])
        tape.append((row, h, z, r, n))
        h = (1 - z) * h + z * n
        hs.append(h)
    return np.stack(hs), tape


def gru_backward(dhs, tape, params):
    p, g, dh = params, {k: np.zeros_like(v) for k, v in params.items()}, 0
    for (row, h, z, r, n), d in zip(tape[::-1], dhs[::-1]):
        dh = dh + d
        dz, dn = dh * (n - h) * z * (1 - z), dh * z * (1 - n * n)
        through = p["Un"].T @ dn
        dr = through * h * r * (1 - r)
        for gate, da, before in (("z", dz, h), ("r", dr, h), ("n", dn, r * h)):
            g["W" + gate] += np.outer(da, row)
            g["U" + gate] += np.outer(da, before)
            g["b" + gate] += da
        dh = dh * (1 - z) + through * r + p["Uz"].T @ dz + p["Ur"].T @ dr
    return g
