import numpy as np


class RNNCell:
    """One step at a time; what a step needs for its backward is pushed on a stack."""

    def __init__(self, input_size, hidden_size):
        self.Wi = np.random.randn(hidden_size, input_size) * 0.1
        self.Wh = np.random.randn(hidden_size, hidden_size) * 0.1
        self.b = np.zeros((hidden_size, 1))
        self.zero_grad()
        self.stack = []

    def zero_grad(self):
        self.dWi = np.zeros_like(self.Wi)
        self.dWh = np.zeros_like(self.Wh)
        self.db = np.zeros_like(self.b)

    def forward(self, x, h_prev):
        h = np.tanh(self.Wi @ x + self.Wh @ h_prev + self.b)
        self.stack.append((x, h_prev, h))
        return h

    def backward(self, dh):
        x, h_prev, h = self.stack.pop()
        da = dh * (1 - h * h)
        self.dWi += da @ x.T
        self.dWh += da @ h_prev.T
        self.db += da
        return self.Wi.T @ da, self.Wh.T @ da
