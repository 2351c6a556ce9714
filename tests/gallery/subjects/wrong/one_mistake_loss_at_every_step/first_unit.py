import numpy as np


class CharRNN:
    def __init__(self, vocab, units):
        self.vocab, self.units = vocab, units
        self.Wxh = np.random.randn(units, vocab) * 0.1
        self.Whh = np.random.randn(units, units) * 0.1
        self.Why = np.random.randn(vocab, units) * 0.1
        self.bh = np.zeros((units, 1))
        self.by = np.zeros((vocab, 1))

    def forward(self, inputs, h=None):
        """inputs: list of one-hot columns; returns the list of distributions"""
        self.inputs = inputs
        self.h = [np.zeros((self.units, 1)) if h is None else h]
        self.p = []
        for x in inputs:
            self.h.append(np.tanh(self.Wxh @ x + self.Whh @ self.h[-1] + self.bh))
            logit = self.Why @ self.h[-1] + self.by
            p = np.exp(logit - logit.max())
            self.p.append(p / p.sum())
        return self.p

    def backward(self, targets):
        """targets: list of one-hot columns; cross-entropy"""
        self.dWxh, self.dWhh, self.dWhy = 0 * self.Wxh, 0 * self.Whh, 0 * self.Why
        self.dbh, self.dby = 0 * self.bh, 0 * self.by
        dhn = np.zeros((self.units, 1))
        for t in reversed(range(len(targets))):
            dy = self.p[t] - targets[t]
            self.dWhy += dy @ self.h[t + 1].T
            self.dby += dy
            dh = self.Why.T @ dy + dhn
            dt = (1 - self.h[t + 1][0] ** 2) * dh
            self.dWxh += dt @ self.inputs[t].T
            self.dWhh += dt @ self.h[t].T
            self.dbh += dt
            dhn = self.Whh.T @ dt
