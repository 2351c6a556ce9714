import numpy as np

relu = lambda z: np.maximum(z, 0)


class IRNN:
    """ReLU recurrent net, identity initialisation. Input (N, T, D)."""

    def __init__(self, D, H, C):
        self.Wxh = np.random.randn(D, H) * 0.001
        self.Whh = np.eye(H)
        self.bh = np.zeros(H)
        self.Why = np.random.randn(H, C) * 0.001
        self.by = np.zeros(C)

    def forward(self, X):
        N, T, D = X.shape
        h = np.zeros((N, self.bh.size))
        self.X, self.hs = X, [h]
        for t in range(T):
            h = relu(X[:, t] @ self.Wxh + h @ self.Whh + self.bh)
            self.hs.append(h)
        return h @ self.Why + self.by

    def backward(self, dscores):
        dWhy = self.hs[-1].T @ dscores
        dby = dscores.sum(axis=0)
        dWxh, dWhh, dbh = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.bh)
        dh = dscores @ self.Why.T
        for t in range(self.X.shape[1], 0, -1):
            dz = dh * (self.hs[t] > 0)
            dWxh += self.X[:, t - 1].T @ dz
            dWhh += self.hs[t - 1].T @ dz
            dbh += dz.sum(axis=0)
            dh = dz @ self.Whh.T
        return {'Wxh': dWxh, 'Whh': dWhh, 'bh': dbh, 'Why': dWhy, 'by': dby}
