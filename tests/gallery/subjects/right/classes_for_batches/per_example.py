import numpy as np


class RNN:
    # gradients per example (batch in front), e.g. for clipping each of them

    def __init__(self, n_in, n_hid, n_out):
        self.Wi = np.random.randn(n_in, n_hid) * 0.1
        self.Wr = np.random.randn(n_hid, n_hid) * 0.1
        self.Wo = np.random.randn(n_hid, n_out) * 0.1
        self.br = np.zeros(n_hid)
        self.bo = np.zeros(n_out)

    def forward(self, x):
        # (batch, time, n_in) -> (batch, n_out)
        self.x = x
        self.h = [np.zeros((x.shape[0], self.br.size))]
        for t in range(x.shape[1]):
            self.h.append(np.tanh(x[:, t] @ self.Wi + self.h[-1] @ self.Wr + self.br))
        return self.h[-1] @ self.Wo + self.bo

    def backward(self, dy):
        g = {
            "Wo": np.einsum("bh,bo->bho", self.h[-1], dy), "bo": dy.copy(),
            "Wi": 0, "Wr": 0, "br": 0,
        }
        dh = dy @ self.Wo.T
        for t in range(self.x.shape[1] - 1, -1, -1):
            da = dh * (1 - self.h[t + 1] ** 2)
            g["Wi"] = g["Wi"] + np.einsum("bi,bh->bih", self.x[:, t], da)
            g["Wr"] = g["Wr"] + np.einsum("bi,bh->bih", self.h[t], da)
            g["br"] = g["br"] + da
            dh = da @ self.Wr.T
        return g
