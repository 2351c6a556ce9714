import numpy as np


def softmax(v):
    e = np.exp(v - v.max())
    return e / e.sum()


class SimpleRecurrentNetwork:
    def __init__(self, n_i, n_h, n_o):
        self.W_ih = np.random.normal(0, .5, (n_h, n_i))
        self.W_hh = np.random.normal(0, .5, (n_h, n_h))
        self.W_ho = np.random.normal(0, .5, (n_o, n_h))
        self.b_h = np.zeros(n_h)
        self.b_o = np.zeros(n_o)

    def forward(self, X):
        # X (T, n_i) -> (T, n_o)
        self.X = X
        self.H = np.zeros((len(X) + 1, len(self.b_h)))
        self.Y = np.zeros((len(X), len(self.b_o)))
        for t, x in enumerate(X):
            self.H[t + 1] = np.tanh(self.W_ih @ x + self.W_hh @ self.H[t] + self.b_h)
            self.Y[t] = self.W_ho @ self.H[t + 1] + self.b_o
        return self.Y

    def cost(self, T):
        return 0.5 * ((self.Y - T) ** 2).sum()

    def backward(self, T):
        gW_ih, gW_hh, gW_ho = np.zeros_like(self.W_ih), np.zeros_like(self.W_hh), np.zeros_like(self.W_ho)
        gb_h, gb_o = np.zeros_like(self.b_h), np.zeros_like(self.b_o)
        later = np.zeros_like(self.b_h)
        for t in range(len(T) - 1, -1, -1):
            d = softmax(self.Y[t]) - T[t]
            gW_ho += np.outer(d, self.H[t + 1])
            gb_o += d
            d = (self.W_ho.T @ d + later) * (1 - self.H[t + 1] ** 2)
            gW_ih += np.outer(d, self.X[t])
            gW_hh += np.outer(d, self.H[t])
            gb_h += d
            later = self.W_hh.T @ d
        return gW_ih, gW_hh, gW_ho, gb_h, gb_o
