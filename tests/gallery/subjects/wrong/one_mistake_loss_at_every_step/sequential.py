import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out) * 0.1, np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW = np.tensordot(self.x, d, axes=([0, 1], [0, 1])) if d.ndim == 3 else self.x.T @ d
        self.db = d.sum(axis=tuple(range(d.ndim - 1)))
        return d @ self.W.T


class Recurrent:
    def __init__(self, n_in, n_units):
        self.Wx, self.Wh = np.random.randn(n_in, n_units) * 0.1, np.random.randn(n_units, n_units) * 0.1
        self.b = np.zeros(n_units)

    def forward(self, x):
        self.x, self.h = x, np.zeros((x.shape[0], x.shape[1] + 1, self.b.size))
        for t in range(x.shape[1]):
            self.h[:, t + 1] = np.tanh(x[:, t] @ self.Wx + self.h[:, t] @ self.Wh + self.b)
        return self.h[:, 1:]

    def backward(self, d):
        self.dWx, self.dWh, self.db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        dx, carry = np.zeros_like(self.x), np.zeros_like(self.h[:, 0])
        for t in range(d.shape[1] - 1, -1, -1):
            dz = d[:, t] * (1 - self.h[:, t + 1] ** 2) + carry
            self.dWx += self.x[:, t].T @ dz
            self.dWh += self.h[:, t].T @ dz
            self.db += dz.sum(0)
            dx[:, t] = dz @ self.Wx.T
            carry = dz @ self.Wh.T
        return dx


class Model:
    """Recurrent then Dense, many to many."""

    def __init__(self, n_in, n_units, n_out):
        self.layers = [Recurrent(n_in, n_units), Dense(n_units, n_out)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, d):
        for layer in reversed(self.layers):
            d = layer.backward(d)
        return d
