import numpy as np


class RNN:
    def __init__(self, input_size, hidden_size, output_size):
        self.W_ih = np.random.randn(input_size, hidden_size) * 0.1
        self.W_hh = np.random.randn(hidden_size, hidden_size) * 0.1
        self.W_ho = np.random.randn(hidden_size, output_size) * 0.1
        self.b_h = np.zeros(hidden_size)
        self.b_o = np.zeros(output_size)

    def forward(self, x):
        N, T, D = x.shape
        self.x = x
        self.h = np.zeros((N, T + 1, self.b_h.size), dtype=np.float32)
        self.y = np.zeros((N, T, self.b_o.size), dtype=np.float32)
        for t in range(T):
            self.h[:, t + 1] = np.tanh(x[:, t] @ self.W_ih + self.h[:, t] @ self.W_hh + self.b_h)
            self.y[:, t] = self.h[:, t + 1] @ self.W_ho + self.b_o
        return self.y

    def backward(self, dy):
        N, T, O = dy.shape
        g = {n: np.zeros_like(getattr(self, n)) for n in ("W_ih", "W_hh", "W_ho", "b_h", "b_o")}
        dh = np.zeros((N, self.b_h.size))
        for t in reversed(range(T)):
            g["W_ho"] += self.h[:, t + 1].T @ dy[:, t]
            g["b_o"] += dy[:, t].sum(0)
            dh += dy[:, t] @ self.W_ho.T
            dz = dh * (1 - self.h[:, t + 1] ** 2)
            g["W_ih"] += self.x[:, t].T @ dz
            g["W_hh"] += self.h[:, t].T @ dz
            g["b_h"] += dz.sum(0)
            dh = dz @ self.W_hh.T
        return g
