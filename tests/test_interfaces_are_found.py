"""How a hand-written network is called is found out: whatever it is found to show agrees with the reference."""

import builtins
import sys
from pathlib import Path

import numpy as np
import pytest

from conformance.calling import Bound, Unbound, bindings, handwritten, load
from conformance.calling.limits import AskedForInput, TookTooLong
from conformance.cases import materialise
from conformance.observation import Observation
from conformance.subjects.reference import observe

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

GLOBALS = """
import numpy as np
import matplotlib.pyplot as plt
hidden_size, vocab_size, seq_length = 100, 27, 25
Wxh = np.random.randn(hidden_size, vocab_size) * 0.01
Whh = np.random.randn(hidden_size, hidden_size) * 0.01
Why = np.random.randn(vocab_size, hidden_size) * 0.01
bh, by = np.zeros((hidden_size, 1)), np.zeros((vocab_size, 1))
def step(inputs, targets, hprev):
    hs, ps, xs, loss = {-1: hprev}, {}, {}, 0
    for t, i in enumerate(inputs):
        xs[t] = np.zeros((vocab_size, 1)); xs[t][i] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        y = Why @ hs[t] + by
        ps[t] = np.exp(y) / np.exp(y).sum()
        loss -= np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy, dbh, dby = (np.zeros_like(w) for w in (Wxh, Whh, Why, bh, by))
    dh = np.zeros_like(bh)
    for t in reversed(range(len(inputs))):
        dy = ps[t].copy(); dy[targets[t]] -= 1
        dWhy += dy @ hs[t].T; dby += dy
        da = (Why.T @ dy + dh) * (1 - hs[t] ** 2)
        dWxh += da @ xs[t].T; dWhh += da @ hs[t - 1].T; dbh += da
        dh = Whh.T @ da
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]
data = open("no_such_file.txt").read()
while True:
    step(data)
"""

DICT = """
import numpy as np
def run(x, h0, params):
    states = [h0]
    for t in range(x.shape[2]):
        states.append(np.tanh(params["Wax"] @ x[:, :, t] + params["Waa"] @ states[-1] + params["ba"]))
    return np.stack(states[1:], axis=2), (states, x, params)
def run_backward(dh, caches):
    states, x, params = caches
    g = {"d" + k: np.zeros_like(v) for k, v in params.items()}
    carry = np.zeros_like(states[0])
    for t in reversed(range(x.shape[2])):
        da = (dh[:, :, t] + carry) * (1 - states[t + 1] ** 2)
        g["dWax"] += da @ x[:, :, t].T; g["dWaa"] += da @ states[t].T; g["dba"] += da.sum(1, keepdims=True)
        carry = params["Waa"].T @ da
    return g
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

CLOSURE = """
import numpy as np
def make_rnn(n_in, n_hid, n_out):
    Wx = np.random.randn(n_hid, n_in) * .1
    Wh = np.random.randn(n_hid, n_hid) * .1
    Wy = np.random.randn(n_out, n_hid) * .1
    bh = np.zeros(n_hid); by = np.zeros(n_out)
    def forward(xs):
        hs = [np.zeros(n_hid)]
        for x in xs:
            hs.append(np.tanh(Wx @ x + Wh @ hs[-1] + bh))
        ys = [Wy @ h + by for h in hs[1:]]
        return ys, (xs, hs)
    def backward(dys, cache):
        xs, hs = cache
        dWx, dWh, dWy = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy)
        dbh, dby = np.zeros_like(bh), np.zeros_like(by)
        dh = np.zeros(n_hid)
        for t in reversed(range(len(xs))):
            dWy += np.outer(dys[t], hs[t+1]); dby += dys[t]
            dh = dh + Wy.T @ dys[t]
            da = dh * (1 - hs[t+1]**2)
            dWx += np.outer(da, xs[t]); dWh += np.outer(da, hs[t]); dbh += da
            dh = Wh.T @ da
        return dWx, dWh, dWy, dbh, dby
    return forward, backward
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

