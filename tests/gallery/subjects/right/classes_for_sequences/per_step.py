import numpy as np


class RNN:
    """Keeps one gradient per time step, so that one can see how far they reach."""

    def __init__(self, n_in, n_h):
        self.W_in = np.random.randn(n_h, n_in) * 0.4
        self.W_rec = np.random.randn(n_h, n_h) * 0.4
        self.b = np.zeros(n_h)

    def forward(self, x):
        hs = np.zeros((len(x) + 1, len(self.b)))
        for t, v in enumerate(x):
            hs[t + 1] = np.tanh(self.W_in @ v + self.W_rec @ hs[t] + self.b)
        self.x, self.hs = x, hs
        return hs[1:]

    def backward(self, dh_last):
        T = len(self.x)
        dW_in = np.zeros((T, *self.W_in.shape))
        dW_rec = np.zeros((T, *self.W_rec.shape))
        db = np.zeros((T, *self.b.shape))
        dh = dh_last
        for t in range(T - 1, -1, -1):
            dz = dh * (1 - self.hs[t + 1] ** 2)
            dW_in[t] = np.outer(dz, self.x[t])
            dW_rec[t] = np.outer(dz, self.hs[t])
            db[t] = dz
            dh = self.W_rec.T @ dz
        return {"W_in": dW_in, "W_rec": dW_rec, "b": db}
