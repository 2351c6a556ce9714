import numpy as np


def clip_norm(g, limit, norm):
    return g if norm <= limit else g * (limit / norm)


class RNN:
    def __init__(self, i, h, o):
        self.wx = np.random.randn(h, i)
        self.wh = np.random.randn(h, h)
        self.wy = np.random.randn(o, h)
        self.b = np.zeros((h, 1))
        self.c = np.zeros((o, 1))

    def forward(self, xs):
        # xs: (T, i, batch)
        self.xs = xs
        self.hs = np.zeros((len(xs) + 1, len(self.b), xs.shape[2]))
        for t in range(len(xs)):
            self.hs[t + 1] = np.tanh(self.wx @ xs[t] + self.wh @ self.hs[t] + self.b)
        return self.wy @ self.hs[1:] + self.c

    def backward(self, dys):
        gx, gh, gb = np.zeros_like(self.wx), np.zeros_like(self.wh), np.zeros_like(self.b)
        gy = sum(dys[t] @ self.hs[t + 1].T for t in range(len(dys)))
        gc = sum(dys[t].sum(1, keepdims=True) for t in range(len(dys)))
        dh = np.zeros_like(self.hs[0])
        for t in range(len(dys) - 1, -1, -1):
            da = (self.wy.T @ dys[t] + dh) * (1 - self.hs[t + 1] ** 2)
            gx += da @ self.xs[t].T
            gh += da @ self.hs[t].T
            gb += da.sum(1, keepdims=True)
            dh = self.wh.T @ da
        limit = 5
        return [clip_norm(g, limit, np.linalg.norm(g)) for g in (gx, gh, gy, gb, gc)]
