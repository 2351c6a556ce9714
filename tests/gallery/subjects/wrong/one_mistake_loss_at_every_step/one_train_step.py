import numpy as np


class OnlineRNN:

    def __init__(self, nx, nh, ny, lr=0.01):
        self.lr = lr
        self.Wxh = np.random.randn(nh, nx) * 0.1
        self.Whh = np.random.randn(nh, nh) * 0.1
        self.Why = np.random.randn(ny, nh) * 0.1
        self.bh = np.zeros(nh)
        self.by = np.zeros(ny)

    def train_step(self, xs, ts):
        """forward, backward and update in one go; xs (T, nx), ts (T, ny). Returns the loss before the update."""
        T = len(xs)
        hs = np.zeros((T + 1, len(self.bh)))
        ys = np.zeros((T, len(self.by)))
        for t in range(T):
            hs[t] = np.tanh(self.Wxh @ xs[t] + self.Whh @ hs[t - 1] + self.bh)
            ys[t] = self.Why @ hs[t] + self.by
        err = ys - ts
        loss = 0.5 * np.sum(err ** 2)
        dWhy, dby = err.T @ hs[:T], err.sum(axis=0)
        dWxh, dWhh, dbh = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.bh)
        dh = np.zeros_like(self.bh)
        for t in reversed(range(T)):
            dh = (self.Why.T @ err[t] + dh) * (1 - np.tanh(hs[t]) ** 2)
            dWxh += np.outer(dh, xs[t])
            dWhh += np.outer(dh, hs[t - 1])
            dbh += dh
            dh = self.Whh.T @ dh
        for p, d in zip([self.Wxh, self.Whh, self.Why, self.bh, self.by], [dWxh, dWhh, dWhy, dbh, dby]):
            p -= self.lr * d
        return loss

    def predict(self, xs):
        h, ys = np.zeros_like(self.bh), []
        for x in xs:
            h = np.tanh(self.Wxh @ x + self.Whh @ h + self.bh)
            ys.append(self.Why @ h + self.by)
        return np.array(ys)
