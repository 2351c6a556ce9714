import numpy as np


class RNN:
    def __init__(self, n_in, n_units):
        self.w = np.random.randn(n_in, n_units) * 0.1
        self.u = np.random.randn(n_units, n_units) * 0.1
        self.b = np.zeros((1, n_units))

    def forward(self, x):
        """x: (batch, steps, n_in)"""
        self.x = x
        self.h = [np.zeros((x.shape[0], self.b.shape[1]))]
        for t in range(x.shape[1]):
            self.h.append(np.tanh(x[:, t].dot(self.w) + self.h[-1].dot(self.u) + self.b))
        return np.stack(self.h[1:], 1)

    def backward(self, dh):
        dw, du, db = np.zeros_like(self.w), np.zeros_like(self.u), 0.0
        carry = 0.0
        for t in range(self.x.shape[1] - 1, -1, -1):
            g = (dh[:, t] + carry) * (1 - self.h[t + 1] ** 2)
            dw += self.x[:, t].T.dot(g)
            du += self.h[t].T.dot(g)
            db = db + g
            carry = g.dot(self.u.T)
        return {"w": dw, "u": du, "b": db}
