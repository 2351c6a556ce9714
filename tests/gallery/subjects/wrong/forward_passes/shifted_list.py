import numpy as np


class RNN:
    def __init__(self, n_x, n_h):
        self.W = np.random.randn(n_h, n_x) * 0.3
        self.R = np.random.randn(n_h, n_h) * 0.3
        self.b = np.zeros(n_h)

    def forward(self, xs, h0):
        """the hidden state at each step, (T, n_h)"""
        hs = [h0]
        for x in xs:
            hs.append(np.tanh(self.W @ x + self.R @ hs[-1] + self.b))
        return np.array(hs[:-1])
