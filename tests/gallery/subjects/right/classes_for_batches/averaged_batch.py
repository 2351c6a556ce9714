import numpy as np


class RNN:
    """x: (batch, time, n_in). Everything that backward returns is averaged over the batch."""

    def __init__(self, n_in, n_h, n_out):
        self.Wxh = np.random.randn(n_in, n_h) / np.sqrt(n_in)
        self.Whh = np.random.randn(n_h, n_h) / np.sqrt(n_h)
        self.Why = np.random.randn(n_h, n_out) / np.sqrt(n_h)
        self.bh = np.zeros(n_h)
        self.by = np.zeros(n_out)

    def forward(self, x):
        hs = [np.zeros((x.shape[0], self.bh.size))]
        for t in range(x.shape[1]):
            hs.append(np.tanh(x[:, t] @ self.Wxh + hs[-1] @ self.Whh + self.bh))
        self.memo = (x, hs)
        return hs[-1] @ self.Why + self.by

    def backward(self, dy):
        x, hs = self.memo
        B = x.shape[0]
        grads = {'Why': hs[-1].T @ dy / B, 'by': dy.mean(axis=0)}
        dWxh, dWhh, dbh = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.bh)
        dh = dy @ self.Why.T
        for t in reversed(range(x.shape[1])):
            dz = dh * (1 - hs[t + 1] ** 2)
            dWxh += x[:, t].T @ dz / B
            dWhh += hs[t].T @ dz / B
            dbh += dz.mean(axis=0)
            dh = dz @ self.Whh.T
        grads.update(Wxh=dWxh, Whh=dWhh, bh=dbh)
        return grads
