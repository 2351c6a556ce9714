import numpy as np
from .base import Layer, Parameter
from .initializers import glorot


class RNN(Layer):
    """Recurrent layer of our little framework."""

    def __init__(self, n_in, n_out, activation="tanh", name=None):
        super().__init__(name=name)
        self.n_in, self.n_out = n_in, n_out
        self.W = np.random.randn(n_in, n_out) * np.sqrt(2.0 / (n_in + n_out))
        self.U = np.random.randn(n_out, n_out) * np.sqrt(1.0 / n_out)
        self.b = np.zeros((1, n_out))
        self.act = {"tanh": np.tanh, "linear": lambda z: z}[activation]

    def forward(self, X):
        # X: (examples, n_in, time)
        self.X = X
        n_ex, _, n_t = X.shape
        self.A = [np.zeros((n_ex, self.n_out))]
        for t in range(n_t):
            self.A.append(self.act(X[:, :, t] @ self.W + self.A[-1] @ self.U + self.b))
        return np.dstack(self.A[1:])

    def backward(self, dLdA):
        dX = np.zeros_like(self.X)
        self.gradients = {"W": np.zeros_like(self.W), "U": np.zeros_like(self.U), "b": np.zeros_like(self.b)}
        dA_next = np.zeros_like(self.A[0])
        for t in reversed(range(dLdA.shape[2])):
            dA = dLdA[:, :, t] + dA_next
            dZ = dA * (1 - self.A[t + 1] ** 2)
            self.gradients["W"] += self.X[:, :, t].T @ dZ
            self.gradients["U"] += self.A[t + 1].T @ dZ
            self.gradients["b"] += dZ.sum(axis=0, keepdims=True)
            dX[:, :, t] = dZ @ self.W.T
            dA_next = dZ @ self.U.T
        return dX
