"""Right networks as people write them, as classes: the texts of their source."""

IN_PLACE = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.A = np.random.randn(n_hidden, n_in) * 0.01
        self.B = np.random.randn(n_hidden, n_hidden) * 0.01
        self.C = np.random.randn(n_out, n_hidden) * 0.01
        self.p, self.q = np.zeros((n_hidden, 1)), np.zeros((n_out, 1))
    def forward(self, inputs):
        self.xs, self.hs = inputs, {-1: np.zeros_like(self.p)}
        for t, x in enumerate(inputs):
            self.hs[t] = np.tanh(self.A @ x.reshape(-1, 1) + self.B @ self.hs[t - 1] + self.p)
        return self.C @ self.hs[len(inputs) - 1] + self.q
    def backward(self, d_y, lr=0.01):
        n = len(self.xs)
        dA, dB, dp = np.zeros_like(self.A), np.zeros_like(self.B), np.zeros_like(self.p)
        dC, dh = d_y @ self.hs[n - 1].T, self.C.T @ d_y
        for t in reversed(range(n)):
            da = (1 - self.hs[t] ** 2) * dh
            dA += da @ self.xs[t].reshape(1, -1)
            dB += da @ self.hs[t - 1].T
            dp += da
            dh = self.B.T @ da
        for w, g in ((self.A, dA), (self.B, dB), (self.C, dC), (self.p, dp), (self.q, d_y)):
            w -= lr * g
"""

JOINED = """
import numpy as np
class Net:
    def __init__(self, n, m, k):
        self.m, self.w = m, np.random.randn(n + m + 1, m)
        self.v = np.random.randn(m, k)
    def __call__(self, batch):
        self.z, self.h = [], [np.zeros((len(batch), self.m))]
        for t in range(batch.shape[1]):
            self.z.append(np.hstack([self.h[-1], batch[:, t], np.ones((len(batch), 1))]))
            self.h.append(np.tanh(self.z[-1] @ self.w))
        return np.stack([h @ self.v for h in self.h[1:]], axis=1)
    def grad(self, y, target):
        error, carry = 2 * (y - target), 0
        self.gw, self.gv = np.zeros_like(self.w), np.zeros_like(self.v)
        for t in range(len(self.z) - 1, -1, -1):
            self.gv += self.h[t + 1].T @ error[:, t]
            da = (error[:, t] @ self.v.T + carry) * (1 - self.h[t + 1] ** 2)
            self.gw += self.z[t].T @ da
            carry = (da @ self.w.T)[:, :self.m]
"""

STACKED = """
import numpy as np
class Layer:
    def __init__(self, n_in, n_h):
        self.Wx = np.random.randn(n_in, n_h); self.Wh = np.random.randn(n_h, n_h); self.b = np.zeros(n_h)
    def forward(self, x):
        self.x = x; T, B, _ = x.shape
        self.h = np.zeros((T + 1, B, self.b.size))
        for t in range(T): self.h[t] = np.tanh(x[t] @ self.Wx + self.h[t-1] @ self.Wh + self.b)
        return self.h[:-1]
    def backward(self, dh):
        self.dWx, self.dWh, self.db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        dx = np.zeros_like(self.x); nxt = 0
        for t in reversed(range(len(dh))):
            da = (dh[t] + nxt) * (1 - self.h[t]**2)
            self.dWx += self.x[t].T @ da; self.dWh += self.h[t-1].T @ da; self.db += da.sum(0)
            dx[t] = da @ self.Wx.T; nxt = da @ self.Wh.T
        return dx
class DeepRNN:
    def __init__(self, input_size, hidden_size, output_size):
        self.l1, self.l2 = Layer(input_size, hidden_size), Layer(hidden_size, hidden_size)
        self.Wy = np.random.randn(hidden_size, output_size); self.by = np.zeros(output_size)
    def forward(self, x):
        self.hh = self.l2.forward(self.l1.forward(x))
        return self.hh @ self.Wy + self.by
    def backward(self, dy):
        self.dWy = np.einsum('tbh,tbo->ho', self.hh, dy); self.dby = dy.sum((0, 1))
        return self.l1.backward(self.l2.backward(dy @ self.Wy.T))
"""

FIXED_SIZES = """
import numpy as np
class SineRNN:
    def __init__(self):
        self.U, self.W = np.random.uniform(-1, 1, (100, 1)), np.random.uniform(-1, 1, (100, 100))
        self.V = np.random.uniform(-1, 1, (1, 100))
    def forward(self, x):
        self.x = x; T = len(x)
        self.s = np.zeros((T + 1, 100, 1)); y = np.zeros(T)
        for t in range(T):
            self.s[t] = np.tanh(self.U * x[t] + self.W @ self.s[t-1])
            y[t] = (self.V @ self.s[t])[0, 0]
        return y
    def bptt(self, dy):
        dU, dW, dV = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.V)
        dnext = np.zeros((100, 1))
        for t in reversed(range(len(dy))):
            dV += dy[t] * self.s[t].T
            ds = self.V.T * dy[t] + dnext
            da = ds * (1 - self.s[t]**2)
            dU += da * self.x[t]; dW += da @ self.s[t-1].T
            dnext = self.W.T @ da
        return dU, dV, dW
