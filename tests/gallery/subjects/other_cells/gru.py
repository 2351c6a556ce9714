import numpy as np


class GRU:
    def __init__(self, input_size, hidden_size):
        I, H = input_size, hidden_size
        self.hidden_size = H
        self.Wz, self.Uz, self.bz = np.random.randn(H, I) * 0.3, np.random.randn(H, H) * 0.3, np.zeros((H, 1))
        self.Wr, self.Ur, self.br = np.random.randn(H, I) * 0.3, np.random.randn(H, H) * 0.3, np.zeros((H, 1))
        self.Wh, self.Uh, self.bh = np.random.randn(H, I) * 0.3, np.random.randn(H, H) * 0.3, np.zeros((H, 1))

    @staticmethod
    def sigma(a):
        return 1 / (1 + np.exp(-a))

    def forward(self, xs):
        """xs: list of columns; returns the list of hidden states"""
        h = np.zeros((self.hidden_size, 1))
        self.saved, hs = [], []
        for x in xs:
            z = self.sigma(self.Wz @ x + self.Uz @ h + self.bz)
            r = self.sigma(self.Wr @ x + self.Ur @ h + self.br)
            c = np.tanh(self.Wh @ x + self.Uh @ (r * h) + self.bh)
            new = (1 - z) * h + z * c
            self.saved.append((x, h, z, r, c))
            h = new
            hs.append(h)
        return hs

    def backward(self, dhs):
        g = {k: np.zeros_like(getattr(self, k)) for k in ("Wz", "Uz", "bz", "Wr", "Ur", "br", "Wh", "Uh", "bh")}
        dh = np.zeros((self.hidden_size, 1))
        for t in reversed(range(len(dhs))):
            x, h, z, r, c = self.saved[t]
            dh = dh + dhs[t]
            dz = dh * (c - h) * z * (1 - z)
            dc = dh * z * (1 - c ** 2)
            drh = self.Uh.T @ dc
            dr = drh * h * r * (1 - r)
            for name, d, s in (("z", dz, h), ("r", dr, h), ("h", dc, r * h)):
                g["W" + name] += d @ x.T
                g["U" + name] += d @ s.T
                g["b" + name] += d
            dh = dh * (1 - z) + drh * r + self.Uz.T @ dz + self.Ur.T @ dr
        return g
