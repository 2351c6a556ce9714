import numpy as np


class ElmanNetwork:
    """Sequence to sequence; x is (T, n_in), one row a step."""

    def __init__(self, n_in, n_hid, n_out):
        self.A = np.random.normal(scale=0.3, size=(n_in, n_hid))
        self.R = np.random.normal(scale=0.3, size=(n_hid, n_hid))
        self.C = np.random.normal(scale=0.3, size=(n_hid, n_out))
        self.a = np.zeros(n_hid)
        self.c = np.zeros(n_out)

    def run(self, x):
        self.x = x
        T = x.shape[0]
        self.h = np.zeros((T, self.R.shape[0]))
        for t in range(T):
            if t == 0:
                self.h[t] = np.tanh(x[t] @ self.A + self.a)
            else:
                self.h[t] = np.tanh(x[t] @ self.A + self.h[t - 1] @ self.R + self.a)
        return self.h @ self.C + self.c

    def gradients(self, d_out):
        T = d_out.shape[0]
        d_C = self.h.T @ d_out
        d_c = d_out.sum(axis=0)
        d_A, d_R, d_a = np.zeros_like(self.A), np.zeros_like(self.R), np.zeros_like(self.a)
        carry = np.zeros(self.R.shape[0])
        for t in range(T)[::-1]:
            d_pre = (d_out[t] @ self.C.T + carry) * (1 - self.h[t] ** 2)
            d_A += np.outer(self.x[t], d_pre)
            d_R += np.outer(self.h[t - 1], d_pre)
            d_a += d_pre
            carry = self.R @ d_pre
        return d_A, d_R, d_C, d_a, d_c
