import numpy as np


class Leaky:
    """A leaky integrator: the state moves by a share of what tanh says. Columns."""

    def __init__(self, n_in, n):
        self.Win = np.random.randn(n, n_in) * 0.3
        self.Wrec = np.random.randn(n, n) * 0.3
        self.b = np.zeros((n, 1))
        self.leak = 0.4

    def forward(self, X):
        self.X = X
        self.states = [np.zeros_like(self.b)]
        self.rates = []
        for x in X:
            rate = np.tanh(self.Win @ x + self.Wrec @ self.states[-1] + self.b)
            self.rates.append(rate)
            self.states.append((1 - self.leak) * self.states[-1] + self.leak * rate)
        return self.states[1:]

    def backward(self, G):
        dWin, dWrec, db = np.zeros_like(self.Win), np.zeros_like(self.Wrec), np.zeros_like(self.b)
        back = np.zeros_like(self.b)
        for t in reversed(range(len(G))):
            total = G[t] + back
            delta = self.leak * total * (1 - self.rates[t] ** 2)
            dWin += delta @ self.X[t].T
            dWrec += delta @ self.states[t].T
            db += delta
            back = (1 - self.leak) * total + self.Wrec.T @ delta
        return dWin, dWrec, db
