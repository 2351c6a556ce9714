import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class LSTM:
    """Long short-term memory over (B, T, D); gates in the order input, forget, output, candidate."""

    def __init__(self, D, H):
        self.H = H
        self.Wx = np.random.randn(D, 4 * H) / np.sqrt(D)
        self.Wh = np.random.randn(H, 4 * H) / np.sqrt(H)
        self.b = np.zeros(4 * H)

    def forward(self, x):
        N, T, D = x.shape
        H = self.H
        h, c = np.zeros((N, H)), np.zeros((N, H))
        out = np.zeros((N, T, H))
        self.cache = []
        for t in range(T):
            a = x[:, t].dot(self.Wx) + h.dot(self.Wh) + self.b
            i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H:2 * H]), sigmoid(a[:, 2 * H:3 * H])
            g = np.tanh(a[:, 3 * H:])
            c_new = f * c + i * g
            h_new = o * np.tanh(c_new)
            self.cache.append((x[:, t], h, c, i, f, o, g, c_new))
            h, c = h_new, c_new
            out[:, t] = h
        return out

    def backward(self, dout):
        N, T, H = dout.shape
        dx = np.zeros((N, T, self.Wx.shape[0]))
        dWx, dWh, db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        dh, dc = np.zeros((N, H)), np.zeros((N, H))
        for t in reversed(range(T)):
            x, h, c, i, f, o, g, c_new = self.cache[t]
            dh = dh + dout[:, t]
            tc = np.tanh(c_new)
            do = dh * tc
            dc = dc + dh * o * (1 - tc ** 2)
            di, dg, df = dc * g, dc * i, dc * c
            da = np.hstack((di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g ** 2)))
            dx[:, t] = da.dot(self.Wx.T)
            dWx += x.T.dot(da)
            dWh += h.T.dot(da)
            db += da.sum(0)
            dh = da.dot(self.Wh.T)
            dc = dc * f
        return dx, dWx, dWh, db
