"""Firing rates, tau dx/dt = -x + J tanh(x) + B u + c, in Euler steps; gradients by the adjoint."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rates:
    J: np.ndarray
    B: np.ndarray
    c: np.ndarray
    W: np.ndarray
    share: float = 0.2  # dt / tau

    @classmethod
    def random(cls, n, n_in, n_out, seed=0):
        r = np.random.default_rng(seed).normal
        return cls(J=r(size=(n, n)) / n ** 0.5, B=r(size=(n, n_in)), c=np.zeros(n), W=r(size=(n_out, n)) / n ** 0.5)


@dataclass
class Path:
    x: np.ndarray
    r: np.ndarray
    z: np.ndarray


def simulate(net, u, x0=None):
    """u: (time, trials, inputs)"""
    x = np.zeros((len(u) + 1, u.shape[1], len(net.c)))
    x[0] = 0 if x0 is None else x0
    for t in range(len(u)):
        drive = np.tanh(x[t]) @ net.J.T + u[t] @ net.B.T + net.c
        x[t + 1] = (1 - net.share) * x[t] + net.share * drive
    r = np.tanh(x)
    return Path(x=x, r=r, z=r[1:] @ net.W.T)


def adjoint(net, u, path, target):
    """gradient of half the squared error"""
    off, a = path.z - target, net.share
    g = {"J": np.zeros_like(net.J), "B": np.zeros_like(net.B), "c": np.zeros_like(net.c)}
    g["W"] = np.einsum("tbo,tbn->on", off, path.r[1:])
    lam = np.zeros_like(path.x[0])
    for t in reversed(range(len(u))):
        lam = lam + (off[t] @ net.W) * (1 - path.r[t + 1] ** 2)
        g["J"] += a * lam.T @ path.r[t]
        g["B"] += a * lam.T @ u[t]
        g["c"] += a * lam.sum(0)
        lam = (1 - a) * lam + a * (lam @ net.J) * (1 - path.r[t] ** 2)
    return g
