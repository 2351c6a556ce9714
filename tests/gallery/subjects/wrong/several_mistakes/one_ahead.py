import numpy as np


class Net(object):
    def __init__(self, nx, nh, ny):
        self.Wx, self.Wh, self.Wy = np.random.randn(nx, nh), np.random.randn(nh, nh), np.random.randn(nh, ny)
        self.bh, self.by = np.random.randn(nh), np.random.randn(ny)

    def fwd(self, x):
        # x (time, batch, nx)
        h = np.zeros((x.shape[1], self.bh.size))
        hs, ys = [h], []
        for xt in x:
            h = np.tanh(xt @ self.Wx + h @ self.Wh + self.bh)
            hs.append(h)
            ys.append(h @ self.Wy + self.by)
        return np.array(ys), (x, np.array(hs))

    def bwd(self, dy, cache):
        x, hs = cache
        n = len(dy)
        dWx, dWh, dWy = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.Wy)
        dbh, dby = np.zeros_like(self.bh), np.zeros_like(self.by)
        dhs = dy @ self.Wy.T
        back = np.zeros_like(hs[0])
        for t in reversed(range(n)):
            dWy += hs[t + 1].T @ dy[t]
            dby += dy[t].sum(0)
            dh = dhs[min(t + 1, n - 1)] + back
            da = dh * (1 - hs[t + 1] ** 2)
            dWx += x[t - 1].T @ da
            dWh += hs[t].T @ da
            dbh += da.sum(0)
            back = da @ self.Wh.T
        return dWx, dWh, dWy, dbh, dby