"""

STEPS_THEN_ALL = """
import numpy as np
class OnlineRNN:
    def __init__(self, input_dim, hidden_dim, output_dim):
        self.Wx = np.random.randn(hidden_dim, input_dim) * .1; self.Wh = np.random.randn(hidden_dim, hidden_dim) * .1
        self.Wy = np.random.randn(output_dim, hidden_dim) * .1
        self.bh = np.zeros((hidden_dim, 1)); self.by = np.zeros((output_dim, 1))
        self.reset()
    def reset(self):
        self.h = np.zeros((self.Wh.shape[0], 1)); self.tape = []
    def step(self, x):
        h_prev = self.h
        self.h = np.tanh(self.Wx @ x + self.Wh @ h_prev + self.bh)
        self.tape.append((x, h_prev, self.h))
        return self.Wy @ self.h + self.by
    def backward(self, dys):
        g = [np.zeros_like(w) for w in (self.Wx, self.Wh, self.Wy, self.bh, self.by)]
        dh = np.zeros_like(self.h)
        for (x, hp, h), dy in zip(self.tape[::-1], dys[::-1]):
            g[2] += dy @ h.T; g[4] += dy
            da = (dh + self.Wy.T @ dy) * (1 - h * h)
            g[0] += da @ x.T; g[1] += da @ hp.T; g[3] += da
            dh = self.Wh.T @ da
        return g
"""

TRUNCATED_IDS = """
import numpy as np
class RNNNumpy:
    def __init__(self, word_dim, hidden_dim=100, bptt_truncate=4):
        self.word_dim, self.hidden_dim, self.bptt_truncate = word_dim, hidden_dim, bptt_truncate
        self.U = np.random.uniform(-.1, .1, (hidden_dim, word_dim))
        self.V = np.random.uniform(-.1, .1, (word_dim, hidden_dim))
        self.W = np.random.uniform(-.1, .1, (hidden_dim, hidden_dim))
    def forward_propagation(self, x):
        T = len(x); s = np.zeros((T + 1, self.hidden_dim)); o = np.zeros((T, self.word_dim))
        for t in np.arange(T):
            s[t] = np.tanh(self.U[:, x[t]] + self.W.dot(s[t-1]))
            e = np.exp(self.V.dot(s[t])); o[t] = e / e.sum()
        return [o, s]
    def bptt(self, x, y):
        T = len(y); o, s = self.forward_propagation(x)
        dLdU, dLdV, dLdW = np.zeros(self.U.shape), np.zeros(self.V.shape), np.zeros(self.W.shape)
        delta_o = o; delta_o[np.arange(len(y)), y] -= 1.
        for t in np.arange(T)[::-1]:
            dLdV += np.outer(delta_o[t], s[t].T)
            delta_t = self.V.T.dot(delta_o[t]) * (1 - (s[t] ** 2))
            for b in np.arange(max(0, t - self.bptt_truncate), t + 1)[::-1]:
                dLdW += np.outer(delta_t, s[b-1]); dLdU[:, x[b]] += delta_t
                delta_t = self.W.T.dot(delta_t) * (1 - s[b-1] ** 2)
        return [dLdU, dLdV, dLdW]
"""

BEGUN = """
import numpy as np
class Cell:
    def __init__(self, d_in, d_hid):
        self.M, self.d_in, self.d_hid = np.random.randn(d_in + d_hid + 1, d_hid), d_in, d_hid
        self.gM, self.tape = np.zeros_like(self.M), None
    def begin(self, batch):
        self.tape, self.state, self.carry = [], np.zeros((batch, self.d_hid)), np.zeros((batch, self.d_hid))
        self.gM[:] = 0
    def step(self, x):
        v = np.hstack([x, self.state, np.ones((len(x), 1))])
        self.state = np.tanh(v @ self.M)
        self.tape.append((v, self.state))
        return self.state
    def step_back(self, dh):
        v, h = self.tape.pop()
        da = (dh + self.carry) * (1 - h * h)
        self.gM += v.T @ da
        dv = da @ self.M.T
        self.carry = dv[:, self.d_in:-1]
        return dv[:, :self.d_in]
