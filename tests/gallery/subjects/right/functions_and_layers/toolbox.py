"""Port of an old toolbox: one structure goes through everything, sizes, weights, activations and gradients alike."""
from types import SimpleNamespace

import numpy as np


def netsetup(n_in, n_rec, n_out):
    net = SimpleNamespace(size=(n_in, n_rec, n_out), rate=0.1)
    net.W = SimpleNamespace(
        rec=np.random.rand(n_rec, 1 + n_rec + n_in) - 0.5,  # bias, recurrent, input
        out=np.random.rand(n_out, 1 + n_rec) - 0.5,
    )
    net.G = SimpleNamespace(rec=None, out=None)
    return net


def netff(net, X, Y):
    """X: inputs x time, Y: outputs x time"""
    n_in, n_rec, n_out = net.size
    steps = X.shape[1]
    net.seen = np.ones((1 + n_rec + n_in, steps))
    net.act = np.zeros((n_rec, steps))
    for t in range(steps):
        net.seen[1:1 + n_rec, t] = net.act[:, t - 1] if t else 0
        net.seen[1 + n_rec:, t] = X[:, t]
        net.act[:, t] = np.tanh(net.W.rec @ net.seen[:, t])
    net.out = net.W.out[:, :1] + net.W.out[:, 1:] @ net.act
    net.err = Y - net.out
    return net


def netbp(net):
    n_in, n_rec, n_out = net.size
    steps = net.act.shape[1]
    delta = np.zeros((n_rec, steps))
    into = -net.W.out[:, 1:].T @ net.err
    for t in reversed(range(steps)):
        if t + 1 < steps:
            into[:, t] += net.W.rec[:, 1:1 + n_rec].T @ delta[:, t + 1]
        delta[:, t] = into[:, t] * (1 - net.act[:, t] ** 2)
    net.G.rec = delta @ net.seen.T
    net.G.out = -net.err @ np.vstack((np.ones(steps), net.act)).T
    return net


def netapply(net):
    net.W.rec = net.W.rec - net.rate * net.G.rec
    net.W.out = net.W.out - net.rate * net.G.out
    return net
