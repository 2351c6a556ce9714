import numpy as np


class RNN:
    def __init__(self, i, h, o):
        self.wx = np.random.randn(h, i)
        self.wh = np.random.randn(h, h)
        self.wy = np.random.randn(o, h)
        self.b = np.zeros((h, 1))
        self.c = np.zeros((o, 1))

    def forward(self, xs):
        self.xs = xs
        self.hs = [np.zeros_like(self.b)]
        for x in xs:
            self.hs.append(np.tanh(self.wx @ x + self.wh @ self.hs[-1] + self.b))
        return [self.wy @ h + self.c for h in self.hs[1:]]

    def backward(self, dys):
        gx, gh, gb = np.zeros_like(self.wx), np.zeros_like(self.wh), np.zeros_like(self.b)
        gy, gc = np.zeros_like(self.wy), np.zeros_like(self.c)
        dh = np.zeros_like(self.b)
        for t in range(len(dys) - 1, -1, -1):
            gy += dys[t] @ self.hs[t + 1].T
            gc += dys[t]
            da = (self.wy.T @ dys[t] + dh) * (1 - self.hs[t + 1] ** 2)
            gx += da @ self.xs[t].T
            gh += da @ self.hs[t].T
            gb += da
            dh = self.wh.T @ da
        gh /= np.linalg.norm(gx)  # keep it from exploding
        return gx, gh, gy, gb, gc
