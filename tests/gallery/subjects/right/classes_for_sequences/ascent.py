import numpy as np


class Rnn:
    """Deltas are directions of ascent: target minus output, and weights are added to."""

    def __init__(self, n_in, n_hidden, n_out):
        self.w_xh = np.random.randn(n_hidden, n_in) * 0.2
        self.w_hh = np.random.randn(n_hidden, n_hidden) * 0.2
        self.w_hy = np.random.randn(n_out, n_hidden) * 0.2
        self.b_h = np.zeros(n_hidden)
        self.b_y = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        self.h = [np.zeros(self.b_h.size)]
        self.y = []
        for v in x:
            self.h.append(np.tanh(self.w_xh.dot(v) + self.w_hh.dot(self.h[-1]) + self.b_h))
            self.y.append(self.w_hy.dot(self.h[-1]) + self.b_y)
        return np.array(self.y)

    def error(self, target):
        return 0.5 * np.sum((np.array(self.y) - target) ** 2)

    def deltas(self, target):
        d_xh, d_hh, d_hy = np.zeros_like(self.w_xh), np.zeros_like(self.w_hh), np.zeros_like(self.w_hy)
        d_bh, d_by = np.zeros_like(self.b_h), np.zeros_like(self.b_y)
        back = np.zeros_like(self.b_h)
        for t in range(len(target) - 1, -1, -1):
            err = target[t] - self.y[t]
            d_hy += np.outer(err, self.h[t + 1])
            d_by += err
            delta = (self.w_hy.T.dot(err) + back) * (1 - self.h[t + 1] ** 2)
            d_xh += np.outer(delta, self.x[t])
            d_hh += np.outer(delta, self.h[t])
            d_bh += delta
            back = self.w_hh.T.dot(delta)
        return d_xh, d_hh, d_hy, d_bh, d_by

    def learn(self, target, rate=0.05):
        for w, d in zip((self.w_xh, self.w_hh, self.w_hy, self.b_h, self.b_y), self.deltas(target)):
            w += rate * d
