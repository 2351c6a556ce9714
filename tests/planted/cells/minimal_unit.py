import numpy as np


def gate(a):
    return 1 / (1 + np.exp(-a))


class MinimalUnit:
    """A minimal gated unit: one gate forgets and resets; with a read-out."""

    def __init__(self, size_in, size_h, size_out):
        self.A = np.random.randn(size_in, size_h) * 0.1
        self.B = np.random.randn(size_h, size_h) * 0.1
        self.a = np.zeros(size_h)
        self.C = np.random.randn(size_in, size_h) * 0.1
        self.D = np.random.randn(size_h, size_h) * 0.1
        self.c = np.zeros(size_h)
        self.E = np.random.randn(size_h, size_out) * 0.1
        self.e = np.zeros(size_out)

    def forward(self, x):
        N, T, _ = x.shape
        self.x = x
        self.h = np.zeros((T + 1, N, self.B.shape[0]))
        self.f = np.zeros((T, N, self.B.shape[0]))
        self.u = np.zeros((T, N, self.B.shape[0]))
        y = np.zeros((N, T, self.E.shape[1]))
        for t in range(T):
            self.f[t] = gate(x[:, t] @ self.A + self.h[t] @ self.B + self.a)
            self.u[t] = np.tanh(x[:, t] @ self.C + (self.f[t] * self.h[t]) @ self.D + self.c)
            self.h[t + 1] = (1 - self.f[t]) * self.h[t] + self.f[t] * self.u[t]
            y[:, t] = self.h[t + 1] @ self.E + self.e
        return y

    def backward(self, dy):
        N, T, _ = dy.shape
        gA, gB, ga = np.zeros_like(self.A), np.zeros_like(self.B), np.zeros_like(self.a)
        gC, gD, gc = np.zeros_like(self.C), np.zeros_like(self.D), np.zeros_like(self.c)
        gE, ge = np.zeros_like(self.E), np.zeros_like(self.e)
        carry = np.zeros((N, self.B.shape[0]))
        for t in range(T - 1, -1, -1):
            f, u, prev = self.f[t], self.u[t], self.h[t]
            gE += self.h[t + 1].T @ dy[:, t]
            ge += dy[:, t].sum(axis=0)
            dh = dy[:, t] @ self.E.T + carry
            du = dh * f * (1 - u ** 2)
            dm = du @ self.D.T
            df = (dh * (u - prev) + dm * prev) * f * (1 - f)
            gA += self.x[:, t].T @ df
            gB += prev.T @ df
            ga += df.sum(axis=0)
            gC += self.x[:, t].T @ du
            gD += (f * prev).T @ du
            gc += du.sum(axis=0)
            carry = dh * (1 - f) + dm * f + df @ self.B.T
        return gA, gB, ga, gC, gD, gc, gE, ge
