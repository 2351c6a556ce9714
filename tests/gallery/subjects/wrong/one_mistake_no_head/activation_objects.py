import numpy as np


class Tanh:
    def forward(self, z):
        self.out = np.tanh(z)
        return self.out

    def backward(self, grad):
        return grad * (1 - self.out ** 2)


class Linear:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out) * np.sqrt(1 / n_in)
        self.b = np.zeros((1, n_out))

    def __call__(self, x):
        return x @ self.w + self.b


class RecurrentLayer:
    """Rows are samples. x: (batch, time, features) -> hidden states (batch, time, units)"""

    def __init__(self, n_in, n_hidden):
        self.inp = Linear(n_in, n_hidden)
        self.rec = np.random.randn(n_hidden, n_hidden) * np.sqrt(1 / n_hidden)
        self.act = Tanh()

    def forward(self, x):
        self.x = x
        b, t, _ = x.shape
        self.h = np.zeros((b, t + 1, self.rec.shape[0]))
        for i in range(t):
            self.h[:, i + 1] = self.act.forward(self.inp(x[:, i]) + self.h[:, i] @ self.rec)
        return self.h[:, 1:]

    def backward(self, grad):
        self.d_w = np.zeros_like(self.inp.w)
        self.d_b = np.zeros_like(self.inp.b)
        self.d_rec = np.zeros_like(self.rec)
        d_x = np.zeros_like(self.x)
        d_next = 0
        for i in reversed(range(self.x.shape[1])):
            d_z = self.act.backward(grad[:, i] + d_next)
            self.d_w += self.x[:, i].T @ d_z
            self.d_b += d_z.sum(0, keepdims=True)
            self.d_rec += self.h[:, i].T @ d_z
            d_x[:, i] = d_z @ self.inp.w.T
            d_next = d_z @ self.rec.T
        return d_x
