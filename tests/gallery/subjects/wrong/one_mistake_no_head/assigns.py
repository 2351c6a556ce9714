import numpy as np


class RNN():
    def __init__(self, x_dim, h_dim):
        self.U = np.random.rand(h_dim, x_dim) - 0.5
        self.V = np.random.rand(h_dim, h_dim) - 0.5     # recurrent
        self.bias = np.random.rand(h_dim, 1) - 0.5

    def forward(self, X):
        """X: (x_dim, T), every column a step; returns (h_dim, T)"""
        self.X = X
        self.Hs = [np.zeros((self.V.shape[0], 1))]
        for k in range(X.shape[1]):
            self.Hs.append(np.tanh(self.U @ X[:, [k]] + self.V @ self.Hs[-1] + self.bias))
        return np.hstack(self.Hs[1:])

    def backward(self, dH):
        delta_next = np.zeros((self.V.shape[0], 1))
        for k in reversed(range(self.X.shape[1])):
            dh = dH[:, [k]] + delta_next
            delta = dh * (1 - self.Hs[k + 1] ** 2)
            self.dU = delta @ self.X[:, [k]].T
            self.dV = delta @ self.Hs[k].T
            self.dbias = delta
            delta_next = self.V.T @ delta
        return self.dU, self.dV, self.dbias
