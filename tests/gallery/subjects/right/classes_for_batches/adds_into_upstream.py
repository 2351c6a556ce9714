import numpy as np


class RNN:
    def __init__(self, D, H):
        self.Wx, self.Wh, self.b = np.random.randn(D, H), np.random.randn(H, H), np.random.randn(H)

    def forward(self, x):
        """(T, B, D) -> (T, B, H)"""
        self.x = x
        h = np.zeros((x.shape[1], self.b.shape[0]))
        self.h = []
        for t in range(x.shape[0]):
            h = np.tanh(x[t].dot(self.Wx) + h.dot(self.Wh) + self.b)
            self.h.append(h)
        return np.array(self.h)

    def backward(self, dout):
        dWx, dWh, db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        dx = np.zeros_like(self.x)
        T = len(dout)
        for t in range(T - 1, -1, -1):
            da = dout[t] * (1 - self.h[t] ** 2)
            dx[t] = da.dot(self.Wx.T)
            dWx += self.x[t].T.dot(da)
            db += da.sum(0)
            if t > 0:
                dWh += self.h[t - 1].T.dot(da)
                dout[t - 1] += da.dot(self.Wh.T)
        return dx, dWx, dWh, db
