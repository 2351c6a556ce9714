import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


class RNN:
    def __init__(self, input_size, hidden_size):
        self.Wx = np.random.randn(hidden_size, input_size) * 0.5
        self.Wh = np.random.randn(hidden_size, hidden_size) * 0.5
        self.bh = np.zeros((hidden_size, 1))

    def forward(self, x):
        self.x = x  # list of (input_size, 1)
        self.h = {-1: np.zeros_like(self.bh)}
        for t in range(len(x)):
            self.h[t] = sigmoid(self.Wx @ x[t] + self.Wh @ self.h[t - 1] + self.bh)
        return [self.h[t] for t in range(len(x))]

    def backward(self, dh):
        dWx, dWh, dbh = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.bh)
        dnext = np.zeros_like(self.bh)
        for t in range(len(self.x) - 1, -1, -1):
            da = (dh[t] + dnext) * (1 - self.h[t] ** 2)
            dWx += da @ self.x[t].T
            dWh += da @ self.h[t - 1].T
            dbh += da
            dnext = self.Wh.T @ da
        return {"Wx": dWx, "Wh": dWh, "bh": dbh}
