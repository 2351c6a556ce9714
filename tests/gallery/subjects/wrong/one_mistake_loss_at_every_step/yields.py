"""Outputs come one by one, as the inputs do."""
import numpy as np


class StreamNet:
    def __init__(self, n_in, n_units, n_out):
        r = np.random.RandomState(3).randn
        self.A, self.B, self.C = r(n_units, n_units), r(n_units, n_in), r(n_out, n_units)
        self.b, self.d = np.zeros(n_units), np.zeros(n_out)

    def forward(self, xs):
        self.xs, self.s = [], [np.zeros(len(self.b))]
        for x in xs:
            self.xs.append(x)
            self.s.append(np.tanh(self.A @ self.s[-1] + self.B @ x + self.b))
            yield self.C @ self.s[-1] + self.d

    def backward(self, errors):
        g = {name: np.zeros_like(getattr(self, name)) for name in "ABCbd"}
        nxt = 0
        for t in range(len(errors) - 1, -1, -1):
            g["C"] += np.outer(errors[t], self.s[t + 1])
            g["d"] += errors[t]
            da = (self.C.T @ errors[t] + nxt) * (1 - self.s[t + 1] ** 2)
            g["A"] += np.outer(da, self.s[t + 1])
            g["B"] += np.outer(da, self.xs[t])
            g["b"] += da
            nxt = self.A.T @ da
        return g