LIST_OF_PARAMETERS = """
import numpy as np
def init(I, H, O):
    r = np.random.randn
    return [r(I, H) * .1, r(H, H) * .1, np.zeros((1, H)), r(H, O) * .1, np.zeros((1, O))]
def forward(params, X, h):
    W_xh, W_hh, b_h, W_hq, b_q = params
    outputs, states = [], [h]
    for x in X:
        h = np.tanh(x @ W_xh + h @ W_hh + b_h); states.append(h)
        outputs.append(h @ W_hq + b_q)
    return np.concatenate(outputs, axis=0), states
def backward(params, X, states, dY):
    W_xh, W_hh, b_h, W_hq, b_q = params
    grads = [np.zeros_like(p) for p in params]
    T, B = X.shape[:2]
    dY = dY.reshape(T, B, -1); dn = 0
    for t in reversed(range(T)):
        grads[3] += states[t+1].T @ dY[t]; grads[4] += dY[t].sum(0, keepdims=True)
        da = (dY[t] @ W_hq.T + dn) * (1 - states[t+1] ** 2)
        grads[0] += X[t].T @ da; grads[1] += states[t].T @ da; grads[2] += da.sum(0, keepdims=True)
        dn = da @ W_hh.T
    return grads
"""

CELL = """
import numpy as np
def step(x, h, W, U, b):
    new = np.tanh(W @ x + U @ h + b)
    return new, (x, h, W, U, new)
def step_backward(d_new, cache):
    x, h, W, U, new = cache
    da = d_new * (1 - new ** 2)
    return W.T @ da, U.T @ da, np.outer(da, x), np.outer(da, h), da
"""

COUPLED = """
import numpy as np
def couplings(n_r, n_u, n_z):
    J, B, theta = np.random.randn(n_r, n_r), np.random.randn(n_r, n_u), np.zeros(n_r)
    C = np.random.randn(n_z, n_r)
    return J, B, theta, C
def propagate(J, B, theta, C, u, r0):
    r = [r0]
    for u_t in u:
        r.append(np.tanh(J @ r[-1] + B @ u_t + theta))
    r = np.array(r)
    return r, r[1:] @ C.T
def adjoint(J, B, theta, C, u, r, z, z_star):
    F_J, F_B, F_theta, back = np.zeros_like(J), np.zeros_like(B), np.zeros_like(theta), 0
    for t in range(len(u) - 1, -1, -1):
        mu = (1 - r[t + 1] ** 2) * (C.T @ (z - z_star)[t] + back)
        F_J += np.outer(mu, r[t]); F_B += np.outer(mu, u[t]); F_theta += mu
        back = J.T @ mu
    return F_J, F_B, F_theta, (z - z_star).T @ r[1:]
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

RECORDS = """
import numpy as np
from typing import NamedTuple
class Cell(NamedTuple):
    w_in: np.ndarray
    w_rec: np.ndarray
    bias: np.ndarray
class Tape(NamedTuple):
    fed: np.ndarray
    path: np.ndarray
def unroll(x, cell):
    h = np.zeros((len(x) + 1, x.shape[1], len(cell.w_rec)))
    for t in range(len(x)):
        h[t + 1] = np.tanh(x[t] @ cell.w_in.T + h[t] @ cell.w_rec.T + cell.bias)
    return h[1:], Tape(x, h)
def unroll_backward(dh, s, cell):
    grads, carry = Cell(*(np.zeros_like(w) for w in cell)), 0
    for t in reversed(range(len(dh))):
        da = (dh[t] + carry) * (1 - s.path[t + 1] ** 2)
        for total, part in zip(grads, (da.T @ s.fed[t], da.T @ s.path[t], da.sum(0))):
            total += part
        carry = da @ cell.w_rec
    return grads
