import numpy as np


class Predictor:
    """Predicts a series one step ahead; series is (T, n)."""

    def __init__(self, n, n_hidden):
        self.Wi = np.random.randn(n_hidden, n) * 0.1
        self.Wr = np.random.randn(n_hidden, n_hidden) * 0.1
        self.bh = np.zeros(n_hidden)

    def forward(self, series):
        T = len(series)
        self.h = np.zeros((T, self.bh.size))
        h = np.zeros(self.bh.size)
        for t in range(T):
            nxt = series[min(t + 1, T - 1)]
            h = np.tanh(self.Wi @ nxt + self.Wr @ h + self.bh)
            self.h[t] = h
        return self.h
