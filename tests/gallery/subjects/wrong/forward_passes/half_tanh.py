import numpy as np


def act(z):
    """squashes to (-1, 1)"""
    return 2.0 / (1.0 + np.exp(-z)) - 1.0


class RNN:
    def __init__(self, nin, nhid, nout):
        self.wi = np.random.randn(nhid, nin) * 0.2
        self.wh = np.random.randn(nhid, nhid) * 0.2
        self.wo = np.random.randn(nout, nhid) * 0.2
        self.bi = np.zeros((nhid, 1))
        self.bo = np.zeros((nout, 1))

    def forward(self, X):
        self.X, self.H = X, {-1: np.zeros_like(self.bi)}
        for t in range(len(X)):
            self.H[t] = act(self.wi @ X[t] + self.wh @ self.H[t - 1] + self.bi)
        self.out = self.wo @ self.H[len(X) - 1] + self.bo
        return self.out

    def backward(self, target):
        d = self.out - target
        gwo, gbo = d @ self.H[len(self.X) - 1].T, d
        gwi, gwh, gbi = np.zeros_like(self.wi), np.zeros_like(self.wh), np.zeros_like(self.bi)
        dh = self.wo.T @ d
        for t in reversed(range(len(self.X))):
            dz = dh * (1 - self.H[t] ** 2)
            gwi += dz @ self.X[t].T
            gwh += dz @ self.H[t - 1].T
            gbi += dz
            dh = self.wh.T @ dz
        return gwi, gwh, gwo, gbi, gbo
