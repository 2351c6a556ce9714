import numpy as np


class RNN:
    def __init__(self, input_dim, hidden_dim, output_dim):
        self.W_xh = np.random.randn(input_dim, hidden_dim) * 0.1
        self.W_hh = np.random.randn(hidden_dim, hidden_dim) * 0.1
        self.W_hy = np.random.randn(hidden_dim, output_dim) * 0.1
        self.b_h = np.zeros((1, hidden_dim))
        self.b_y = np.zeros((1, output_dim))

    def forward(self, x, h0):
        """x (T, B, I), h0 (B, H)"""
        h_prev = h0
        hs, ys = [], []
        for t in range(x.shape[0]):
            h = np.tanh(np.dot(x[t], self.W_xh) + np.dot(h_prev, self.W_hh) + self.b_h)
            y = np.dot(h, self.W_hy) + self.b_y
            hs.append(h)
            ys.append(y)
        return np.array(ys), np.array(hs)
