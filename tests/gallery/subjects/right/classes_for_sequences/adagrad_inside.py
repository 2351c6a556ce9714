import numpy as np


class CharModel:
    """Predicts the next symbol; the update is Adagrad, done at the end of backward."""

    def __init__(self, n_symbols, n_hidden, learning_rate=0.1):
        s = 0.01
        self.Wih = np.random.randn(n_hidden, n_symbols) * s
        self.Whh = np.random.randn(n_hidden, n_hidden) * s
        self.Who = np.random.randn(n_symbols, n_hidden) * s
        self.bh = np.zeros((n_hidden, 1))
        self.bo = np.zeros((n_symbols, 1))
        self.learning_rate = learning_rate
        self.mem = [np.zeros_like(p) for p in (self.Wih, self.Whh, self.Who, self.bh, self.bo)]

    def forward(self, X):
        """X: (T, n_symbols), one-hot rows"""
        self.X = X
        self.H = {-1: np.zeros_like(self.bh)}
        self.P = {}
        for t, x in enumerate(X):
            self.H[t] = np.tanh(self.Wih @ x[:, None] + self.Whh @ self.H[t - 1] + self.bh)
            y = self.Who @ self.H[t] + self.bo
            e = np.exp(y - np.max(y))
            self.P[t] = e / e.sum()
        return self.P

    def backward(self, Y):
        """Y: (T, n_symbols), one-hot rows of the next symbols"""
        dWih, dWhh, dWho, dbh, dbo = [np.zeros_like(m) for m in self.mem]
        dh_next = np.zeros_like(self.bh)
        for t in reversed(range(len(Y))):
            dy = self.P[t] - Y[t][:, None]
            dWho += dy @ self.H[t].T
            dbo += dy
            dh = self.Who.T @ dy + dh_next
            dz = dh * (1 - self.H[t] ** 2)
            dbh += dz
            dWih += dz @ self.X[t][None, :]
            dWhh += dz @ self.H[t - 1].T
            dh_next = self.Whh.T @ dz
        for p, g, m in zip((self.Wih, self.Whh, self.Who, self.bh, self.bo), (dWih, dWhh, dWho, dbh, dbo), self.mem):
            m += g * g
            p -= self.learning_rate * g / np.sqrt(m + 1e-8)
