import numpy as np


class RNN:
    def __init__(self, input_size, hidden_size, output_size):
        self.Wxh = np.random.randn(hidden_size, input_size) * 0.01
        self.Whh = np.random.randn(hidden_size, hidden_size) * 0.01
        self.Why = np.random.randn(output_size, hidden_size) * 0.01
        self.bh, self.by = np.zeros(hidden_size), np.zeros(output_size)

    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros(len(self.bh))]
        for x in xs:
            self.hs.append(np.tanh(self.Wxh @ x + self.Whh @ self.hs[-1] + self.bh))
        return [self.Why @ h + self.by for h in self.hs[1:]]

    def backward(self, dys):
        g = {n: np.zeros_like(w) for n, w in vars(self).items() if n[0] in "Wb"}
        carry = np.zeros(len(self.bh))
        for t in reversed(len(self.xs)):
            g["Why"] += np.outer(dys[t], self.hs[t + 1])
            g["by"] += dys[t]
            da = (self.Why.T @ dys[t] + carry) * (1 - self.hs[t + 1] ** 2)
            g["Wxh"] += np.outer(da, self.xs[t])
            g["Whh"] += np.outer(da, self.hs[t])
            g["bh"] += da
            carry = self.Whh.T @ da
        return g
