import numpy as np


class BatchRNN:
    def __init__(self, n_in, n_hidden):
        self.Wx = np.random.randn(n_in, n_hidden) * 0.1
        self.Wh = np.random.randn(n_hidden, n_hidden) * 0.1
        self.b = np.zeros(n_hidden)

    def step(self, x, h):
        h_new = np.tanh(x @ self.Wx + h @ self.Wh + self.b)
        return h_new, (x, h, h_new)

    def forward(self, x, h0):
        n, t, d = x.shape
        h, self.caches, out = h0, [], []
        for i in range(t):
            h, c = self.step(x[:, i], h)
            self.caches.append(c)
            out.append(h)
        return np.stack(out, axis=1)

    def backward(self, dout):
        dWx, dWh, db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        dh = np.zeros_like(dout[:, 0])
        for i in reversed(range(dout.shape[1])):
            x, h = self.caches[i]
            dz = (dout[:, i] + dh) * (1 - h ** 2)
            dWx += x.T @ dz
            dWh += h.T @ dz
            db += dz.sum(axis=0)
            dh = dz @ self.Wh.T
        return dWx, dWh, db
