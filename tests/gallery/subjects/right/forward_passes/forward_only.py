"""Vanilla RNN, forward pass only; once for one sequence, once for a batch."""
import numpy as np

input_dim, hidden_dim, output_dim = 4, 8, 2


class VanillaRNN:
    """One sequence: a list of T vectors."""

    def __init__(self, n_x, n_h, n_o):
        self.n_x, self.n_h, self.n_o = n_x, n_h, n_o
        self.W_xh = np.random.uniform(-0.1, 0.1, size=(n_h, n_x))
        self.W_hh = np.random.uniform(-0.1, 0.1, size=(n_h, n_h))
        self.b_xh = np.zeros((n_h, 1))
        self.b_hh = np.zeros((n_h, 1))
        self.W_ho = np.random.uniform(-0.1, 0.1, size=(output_dim, hidden_dim))
        self.b_ho = np.zeros((output_dim, 1))

    def forward(self, xs):
        h, o = {}, {}
        h[-1] = np.zeros((self.n_h, 1))
        for t in range(len(xs)):
            x = np.reshape(xs[t], (self.n_x, 1))
            h[t] = np.tanh(self.W_xh.dot(x) + self.b_xh + self.W_hh.dot(h[t - 1]) + self.b_hh)
            o[t] = self.W_ho.dot(h[t]) + self.b_ho
        return o, h


class BatchedRNN:
    """A batch of sequences, (T, B, n_x)."""

    def __init__(self, n_x, n_h, n_o):
        self.n_x, self.n_h, self.n_o = n_x, n_h, n_o
        self.W_xh = np.random.uniform(-0.1, 0.1, size=(n_h, n_x))
        self.W_hh = np.random.uniform(-0.1, 0.1, size=(n_h, n_h))
        self.b_xh = np.zeros((n_h, 1))
        self.b_hh = np.zeros((n_h, 1))
        self.W_ho = np.random.uniform(-0.1, 0.1, size=(n_o, n_h))
        self.b_ho = np.zeros((n_o, 1))

    def forward(self, xs):
        T, B, _ = xs.shape
        h, o = {}, {}
        h[-1] = np.zeros((self.n_h, B))
        for t in range(T):
            x = xs[t].T
            h[t] = np.tanh(self.W_xh.dot(x) + self.b_xh + self.W_hh.dot(h[t - 1]) + self.b_hh)
            o[t] = self.W_ho.dot(h[t]) + self.b_ho
        return o, h


if __name__ == "__main__":
    rnn = VanillaRNN(input_dim, hidden_dim, output_dim)
    o, h = rnn.forward([np.random.randn(input_dim) for _ in range(5)])
    print(o[4].ravel(), h[4].ravel())
