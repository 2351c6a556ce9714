import numpy as np


class RNN:
    """Classifies sequences one by one."""

    def __init__(self, n_in, n_hidden, n_classes):
        self.Wxh = np.random.randn(n_hidden, n_in) * 0.1
        self.Whh = np.random.randn(n_hidden, n_hidden) * 0.1
        self.Why = np.random.randn(n_classes, n_hidden) * 0.1
        self.bh = np.zeros((n_hidden, 1))
        self.by = np.zeros((n_classes, 1))
        self.h = np.zeros((n_hidden, 1))

    def forward(self, x):
        self.x = [np.reshape(v, (-1, 1)) for v in x]
        self.hs = {-1: self.h}
        for t in range(len(self.x)):
            self.h = np.tanh(self.Wxh @ self.x[t] + self.Whh @ self.h + self.bh)
            self.hs[t] = self.h
        out = self.Why @ self.h + self.by
        e = np.exp(out - np.max(out))
        self.p = e / np.sum(e)
        return self.p

    def backward(self, label):
        d = self.p.copy()
        d[label] -= 1
        n = len(self.x)
        self.dWhy, self.dby = d @ self.hs[n - 1].T, d
        self.dWxh, self.dWhh, self.dbh = 0, 0, 0
        dh = self.Why.T @ d
        for t in reversed(range(n)):
            da = dh * (1 - self.hs[t] ** 2)
            self.dWxh = self.dWxh + da @ self.x[t].T
            self.dWhh = self.dWhh + da @ self.hs[t - 1].T
            self.dbh = self.dbh + da
            dh = self.Whh.T @ da
