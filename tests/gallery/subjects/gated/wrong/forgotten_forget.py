import numpy as np


def sig(v):
    return 1 / (1 + np.exp(-v))


class LSTMLayer:
    """(N, T, D); x @ W with the gates f i o g side by side, no bias."""

    def __init__(self, D, H):
        self.D, self.H = D, H
        self.W = np.random.randn(D + H, 4 * H) * 0.1

    def forward(self, X):
        N, T, _ = X.shape
        H = self.H
        self.hs = np.zeros((N, T + 1, H))
        self.cs = np.zeros((N, T + 1, H))
        self.ifo, self.inputs = [], []
        for t in range(T):
            xh = np.concatenate([X[:, t], self.hs[:, t]], axis=1)
            a = xh @ self.W
            f, i, o = sig(a[:, :H]), sig(a[:, H:2 * H]), sig(a[:, 2 * H:3 * H])
            g = np.tanh(a[:, 3 * H:])
            self.cs[:, t + 1] = f * self.cs[:, t] + i * g
            self.hs[:, t + 1] = o * np.tanh(self.cs[:, t + 1])
            self.ifo.append((f, i, o, g))
            self.inputs.append(xh)
        return self.hs[:, 1:]

    def backward(self, dout):
        N, T, H = dout.shape
        dW = np.zeros_like(self.W)
        dX = np.zeros((N, T, self.D))
        dh, dc = np.zeros((N, H)), np.zeros((N, H))
        for t in range(T)[::-1]:
            f, i, o, g = self.ifo[t]
            dh += dout[:, t]
            tc = np.tanh(self.cs[:, t + 1])
            dc += dh * o * (1 - tc ** 2)
            da = np.concatenate([
                dc * self.cs[:, t] * f * (1 - f),
                dc * g * i * (1 - i),
                dh * tc * o * (1 - o),
                dc * i * (1 - g ** 2),
            ], axis=1)
            dW += self.inputs[t].T @ da
            dxh = da @ self.W.T
            dX[:, t] = dxh[:, :self.D]
            dh = dxh[:, self.D:]
            dc = dc * 1
        return dW, dX
