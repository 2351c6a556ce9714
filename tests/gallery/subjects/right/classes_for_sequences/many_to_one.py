import numpy as np
from numpy.random import randn


class RNN:
    # A vanilla many-to-one recurrent network.

    def __init__(self, input_size, hidden_size, output_size, seq_length):
        self.seq_length = seq_length
        self.W_hh = randn(hidden_size, hidden_size) * 0.01
        self.W_xh = randn(hidden_size, input_size) * 0.01
        self.W_hy = randn(output_size, hidden_size) * 0.01
        self.b_h = np.zeros((hidden_size, 1))
        self.b_y = np.zeros((output_size, 1))

    def forward(self, inputs):
        """inputs: seq_length vectors of size input_size. Returns the output after the last one."""
        self.xs = {}
        self.hs = {-1: np.zeros_like(self.b_h)}
        for t in range(self.seq_length):
            self.xs[t] = np.asarray(inputs[t]).reshape(-1, 1)
            z = self.W_xh @ self.xs[t] + self.W_hh @ self.hs[t - 1] + self.b_h
            self.hs[t] = np.tanh(z)
        return self.W_hy @ self.hs[self.seq_length - 1] + self.b_y

    def backward(self, d_y, lr=2e-2):
        """d_y is dL/dy, shape (output_size, 1)."""
        n = self.seq_length
        d_W_hy = d_y @ self.hs[n - 1].T
        d_b_y = d_y

        d_W_hh = np.zeros_like(self.W_hh)
        d_W_xh = np.zeros_like(self.W_xh)
        d_b_h = np.zeros_like(self.b_h)

        d_h = self.W_hy.T @ d_y
        for t in reversed(range(n)):
            temp = (1 - self.hs[t] ** 2) * d_h
            d_b_h += temp
            d_W_hh += temp @ self.hs[t - 1].T
            d_W_xh += temp @ self.xs[t].T
            d_h = self.W_hh.T @ temp

        self.W_hh -= lr * d_W_hh
        self.W_xh -= lr * d_W_xh
        self.W_hy -= lr * d_W_hy
        self.b_h -= lr * d_b_h
        self.b_y -= lr * d_b_y
