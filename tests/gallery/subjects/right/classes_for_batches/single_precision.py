import numpy as np


class RNN:
    dtype = np.float32

    def __init__(self, n_in, n_hidden):
        self.W = np.random.randn(n_hidden, n_in).astype(self.dtype) * self.dtype(0.1)
        self.U = np.random.randn(n_hidden, n_hidden).astype(self.dtype) * self.dtype(0.1)
        self.b = np.zeros((n_hidden, 1), self.dtype)

    def forward(self, x):
        # x: (time, batch, n_in)
        self.x = x.astype(self.dtype)
        self.h = np.zeros((len(x) + 1, self.b.size, x.shape[1]), self.dtype)
        for t in range(len(x)):
            self.h[t + 1] = np.tanh(self.W @ self.x[t].T + self.U @ self.h[t] + self.b)
        return self.h[1:].transpose(0, 2, 1)

    def backward(self, d):
        d = d.astype(self.dtype)
        dW, dU, db = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b)
        nxt = np.zeros_like(self.h[0])
        for t in range(len(d) - 1, -1, -1):
            dz = (d[t].T + nxt) * (1 - self.h[t + 1] ** 2)
            dW += dz @ self.x[t]
            dU += dz @ self.h[t].T
            db += dz.sum(axis=1, keepdims=True)
            nxt = self.U.T @ dz
        return dW, dU, db
