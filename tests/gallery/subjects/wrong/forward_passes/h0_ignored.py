import numpy as np


class RNN:
    def __init__(self, input_size, hidden_size):
        self.hidden_size = hidden_size
        self.W_ih = np.random.randn(hidden_size, input_size)
        self.W_hh = np.random.randn(hidden_size, hidden_size)
        self.b_ih = np.random.randn(hidden_size)
        self.b_hh = np.random.randn(hidden_size)

    def forward(self, x, h_0):
        """x: (seq_len, batch, input_size), h_0: (batch, hidden_size)"""
        h = np.zeros((x.shape[1], self.hidden_size))
        output = []
        for t in range(x.shape[0]):
            h = np.tanh(x[t] @ self.W_ih.T + self.b_ih + h @ self.W_hh.T + self.b_hh)
            output.append(h)
        return np.stack(output), h