"""

PULLBACK = """
import numpy as np
def make_params(n_in, n_hidden, n_out):
    r = np.random.randn
    params = {"Wx": r(n_hidden, n_in), "Wh": r(n_hidden, n_hidden), "bh": np.zeros(n_hidden)}
    return params | {"Wy": r(n_out, n_hidden), "by": np.zeros(n_out)}
def forward(params, x):
    h = np.zeros((len(x) + 1, x.shape[1], len(params["bh"])))
    for t in range(len(x)):
        h[t + 1] = np.tanh(x[t] @ params["Wx"].T + h[t] @ params["Wh"].T + params["bh"])
    def pull(v):
        g, carry = {name: np.zeros_like(w) for name, w in params.items()}, 0
        for t in reversed(range(len(x))):
            da = (v[t] @ params["Wy"] + carry) * (1 - h[t + 1] ** 2)
            g["Wy"] += v[t].T @ h[t + 1]; g["by"] += v[t].sum(0)
            g["Wx"] += da.T @ x[t]; g["Wh"] += da.T @ h[t]; g["bh"] += da.sum(0)
            carry = da @ params["Wh"]
        return g
    return h[1:] @ params["Wy"].T + params["by"], pull
"""

RIGHT = {
    "in place": IN_PLACE,
    "globals": GLOBALS,
    "dict": DICT,
    "joined": JOINED,
    "closure": CLOSURE,
    "stacked": STACKED,
    "fixed sizes": FIXED_SIZES,
    "steps, then all": STEPS_THEN_ALL,
    "truncated, on ids": TRUNCATED_IDS,
    "list of parameters": LIST_OF_PARAMETERS,
    "cell": CELL,
    "training on lists of sequences": IN_PLACE.replace(
        "    def backward(self, d_y, lr=0.01):\n",
        "    def train(self, sequences, targets, lr, epochs=1000):\n"
        "        for _ in range(epochs):\n"
        "            for inputs, target in zip(sequences, targets):\n"
        "                self._learn(self.forward(inputs) - target, lr)\n"
        "    def _learn(self, d_y, lr):\n",
    ),
    "binary cross-entropy": CHORDS,
    "made by a function of another name": COUPLED,
    "begun before a sequence": BEGUN,
    "two widths, logarithms of softmax": TWO_WIDTHS,
    "sizes in a dataclass": CONFIGURED,
    "forward returns the backward pass": PULLBACK,
    "weights, tape and gradients in named tuples": RECORDS,
    "functions and their weights": CLOSURE.replace(
        "return forward, backward", "return forward, backward, {'Wx': Wx}"
    ),
}
CONSTANT = {"joined": 2.0}


def found(folder: Path, text: str, name: str = "") -> Bound | Unbound:
    path = folder / "subject.py"
    path.write_text(text, encoding="utf-8")
    return next(iter(bindings(load(f"{path}:{name}" if name else str(path)))))


@pytest.mark.parametrize("form", RIGHT)
def test_a_right_network_is_found_right(form: str, tmp_path: Path) -> None:
    bound = found(tmp_path, RIGHT[form])
    assert not isinstance(bound, Unbound)
    problem = bound.admit(materialise(bound.problem_case))
    shown, right = bound.run(problem), observe(problem, np.float64)
    assert {"weight_ih_l0", "weight_hh_l0"} <= set(shown.parameters)
    for name, gradient in shown.parameters.items():
        np.testing.assert_allclose(
            gradient, CONSTANT.get(form, 1.0) * right.parameters[name], rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("form", RIGHT)
def test_the_adapter_alone_shows_the_same(form: str, tmp_path: Path) -> None:
    bound = found(tmp_path, RIGHT[form])
    assert not isinstance(bound, Unbound)
    problem = bound.admit(materialise(bound.problem_case))
    names: dict[str, object] = {}
    exec(bound.interface.adapter(), names)  # noqa: S102 - an adapter is Python
    assert equal(names["network"].run(problem), bound.run(problem))


def equal(one: Observation, other: Observation) -> bool:
    pairs = [(one.parameters, other.parameters), (one.hidden, other.hidden), ({0: one.y}, {0: other.y})]
    return all(
        list(a) == list(b) and all(np.array_equal(a[key], b[key]) for key in a if a[key] is not None)
        for a, b in pairs
    )


def test_what_nobody_can_call_is_unbound_and_says_why(tmp_path: Path) -> None:
    text = "class Net:\n    def forward(self, x):\n        return open(x[0][0]).mode\n"
    unbound = found(tmp_path, text, "Net")
    assert isinstance(unbound, Unbound)
    assert "open(x[0][0])" in unbound.attempts[0].problem
    assert "network = handwritten(" in unbound.skeleton


SIGMOID = IN_PLACE.replace("np.tanh(", "(lambda a: 1 / (1 + np.exp(-a)))(").replace(
    "(1 - self.hs[t] ** 2)", "{slope}"
)


@pytest.mark.parametrize(
    ("slope", "agrees"), [("self.hs[t] * (1 - self.hs[t])", True), ("(1 - self.hs[t] ** 2)", False)]
)
def test_another_recurrence_is_judged_by_its_own_forward(slope: str, agrees: bool, tmp_path: Path) -> None:  # noqa: FBT001
    bound = found(tmp_path, SIGMOID.replace("{slope}", slope))
    assert not isinstance(bound, Unbound)
    assert bound.mistake == "activation = sigmoid"
    own = bound.own_forward()
    assert set(own.gradients) == set(own.parameters)
    step, worst = 1e-6, 0.0
    for name, gradient in own.gradients.items():
        direction = np.random.default_rng(0).normal(size=gradient.shape)
        ahead, behind = (
            np.vdot(
                own.outputs({**own.parameters, name: own.parameters[name] + side * direction}), own.cotangent
            )
            for side in (step, -step)
        )
        slope_there = (ahead - behind) / (2 * step)
        worst = max(worst, abs(slope_there - np.vdot(gradient, direction)) / abs(slope_there))
    assert bool(worst < step) == agrees  # the error of central differences is of order step²


def test_a_mistake_that_raises_comes_out_when_it_runs(tmp_path: Path) -> None:
    bound = found(tmp_path, IN_PLACE.replace("dh = self.B.T @ da", "dh = self.B.T @ d_a"))
    assert not isinstance(bound, Unbound)
    with pytest.raises(NameError, match="d_a"):
        bound.run(bound.admit(materialise(bound.problem_case)))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("input('more? ')", AskedForInput),
        ("[x for _ in iter(int, 1)]", TookTooLong),
        ("raise SystemExit(3)", SystemExit),
    ],
)
def test_a_forward_pass_that_asks_hangs_or_leaves_does_so_when_it_runs(
    line: str, error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.calling.program.CALL", 0.2)
    bound = found(tmp_path, f"class Net:\n    def forward(self, x):\n        {line}\n", "Net")
    assert not isinstance(bound, Unbound)
    with pytest.raises(error):
        bound.run(bound.admit(materialise(bound.problem_case)))


def test_a_right_network_with_a_wrong_backward_is_shown_as_it_is(tmp_path: Path) -> None:
    bound = found(tmp_path, IN_PLACE.replace("dh = self.B.T @ da", "dh = self.B @ da"))
    assert not isinstance(bound, Unbound)
    problem = bound.admit(materialise(bound.problem_case))
    shown, right = bound.run(problem).parameters, observe(problem, np.float64).parameters
    np.testing.assert_allclose(shown["head.weight"], right["head.weight"], rtol=1e-9)
    assert np.abs(shown["weight_hh_l0"] - right["weight_hh_l0"]).max() > 0.01


def test_one_who_asks_for_the_next_way_is_outside_the_sandbox(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path.cwd()
    found(tmp_path, IN_PLACE)
    print("heard")  # noqa: T201 - whether it is heard is the question
    assert capsys.readouterr().out == "heard\n"
    assert Path.cwd() == folder


def test_an_interface_stated_outright_is_called_as_stated(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(IN_PLACE, encoding="utf-8")
    bound = handwritten(
        f"{tmp_path / 'net.py'}:Net",
        build="model = code.Net(p.I, p.H, p.O)",
        weights={
            "model.A": "p.W_ih",
            "model.B": "p.W_hh",
            "model.C": "p.W_hy",
            "model.p": "p.b[:, None]",
            "model.q": "p.b_y[:, None]",
        },
        forward="y = model.forward(p.x[:, 0])",
        backward="model.backward(p.d_y[-1].T, 1.0)",
        shown={"y": "y.T[None]", "W_hh": "p.W_hh - model.B", "b": "(p.b[:, None] - model.p)[:, 0]"},
        case="rnn-tanh-T7-single-I4-H6-O5-noh0-dlast-f64-gain1.2-s0",
    )
    problem = bound.admit(materialise(bound.problem_case))
    shown, right = bound.run(problem), observe(problem, np.float64)
    for name in ("weight_hh_l0", "bias_ih_l0"):
        np.testing.assert_allclose(shown.parameters[name], right.parameters[name], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(shown.y[-1], right.y[-1], rtol=1e-9)


def test_a_right_cell_says_nothing_for_a_wrong_loop_around_it(tmp_path: Path) -> None:
    loop = """
