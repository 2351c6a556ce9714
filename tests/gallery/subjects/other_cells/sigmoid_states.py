import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


class SigmoidRNN:
    """Elman's network of 1990: sigmoid units, a linear read-out at every step."""

    def __init__(self, n_in, n_hid, n_out):
        self.W = np.random.randn(n_hid, n_in) * 0.5
        self.U = np.random.randn(n_hid, n_hid) * 0.5
        self.V = np.random.randn(n_out, n_hid) * 0.5
        self.b = np.zeros(n_hid)
        self.c = np.zeros(n_out)

    def forward(self, x):
        # x: (T, n_in)
        self.x = x
        self.s = [np.zeros(self.b.shape)]
        for row in x:
            self.s.append(sigmoid(self.W @ row + self.U @ self.s[-1] + self.b))
        return np.array([self.V @ s + self.c for s in self.s[1:]])

    def backward(self, dy):
        dW, dU, dV = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.V)
        db, dc = np.zeros_like(self.b), np.zeros_like(self.c)
        ds = np.zeros_like(self.b)
        for t in reversed(range(len(dy))):
            s, s_prev = self.s[t + 1], self.s[t]
            dV += np.outer(dy[t], s)
            dc += dy[t]
            da = (self.V.T @ dy[t] + ds) * s * (1 - s)
            dW += np.outer(da, self.x[t])
            dU += np.outer(da, s_prev)
            db += da
            ds = self.U.T @ da
        return dW, dU, dV, db, dc
