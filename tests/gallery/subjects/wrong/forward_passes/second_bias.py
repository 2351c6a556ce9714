import numpy as np


class ElmanRNN:
    """as torch: two biases. x (T, B, I), h0 (B, H)"""

    def __init__(self, input_size, hidden_size):
        bound = hidden_size ** -0.5
        u = lambda *shape: np.random.uniform(-bound, bound, shape)
        self.weight_ih, self.weight_hh = u(hidden_size, input_size), u(hidden_size, hidden_size)
        self.bias_ih, self.bias_hh = u(hidden_size), u(hidden_size)

    def forward(self, x, h0):
        self.x, self.hs = x, [h0]
        for t in range(x.shape[0]):
            z = x[t] @ self.weight_ih.T + self.bias_ih + self.hs[-1] @ self.weight_hh.T
            self.hs.append(np.tanh(z))
        return np.stack(self.hs[1:]), self.hs[-1]

    def backward(self, dout):
        g = {k: np.zeros_like(getattr(self, k)) for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        dh = np.zeros_like(self.hs[0])
        for t in range(len(dout) - 1, -1, -1):
            dz = (dh + dout[t]) * (1 - self.hs[t + 1] ** 2)
            g["weight_ih"] += dz.T @ self.x[t]
            g["weight_hh"] += dz.T @ self.hs[t]
            g["bias_ih"] += dz.sum(0)
            g["bias_hh"] += dz.sum(0)
            dh = dz @ self.weight_hh
        return g
