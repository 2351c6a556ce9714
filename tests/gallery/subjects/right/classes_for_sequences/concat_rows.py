import numpy as np

# everything in one matrix: rows [x, h, 1] times W gives the new pre-activation


class RNN:
    def __init__(self, nx, nh):
        self.nx, self.nh = nx, nh
        self.W = 0.2 * np.random.randn(nx + nh + 1, nh)

    def forward(self, X):
        # X: (T, nx); returns all the hidden states (T, nh)
        T = len(X)
        self.Z = np.ones((T, self.nx + self.nh + 1))
        self.S = np.zeros((T, self.nh))
        s = np.zeros(self.nh)
        for t in range(T):
            self.Z[t, :self.nx] = X[t]
            self.Z[t, self.nx:-1] = s
            s = np.tanh(self.Z[t] @ self.W)
            self.S[t] = s
        return self.S

    def backward(self, dS):
        dW = np.zeros_like(self.W)
        dX = np.zeros((len(dS), self.nx))
        ds = np.zeros(self.nh)
        for t in reversed(range(len(dS))):
            da = (dS[t] + ds) * (1 - self.S[t] ** 2)
            dW += np.outer(self.Z[t], da)
            dz = self.W @ da
            dX[t] = dz[:self.nx]
            ds = dz[self.nx:-1]
        return dX, dW
