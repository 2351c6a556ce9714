import numpy as np


class Tagger:
    """One label per step; squared error at every step."""

    def __init__(self, d, h, k):
        self.P = np.random.randn(d, h) / d
        self.Q = np.random.randn(h, h) / h
        self.R = np.random.randn(h, k) / h
        self.p = np.zeros((1, h))
        self.r = np.zeros((1, k))

    def forward(self, xs):
        # xs: list of (batch, d)
        s = np.zeros((xs[0].shape[0], self.p.shape[1]))
        self.xs, self.ss, self.ys = xs, [s], []
        for x in xs:
            s = np.tanh(x.dot(self.P) + s.dot(self.Q) + self.p)
            self.ss.append(s)
            self.ys.append(s.dot(self.R) + self.r)
        return self.ys

    def backward(self, targets):
        T = len(targets)
        errors = [y - t for y, t in zip(self.ys, targets)]
        self.gR = sum(s.T.dot(e) for s, e in zip(self.ss[1:], errors))
        self.gr = sum(e.sum(axis=0, keepdims=True) for e in errors)
        self.gP, self.gQ, self.gp = np.zeros_like(self.P), np.zeros_like(self.Q), np.zeros_like(self.p)
        ds = errors[-1].dot(self.R.T)
        for t in range(T - 1, -1, -1):
            dz = ds * (1 - self.ss[t + 1] ** 2)
            self.gP += self.xs[t].T.dot(dz)
            self.gQ += self.ss[t].T.dot(dz)
            self.gp += dz.sum(axis=0, keepdims=True)
            ds = dz.dot(self.Q.T)
