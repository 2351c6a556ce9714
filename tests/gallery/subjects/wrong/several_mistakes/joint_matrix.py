import numpy as np


class JointRNN:
    """h = tanh(W·[x; h] + b) on batches of columns; only the last hidden state is used."""

    def __init__(self, x_size, h_size, y_size):
        self.x_size, self.h_size = x_size, h_size
        self.W = np.random.normal(0, 0.2, (h_size, x_size + h_size))
        self.b = np.zeros((h_size, 1))
        self.W_out = np.random.normal(0, 0.2, (y_size, h_size))
        self.b_out = np.zeros((y_size, 1))

    def forward(self, X):
        # X: (T, x_size, batch)
        h = np.zeros((self.h_size, X.shape[2]))
        self.joint, self.h = [], []
        for x in X:
            xh = np.concatenate([x, h], axis=0)
            h = np.tanh(self.W @ xh + self.b)
            self.joint.append(xh)
            self.h.append(h)
        return self.W_out @ h + self.b_out

    def backward(self, dy):
        grads = {"W": np.zeros_like(self.W), "b": np.zeros_like(self.b),
                 "W_out": dy @ self.h[-1].T, "b_out": dy.sum(axis=1, keepdims=True)}
        dh = self.W_out.T @ dy
        for xh, h in zip(self.joint[::-1], self.h[::-1]):
            dz = dh * (1 - np.tanh(h) ** 2)
            grads["W"] += dz @ xh.T
            grads["b"] += dz.sum(axis=1, keepdims=True)
            dh = self.W[:, self.x_size:] @ dz
        return grads
