import numpy as np


class RNNLM(object):
    def __init__(self, vocab_dim, state_dim):
        self.Wx = np.random.randn(vocab_dim, state_dim) * 0.1
        self.Ws = np.random.randn(state_dim, state_dim) * 0.1
        self.Wo = np.random.randn(state_dim, vocab_dim) * 0.1
        self.bs = np.zeros(state_dim)
        self.bo = np.zeros(vocab_dim)

    def forward(self, x):
        # x: (batch, T) integers
        self.x = x
        B, T = x.shape
        s = np.zeros((B, self.bs.size))
        self.s, self.p = [s], []
        for t in range(T):
            s = np.tanh(self.Wx[x[:, t]] + s @ self.Ws + self.bs)
            z = s @ self.Wo + self.bo
            z = np.exp(z - z.max(axis=1, keepdims=True))
            self.s.append(s)
            self.p.append(z / z.sum(axis=1, keepdims=True))
        return np.stack(self.p, axis=1)

    def backward(self, y):
        # y: (batch, T) integers
        B, T = y.shape
        g = {k: np.zeros_like(getattr(self, k)) for k in ("Wx", "Ws", "Wo", "bs", "bo")}
        carry = np.zeros_like(self.s[0])
        for t in reversed(range(T)):
            dz = self.p[t].copy()
            dz[np.arange(B), y[:, t]] -= 1
            g["Wo"] += self.s[t + 1].T @ dz
            g["bo"] += dz.sum(axis=0)
            da = (dz @ self.Wo.T + carry) * (1 - self.s[t + 1] ** 2)
            np.add.at(g["Wx"], self.x[:, t], da)
            g["Ws"] += self.s[t].T @ da
            g["bs"] += da.sum(axis=0)
            carry = np.clip(da @ self.Ws.T, -5, 5)
        return g
