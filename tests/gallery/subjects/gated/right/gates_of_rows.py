import numpy as np


class GRU:
    """(B, T, D), one matrix for each gate, h = (1 - z) h + z candidate."""

    def __init__(self, D, H):
        self.D, self.H = D, H
        for gate in ("z", "r", "h"):
            setattr(self, "W" + gate, np.random.randn(D, H) * 0.2)
            setattr(self, "U" + gate, np.random.randn(H, H) * 0.2)
            setattr(self, "b" + gate, np.zeros(H))

    def sigmoid(self, a):
        return 1 / (1 + np.exp(-a))

    def forward(self, x):
        B, T, _ = x.shape
        self.x = x
        self.hs = np.zeros((T + 1, B, self.H))
        self.z, self.r, self.n = [], [], []
        for t in range(T):
            h = self.hs[t]
            z = self.sigmoid(x[:, t] @ self.Wz + h @ self.Uz + self.bz)
            r = self.sigmoid(x[:, t] @ self.Wr + h @ self.Ur + self.br)
            n = np.tanh(x[:, t] @ self.Wh + (r * h) @ self.Uh + self.bh)
            self.hs[t + 1] = (1 - z) * h + z * n
            self.z.append(z)
            self.r.append(r)
            self.n.append(n)
        return self.hs[1:].transpose(1, 0, 2)

    def backward(self, dout):
        B, T, _ = dout.shape
        g = {k + gate: np.zeros_like(getattr(self, k + gate)) for k in "WUb" for gate in "zrh"}
        dx = np.zeros_like(self.x)
        dh_next = np.zeros((B, self.H))
        for t in reversed(range(T)):
            z, r, n, h = self.z[t], self.r[t], self.n[t], self.hs[t]
            dh = dout[:, t] + dh_next
            dn = dh * z * (1 - n ** 2)
            dz = dh * (n - h) * z * (1 - z)
            drh = dn @ self.Uh.T
            dr = drh * h * r * (1 - r)
            g["Wz"] += self.x[:, t].T @ dz
            g["Wr"] += self.x[:, t].T @ dr
            g["Wh"] += self.x[:, t].T @ dn
            g["Uz"] += h.T @ dz
            g["Ur"] += h.T @ dr
            g["Uh"] += (r * h).T @ dn
            g["bz"] += dz.sum(0)
            g["br"] += dr.sum(0)
            g["bh"] += dn.sum(0)
            dx[:, t] = dz @ self.Wz.T + dr @ self.Wr.T + dn @ self.Wh.T
            dh_next = dh * (1 - z) + drh * r + dz @ self.Uz.T + dr @ self.Ur.T
        return dx, g