"""

TWO_WIDTHS = """
import numpy as np
class Tower:
    def __init__(self, nsym, nh1, nh2):
        r = np.random.randn
        self.A1, self.R1, self.c1 = r(nh1, nsym), r(nh1, nh1), np.zeros(nh1)
        self.A2, self.R2, self.c2 = r(nh2, nh1), r(nh2, nh2), np.zeros(nh2)
        self.V = r(nsym, nh2)
    def forward(self, xs):
        self.xs = xs; T = len(xs)
        self.g1, self.g2 = np.zeros((T + 1, len(self.c1))), np.zeros((T + 1, len(self.c2)))
        self.p = np.zeros((T, len(self.V)))
        for t in range(T):
            self.g1[t] = np.tanh(self.A1 @ xs[t] + self.R1 @ self.g1[t - 1] + self.c1)
            self.g2[t] = np.tanh(self.A2 @ self.g1[t] + self.R2 @ self.g2[t - 1] + self.c2)
            e = np.exp(self.V @ self.g2[t]); self.p[t] = e / e.sum()
        return np.log(self.p)
    def backward(self, ys):
        for n in ("A1", "R1", "c1", "A2", "R2", "c2", "V"):
            setattr(self, "g" + n, np.zeros_like(getattr(self, n)))
        n1 = n2 = 0
        for t in range(len(ys) - 1, -1, -1):
            e = self.p[t].copy(); e[ys[t]] -= 1
            self.gV += np.outer(e, self.g2[t])
            d2 = (self.V.T @ e + n2) * (1 - self.g2[t] ** 2)
            d1 = (self.A2.T @ d2 + n1) * (1 - self.g1[t] ** 2)
            self.gA2 += np.outer(d2, self.g1[t]); self.gR2 += np.outer(d2, self.g2[t - 1]); self.gc2 += d2
            self.gA1 += np.outer(d1, self.xs[t]); self.gR1 += np.outer(d1, self.g1[t - 1]); self.gc1 += d1
            n1, n2 = self.R1.T @ d1, self.R2.T @ d2
"""

CHORDS = """
import numpy as np
def logistic(z):
    return 1 / (1 + np.exp(-z))
class Chords:
    def __init__(self, n_keys, n_hidden):
        r = np.random.randn
        self.theta = {"Wkh": r(n_hidden, n_keys), "Whh": r(n_hidden, n_hidden), "bh": np.zeros(n_hidden)}
        self.theta |= {"Whk": r(n_keys, n_hidden), "bk": np.zeros(n_keys)}
    def listen(self, roll):
        th, (B, T, _) = self.theta, roll.shape
        self.roll, self.P, self.H = roll, np.zeros(roll.shape), np.zeros((T + 1, B, len(th["bh"])))
        for t in range(T):
            self.H[t + 1] = np.tanh(roll[:, t] @ th["Wkh"].T + self.H[t] @ th["Whh"].T + th["bh"])
            self.P[:, t] = logistic(self.H[t + 1] @ th["Whk"].T + th["bk"])
        return self.P
    def learn(self, nxt):
        th, carry = self.theta, 0
        g = {k: np.zeros_like(w) for k, w in th.items()}
        for t in range(nxt.shape[1] - 1, -1, -1):
            error = self.P[:, t] - nxt[:, t]
            da = (error @ th["Whk"] + carry) * (1 - self.H[t + 1] ** 2)
            g["Whk"] += error.T @ self.H[t + 1]; g["bk"] += error.sum(0)
            g["Wkh"] += da.T @ self.roll[:, t]; g["Whh"] += da.T @ self.H[t]; g["bh"] += da.sum(0)
            carry = da @ th["Whh"]
        return list(g.values())
"""

CONFIGURED = """
import numpy as np
from dataclasses import dataclass
@dataclass(frozen=True)
class Shape:
    n_in: int
    n_hidden: int
    n_targets: int
    seed: int = 0
    spread: float = 0.3
class Net:
    def __init__(self, cfg):
        r = np.random.default_rng(cfg.seed).normal
        self.cfg, self.U, self.W = cfg, r(size=(cfg.n_hidden, cfg.n_in)), r(size=(cfg.n_hidden, cfg.n_hidden))
        self.V, self.b, self.c = r(size=(cfg.n_targets, cfg.n_hidden)), r(size=cfg.n_hidden), r(size=cfg.n_targets)
    def forward(self, x):
        self.x, self.h = x, np.zeros((x.shape[0] + 1, x.shape[1], self.cfg.n_hidden))
        for t in range(len(x)):
            self.h[t + 1] = np.tanh(x[t] @ self.U.T + self.h[t] @ self.W.T + self.b)
        return self.h[1:] @ self.V.T + self.c
    def backward(self, dy):
        self.dU, self.dW, self.db = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.b)
        self.dV, self.dc = np.tensordot(dy, self.h[1:], ((0, 1), (0, 1))), dy.sum((0, 1))
        carry = 0
        for t in range(len(dy) - 1, -1, -1):
            da = (dy[t] @ self.V + carry) * (1 - self.h[t + 1] ** 2)
            self.dU += da.T @ self.x[t]; self.dW += da.T @ self.h[t]; self.db += da.sum(0)
            carry = da @ self.W
"""
