"""Right networks as people write them, as functions: the texts of their source."""

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
