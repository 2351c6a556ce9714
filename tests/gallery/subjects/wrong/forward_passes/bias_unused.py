import numpy as np


class SimpleRNN:
    """many to many, batch of columns: x (T, input, batch)"""

    def __init__(self, n_input, n_hidden, n_output):
        self.Wxh = np.random.randn(n_hidden, n_input) * 0.1
        self.Whh = np.random.randn(n_hidden, n_hidden) * 0.1
        self.Why = np.random.randn(n_output, n_hidden) * 0.1
        self.bh = np.random.randn(n_hidden, 1) * 0.1
        self.by = np.random.randn(n_output, 1) * 0.1

    def forward(self, x):
        self.x = x
        T, _, B = x.shape
        self.h = np.zeros((T + 1, self.Whh.shape[0], B))
        y = []
        for t in range(T):
            self.h[t + 1] = np.tanh(self.Wxh @ x[t] + self.Whh @ self.h[t])
            y.append(self.Why @ self.h[t + 1] + self.by)
        return np.stack(y)

    def backward(self, dy):
        self.dWxh, self.dWhh, self.dWhy = 0 * self.Wxh, 0 * self.Whh, 0 * self.Why
        self.dbh, self.dby = 0 * self.bh, 0 * self.by
        dh = np.zeros_like(self.h[0])
        for t in range(len(dy) - 1, -1, -1):
            self.dWhy += dy[t] @ self.h[t + 1].T
            self.dby += dy[t].sum(1, keepdims=True)
            dh = dh + self.Why.T @ dy[t]
            da = dh * (1 - self.h[t + 1] ** 2)
            self.dWxh += da @ self.x[t].T
            self.dWhh += da @ self.h[t].T
            self.dbh += da.sum(1, keepdims=True)
            dh = self.Whh.T @ da
