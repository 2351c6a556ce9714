# ported from my Julia code (SimpleRNN.jl). Arrays there are (features, batch) per time step
# so I kept that: a sequence is a Vector of matrices -> python list of (nx, B) arrays.
# mutating functions had a bang, here they have a trailing underscore.
import numpy as np

relu = lambda z: np.maximum(z, 0)


class Chain_:
    """mutable struct SimpleRNN; Wx; Wh; b; Wo; bo; end"""

    def __init__(self, nx, nh, ny, rng=np.random.default_rng(99)):
        g = lambda m, n: rng.uniform(-1, 1, (m, n)) * np.sqrt(6 / (m + n))   # glorot_uniform
        self.Wx = g(nh, nx)
        self.Wh = 0.5 * np.linalg.qr(rng.standard_normal((nh, nh)))[0]
        self.b = np.zeros((nh, 1))
        self.Wo = g(ny, nh)
        self.bo = np.zeros((ny, 1))

    def __call__(self, xs):
        hs, ys = self.unroll(xs)
        return ys

    def unroll(self, xs):
        B = xs[0].shape[1]
        hs = [np.zeros((self.Wh.shape[0], B))]
        ys = []
        for x in xs:
            h = relu(self.Wx @ x + self.Wh @ hs[-1] + self.b)
            hs.append(h)
            ys.append(self.Wo @ h + self.bo)
        return hs, ys

    def pullback(self, xs, ybars):
        """ybars: list of cotangents for every y. Returns a dict of cotangents for the fields."""
        hs, _ = self.unroll(xs)
        bar = {k: np.zeros_like(v) for k, v in vars(self).items()}
        hbar = np.zeros_like(hs[0])
        for t in range(len(xs) - 1, -1, -1):     # for t in length(xs):-1:1
            bar["Wo"] += ybars[t] @ hs[t + 1].T
            bar["bo"] += ybars[t].sum(axis=1, keepdims=True)
            hbar = hbar + self.Wo.T @ ybars[t]
            zbar = hbar * (hs[t] > 0)
            bar["Wx"] += zbar @ xs[t].T
            bar["Wh"] += zbar @ hs[t].T
            bar["b"] += zbar.mean(axis=1, keepdims=True)
            hbar = self.Wh.T @ zbar
        return bar


def loss(ys, targets):
    return sum(np.sum((y - d) ** 2) for y, d in zip(ys, targets))


def train_(m, data, eta=2e-4):
    for xs, ds in data:
        ys = m(xs)
        grads = m.pullback(xs, [2 * (y - d) for y, d in zip(ys, ds)])
        for k, g in grads.items():
            getattr(m, k)[...] -= eta * g
    return loss(m(xs), ds)


if __name__ == "__main__":
    rng = np.random.default_rng(5)
    m = Chain_(3, 20, 2)

    def batch(T=7, B=10):
        xs = [rng.standard_normal((3, B)) for _ in range(T)]
        ds, s = [], np.zeros((2, B))
        for x in xs:
            s = 0.6 * s + x[:2] * x[2]
            ds.append(s.copy())
        return xs, ds

    for epoch in range(10):
        print("epoch", epoch, train_(m, [batch() for _ in range(30)]))
