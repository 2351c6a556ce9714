import numpy as np


class Net:
    def __init__(self, n_x, n_h, n_y, eta=0.05):
        self.eta = eta
        self.Wx = np.random.randn(n_h, n_x) * 0.05
        self.Wh = np.random.randn(n_h, n_h) * 0.05
        self.Wy = np.random.randn(n_y, n_h) * 0.05
        self.bh = np.zeros((n_h, 1))
        self.by = np.zeros((n_y, 1))

    def fprop(self, xs):
        self.xs = xs
        self.h = [np.zeros_like(self.bh)]
        self.out = []
        for x in xs:
            self.h.append(np.tanh(self.Wx.dot(x) + self.Wh.dot(self.h[-1]) + self.bh))
            self.out.append(self.Wy.dot(self.h[-1]) + self.by)
        return self.out

    def bprop(self, ts):
        """ts: list of target columns, squared error at every step"""
        dhn = np.zeros_like(self.bh)
        errs = [o - t for o, t in zip(self.out, ts)]
        hgrads = [self.Wy.T.dot(e) for e in errs]
        for t in range(len(ts) - 1, -1, -1):
            self.Wy -= self.eta * errs[t].dot(self.h[t + 1].T)
            self.by -= self.eta * errs[t]
            da = (hgrads[t] + dhn) * (1 - self.h[t + 1] ** 2)
            self.Wx -= self.eta * da.dot(self.xs[t].T)
            self.Wh -= self.eta * da.dot(self.h[t].T)
            self.bh -= self.eta * da
            dhn = self.Wh.T.dot(da)
