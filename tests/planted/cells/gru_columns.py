import numpy as np


def s(v):
    return 1.0 / (1.0 + np.exp(-v))


class GRU:
    """Separate matrices, columns; the reset gate stands before the product."""

    def __init__(self, n_x, n_h):
        self.Wz, self.Uz, self.bz = np.random.randn(n_h, n_x), np.random.randn(n_h, n_h), np.zeros((n_h, 1))
        self.Wr, self.Ur, self.br = np.random.randn(n_h, n_x), np.random.randn(n_h, n_h), np.zeros((n_h, 1))
        self.Wn, self.Un, self.bn = np.random.randn(n_h, n_x), np.random.randn(n_h, n_h), np.zeros((n_h, 1))
        self.n_h = n_h

    def forward(self, xs):
        self.xs = xs
        self.hs, self.zs, self.rs, self.ns = {-1: np.zeros((self.n_h, 1))}, {}, {}, {}
        for t in range(len(xs)):
            last = self.hs[t - 1]
            self.zs[t] = s(self.Wz @ xs[t] + self.Uz @ last + self.bz)
            self.rs[t] = s(self.Wr @ xs[t] + self.Ur @ last + self.br)
            self.ns[t] = np.tanh(self.Wn @ xs[t] + self.Un @ (self.rs[t] * last) + self.bn)
            self.hs[t] = self.zs[t] * last + (1 - self.zs[t]) * self.ns[t]
        return [self.hs[t] for t in range(len(xs))]

    def backward(self, dhs):
        dWz, dUz, dbz = np.zeros_like(self.Wz), np.zeros_like(self.Uz), np.zeros_like(self.bz)
        dWr, dUr, dbr = np.zeros_like(self.Wr), np.zeros_like(self.Ur), np.zeros_like(self.br)
        dWn, dUn, dbn = np.zeros_like(self.Wn), np.zeros_like(self.Un), np.zeros_like(self.bn)
        dnext = np.zeros((self.n_h, 1))
        for t in reversed(range(len(dhs))):
            z, r, n, last = self.zs[t], self.rs[t], self.ns[t], self.hs[t - 1]
            dh = dhs[t] + dnext
            dn = dh * (1 - z) * (1 - n ** 2)
            dz = dh * (last - n) * z * (1 - z)
            dm = self.Un.T @ dn
            dr = dm * last * r * (1 - r)
            dWz += dz @ self.xs[t].T
            dUz += dz @ last.T
            dbz += dz
            dWr += dr @ self.xs[t].T
            dUr += dr @ last.T
            dbr += dr
            dWn += dn @ self.xs[t].T
            dUn += dn @ (r * last).T
            dbn += dn
            dnext = dh * z + dm * r + self.Uz.T @ dz + self.Ur.T @ dr
        return dWz, dUz, dbz, dWr, dUr, dbr, dWn, dUn, dbn
