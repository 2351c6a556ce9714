import numpy as np


class RNN:
    """(batch, time, features); returns the gradient of its input, so that it can stand on an embedding."""

    def __init__(self, n_in, n_units):
        self.Wx = np.random.randn(n_in, n_units) * 0.1
        self.Wh = np.random.randn(n_units, n_units) * 0.1
        self.b = np.zeros((n_units,))

    def __call__(self, x, h0):
        N, T, _ = x.shape
        self.x, self.h0 = x, h0
        self.h = np.zeros((N, T, self.b.size))
        prev = h0
        for t in range(T):
            prev = np.tanh(np.matmul(x[:, t], self.Wx) + np.matmul(prev, self.Wh) + self.b)
            self.h[:, t] = prev
        return self.h

    def backward(self, dh):
        N, T, _ = dh.shape
        slope = 1 - self.h ** 2
        dx = np.matmul(dh * slope, self.Wx.T)
        dWx, dWh, db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        carry = np.zeros_like(self.h0)
        for t in range(T - 1, -1, -1):
            da = (dh[:, t] + carry) * slope[:, t]
            prev = self.h[:, t - 1] if t > 0 else self.h0
            dWx += np.matmul(self.x[:, t].T, da)
            dWh += np.matmul(prev.T, da)
            db += da.sum(axis=0)
            carry = np.matmul(da, self.Wh.T)
        return dx, carry, {"Wx": dWx, "Wh": dWh, "b": db}
