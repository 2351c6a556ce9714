import numpy as np


class RNN:
    def __init__(self, input_dim, hidden_dim, output_dim):
        self.Wxh = np.random.randn(input_dim, hidden_dim) * 0.1
        self.Whh = np.random.randn(hidden_dim, hidden_dim) * 0.1
        self.Why = np.random.randn(hidden_dim, output_dim) * 0.1
        self.bh = np.zeros((1, hidden_dim))
        self.by = np.zeros((1, output_dim))

    def forward(self, x):
        # x (batch, time, input_dim)
        self.x = x
        self.h = {-1: np.zeros((x.shape[0], self.Whh.shape[0]))}
        for t in range(x.shape[1]):
            self.h[t] = np.tanh(x[:, t] @ self.Wxh + self.h[t - 1] @ self.Whh + self.bh)
        return self.h[x.shape[1] - 1] @ self.Why + self.by

    def backward(self, dy, lr):
        T = self.x.shape[1]
        dWxh, dWhh, dWhy = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.Why)
        dbh, dby = np.zeros_like(self.bh), np.zeros_like(self.by)
        dh = dy @ self.Why.T
        for t in range(T - 1, -1, -1):
            dWhy += self.h[T - 1].T @ dy
            dby += dy.sum(axis=0, keepdims=True)
            da = dh * (1 - self.h[t] ** 2)
            dWxh += self.x[:, t].T @ da
            dWhh += self.h[t].T @ da
            dbh += da.sum(axis=0, keepdims=True)
            dh = da @ self.Whh.T
        for w, d in ((self.Wxh, dWxh), (self.Whh, dWhh), (self.Why, dWhy), (self.bh, dbh), (self.by, dby)):
            w -= lr * d
