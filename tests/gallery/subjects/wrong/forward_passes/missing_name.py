import numpy as np


class RNN:
    def __init__(self, input_size, hidden_size, output_size):
        self.Wxh = np.random.randn(hidden_size, input_size) * 0.01
        self.Whh = np.random.randn(hidden_size, hidden_size) * 0.01
        self.Why = np.random.randn(output_size, hidden_size) * 0.01
        self.bh = np.zeros((hidden_size, 1))
        self.by = np.zeros((output_size, 1))

    def forward(self, inputs):
        self.hs = {-1: np.zeros_like(self.bh)}
        ys = {}
        for t, x in enumerate(inputs):
            self.hs[t] = np.tanh(np.dot(self.Wxh, x) + np.dot(self.Whh, self.hs[t - 1]) + self.bh)
            ys[t] = np.dot(self.Why, self.hs[t]) + self.by
        return ys

    def backward(self, inputs, dys):
        dWxh, dWhh, dWhy = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.Why)
        dbh, dby = np.zeros_like(self.bh), np.zeros_like(self.by)
        dh_next = np.zeros_like(self.bh)
        for t in reversed(range(len(inputs))):
            dWhy += np.dot(dys[t], self.hs[t].T)
            dby += dys[t]
            dh = np.dot(self.Why.T, dys[t]) + dh_nxt
            dhraw = (1 - self.hs[t] ** 2) * dh
            dbh += dhraw
            dWxh += np.dot(dhraw, inputs[t].T)
            dWhh += np.dot(dhraw, self.hs[t - 1].T)
            dh_next = np.dot(self.Whh.T, dhraw)
        return dWxh, dWhh, dWhy, dbh, dby