def unroll(xs, h, W, U, b):
    hs, caches = [], []
    for x in xs:
        h, cache = step(x, h, W, U, b)
        hs.append(h)
        caches.append(cache)
    return hs, caches
def unroll_backward(d_hs, caches):
    d_W = d_U = d_b = 0
    for d_h, cache in zip(d_hs[::-1], caches[::-1]):
        _, carried_and_lost, of_W, of_U, of_b = step_backward(d_h, cache)
        d_W, d_U, d_b = d_W + of_W, d_U + of_U, d_b + of_b
    return d_W, d_U, d_b
"""
    bound = found(tmp_path, CELL + loop)
    assert not isinstance(bound, Unbound)
    assert "unroll_backward" in " ".join(bound.backward)
    problem = bound.admit(materialise(bound.problem_case))
    shown, right = bound.run(problem).parameters, observe(problem, np.float64).parameters
    assert np.abs(shown["weight_hh_l0"] - right["weight_hh_l0"]).max() > 0.01


def test_training_that_cannot_be_called_is_a_backward_pass_that_could_not_be_called(tmp_path: Path) -> None:
    reads = IN_PLACE.replace(
        "def backward(self, d_y, lr=0.01):", "def train(self, table, lr=0.01):\n        d_y = table.split()"
    )
    bound = found(tmp_path, reads.replace("            w -= lr * g\n", "            self.A -= lr * dA\n"))
    assert not isinstance(bound, Unbound)
    assert [attempt.what for attempt in bound.uncalled] == ["model.train"]


def test_what_no_argument_can_mend_is_raised(tmp_path: Path) -> None:
    misspelt = IN_PLACE.replace("self.B @ self.hs[t - 1]", "self.B @ self.h[t - 1]")
    bound = found(tmp_path, misspelt)
    assert not isinstance(bound, Unbound)
    assert bound.description.endswith("called as model.forward")
    with pytest.raises(AttributeError, match="has no attribute 'h'"):
        bound.run(bound.admit(materialise(bound.problem_case)))


def test_a_search_that_nobody_finishes_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "subject.py").write_text(IN_PLACE)
    before = (sys.stdout, sys.stderr, Path.cwd(), builtins.input)
    ways = bindings(load(f"{tmp_path / 'subject.py'}:Net"))
    assert not isinstance(next(ways), Unbound)
    assert (sys.stdout, sys.stderr, Path.cwd(), builtins.input) == before
