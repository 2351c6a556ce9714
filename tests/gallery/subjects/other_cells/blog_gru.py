import numpy as np

'''
Post 4 of "nets from nothing": the GRU.

    z_t = sigmoid(Wz x_t + Uz h_{t-1} + bz)          update gate
    r_t = sigmoid(Wr x_t + Ur h_{t-1} + br)          reset gate
    n_t = tanh(Wn x_t + Un (r_t * h_{t-1}) + bn)     candidate
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}
'''


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


class GRULayer:
    def __init__(self, n_input, n_hidden):
        s = 1 / np.sqrt(n_hidden)
        u = lambda *shape: np.random.uniform(-s, s, shape)
        self.Wz, self.Uz, self.bz = u(n_hidden, n_input), u(n_hidden, n_hidden), np.zeros(n_hidden)
        self.Wr, self.Ur, self.br = u(n_hidden, n_input), u(n_hidden, n_hidden), np.zeros(n_hidden)
        self.Wn, self.Un, self.bn = u(n_hidden, n_input), u(n_hidden, n_hidden), np.zeros(n_hidden)
        self.n_hidden = n_hidden

    def forward(self, xs, h0=None):
        h = np.zeros(self.n_hidden) if h0 is None else h0
        self.xs = xs
        self.cache = []
        out = []
        for x in xs:
            z = sigmoid(self.Wz @ x + self.Uz @ h + self.bz)
            r = sigmoid(self.Wr @ x + self.Ur @ h + self.br)
            n = np.tanh(self.Wn @ x + self.Un @ (r * h) + self.bn)
            h_new = (1 - z) * n + z * h
            self.cache.append((h, z, r, n))
            h = h_new
            out.append(h)
        return np.array(out)

    def backward(self, dhs):
        """dhs[t] = dLoss/dh_t from above. Leaves gradients in self.grads, returns dx."""
        g = {k: np.zeros_like(getattr(self, k))
             for k in ("Wz", "Uz", "bz", "Wr", "Ur", "br", "Wn", "Un", "bn")}
        dxs = np.zeros_like(self.xs)
        dh = np.zeros(self.n_hidden)
        for t in range(len(self.xs) - 1, -1, -1):
            x = self.xs[t]
            h, z, r, n = self.cache[t]
            dh = dh + dhs[t]

            dz = dh * (h - n) * z * (1 - z)
            dn = dh * (1 - z) * (1 - n ** 2)
            drh = self.Un.T @ dn
            dr = drh * h * r * (1 - r)

            for name, d, hin in (("z", dz, h), ("r", dr, h), ("n", dn, r * h)):
                g["W" + name] += np.outer(d, x)
                g["U" + name] += np.outer(d, hin)
                g["b" + name] += d

            dxs[t] = self.Wz.T @ dz + self.Wr.T @ dr + self.Wn.T @ dn
            # three roads back to h_{t-1}
            dh = dh * z + self.Uz.T @ dz + self.Ur.T @ dr
        self.grads = g
        return dxs

    def step(self, lr):
        for k, v in self.grads.items():
            setattr(self, k, getattr(self, k) - lr * v)


def demo():
    np.random.seed(1)
    layer = GRULayer(3, 8)
    for epoch in range(200):
        xs = np.random.randn(6, 3)
        target = np.tanh(np.cumsum(xs.sum(1)))[:, None] * np.ones(8) * 0.5
        hs = layer.forward(xs)
        layer.backward(hs - target)
        layer.step(0.05)
        if epoch % 50 == 0:
            print(epoch, 0.5 * np.sum((hs - target) ** 2))


if __name__ == "__main__":
    demo()
