"""Right networks whose names say little, or that are handed their weights in a form of their own: source texts."""

VECTOR = """
import numpy as np
def views(theta, n, m, k):
    ends = np.cumsum([m * n, m * m, m, k * m, k])
    parts = np.split(theta, ends[:-1])
    return parts[0].reshape(m, n), parts[1].reshape(m, m), parts[2], parts[3].reshape(k, m), parts[4]
def cost(theta, x, target, n_hidden):
    U, W, b, V, c = views(theta, x.shape[1], n_hidden, target.shape[1])
    h, out = np.zeros((len(x) + 1, n_hidden)), np.zeros(target.shape)
    for t in range(len(x)):
        h[t + 1] = np.tanh(U @ x[t] + W @ h[t] + b)
        out[t] = V @ h[t + 1] + c
    grad = np.zeros_like(theta)
    gU, gW, gb, gV, gc = views(grad, x.shape[1], n_hidden, target.shape[1])
    carry = np.zeros(n_hidden)
    for t in range(len(x) - 1, -1, -1):
        e = out[t] - target[t]
        gV += np.outer(e, h[t + 1]); gc += e
        a = (V.T @ e + carry) * (1 - h[t + 1] ** 2)
        gU += np.outer(a, x[t]); gW += np.outer(a, h[t]); gb += a
        carry = W.T @ a
    return 0.5 * np.sum((out - target) ** 2), grad
"""

WORDS = """
import numpy as np
class Reviews:
    def __init__(self, n_words, embed_dim, hidden_dim, n_classes):
        r = np.random.default_rng(0)
        self.table = r.normal(size=(n_words, embed_dim))
        self.Wxh, self.Whh = r.normal(size=(embed_dim, hidden_dim)), r.normal(size=(hidden_dim, hidden_dim))
        self.Why = r.normal(size=(hidden_dim, n_classes))
        self.bh, self.by = np.zeros(hidden_dim), np.zeros(n_classes)
    def forward(self, words):
        self.words, self.x = words, self.table[words]
        self.h = [np.zeros((len(words), len(self.bh)))]
        for t in range(words.shape[1]):
            self.h.append(np.tanh(self.x[:, t] @ self.Wxh + self.h[-1] @ self.Whh + self.bh))
        z = self.h[-1] @ self.Why + self.by
        e = np.exp(z - z.max(1, keepdims=True))
        self.p = e / e.sum(1, keepdims=True)
        return self.p
    def backward(self, labels):
        d = self.p.copy()
        d[np.arange(len(labels)), labels] -= 1
        g = {"Why": self.h[-1].T @ d, "by": d.sum(0)}
        g.update(table=np.zeros_like(self.table), Wxh=0, Whh=0, bh=0)
        dh = d @ self.Why.T
        for t in reversed(range(self.words.shape[1])):
            da = dh * (1 - self.h[t + 1] ** 2)
            g["Wxh"] = g["Wxh"] + self.x[:, t].T @ da
            g["Whh"] = g["Whh"] + self.h[t].T @ da
            g["bh"] = g["bh"] + da.sum(0)
            np.add.at(g["table"], self.words[:, t], da @ self.Wxh.T)
            dh = da @ self.Whh.T
        return g
"""

FINNISH = """
import numpy as np
def alku(sisaan, piilo, ulos):
    r = np.random.RandomState(1)
    return {"Kxs": r.randn(piilo, sisaan), "Kss": r.randn(piilo, piilo), "ks": np.zeros(piilo),
            "Ksu": r.randn(ulos, piilo), "ku": np.zeros(ulos)}
def eteen(k, jono):
    tilat, tulos = [np.zeros(len(k["ks"]))], []
    for pala in jono:
        tilat.append(np.tanh(k["Kxs"] @ pala + k["Kss"] @ tilat[-1] + k["ks"]))
        tulos.append(k["Ksu"] @ tilat[-1] + k["ku"])
    return np.array(tulos), (jono, tilat)
def taakse(k, muisti, tulos, toive):
    jono, tilat = muisti
    summa = {nimi: np.zeros_like(arvo) for nimi, arvo in k.items()}
    perinto = np.zeros_like(tilat[0])
    for t in range(len(jono) - 1, -1, -1):
        ero = tulos[t] - toive[t]
        summa["Ksu"] += np.outer(ero, tilat[t + 1]); summa["ku"] += ero
        d = (k["Ksu"].T @ ero + perinto) * (1 - tilat[t + 1] ** 2)
        summa["Kxs"] += np.outer(d, jono[t]); summa["Kss"] += np.outer(d, tilat[t]); summa["ks"] += d
        perinto = k["Kss"].T @ d
    return summa
"""

VOCABULARY = """
import numpy as np
def start(n_a, n_x, n_y):
    r = np.random.default_rng(3)
    shapes = {"Wax": (n_a, n_x), "Waa": (n_a, n_a), "Wya": (n_y, n_a), "b": (n_a, 1), "by": (n_y, 1)}
    return {k: r.normal(size=s) for k, s in shapes.items()}
def chain_forward(X, Y, a0, parameters, vocab_size=31):
    a, x, y_hat, loss = {-1: a0.copy()}, {}, {}, 0.0
    for t, i in enumerate(X):
        x[t] = np.zeros((vocab_size, 1))
        x[t][i] = 1.0
        a[t] = np.tanh(parameters["Wax"] @ x[t] + parameters["Waa"] @ a[t - 1] + parameters["b"])
        e = np.exp(parameters["Wya"] @ a[t] + parameters["by"])
        y_hat[t] = e / e.sum()
        loss -= np.log(y_hat[t][Y[t], 0])
    return loss, (y_hat, a, x)
def chain_backward(X, Y, parameters, cache):
    y_hat, a, x = cache
    grads = {"d" + k: np.zeros_like(v) for k, v in parameters.items()}
    da_next = np.zeros_like(a[0])
    for t in reversed(range(len(X))):
        dy = y_hat[t].copy()
        dy[Y[t]] -= 1
        grads["dWya"] += dy @ a[t].T; grads["dby"] += dy
        da = (parameters["Wya"].T @ dy + da_next) * (1 - a[t] ** 2)
        grads["dWax"] += da @ x[t].T; grads["dWaa"] += da @ a[t - 1].T; grads["db"] += da
        da_next = parameters["Waa"].T @ da
    return grads, a
"""

LOGIT = """
import numpy as np
class Alarm:
    def __init__(self, n_in, n_hidden):
        r = np.random.default_rng(5)
        self.W, self.R, self.b = r.normal(size=(n_in, n_hidden)), np.eye(n_hidden), np.zeros(n_hidden)
        self.v, self.c = r.normal(size=(n_hidden, 1)), np.zeros(1)
    def logits(self, x):
        h = np.zeros((len(x), x.shape[1] + 1, len(self.b)))
        for t in range(x.shape[1]):
            h[:, t + 1] = np.tanh(x[:, t] @ self.W + h[:, t] @ self.R + self.b)
        return (h[:, -1] @ self.v + self.c)[:, 0], h
    def loss(self, x, y):
        z, _ = self.logits(x)
        return np.sum(np.logaddexp(0, z) - y * z)
    def loss_and_grad(self, x, y):
        z, h = self.logits(x)
        d = (1 / (1 + np.exp(-z)) - y)[:, None]
        g = {"v": h[:, -1].T @ d, "c": d.sum(0), "W": 0, "R": 0, "b": 0}
        dh = d @ self.v.T
        for t in range(x.shape[1], 0, -1):
            da = dh * (1 - h[:, t] ** 2)
            g["W"] = g["W"] + x[:, t - 1].T @ da
            g["R"] = g["R"] + h[:, t - 1].T @ da
            g["b"] = g["b"] + da.sum(0)
            dh = da @ self.R.T
        return self.loss(x, y), g
"""

RECORD = """
from dataclasses import dataclass, field
import numpy as np
@dataclass
class Params:
    w_in: np.ndarray
    w_rec: np.ndarray
    b_rec: np.ndarray
    w_out: np.ndarray
    b_out: np.ndarray
@dataclass
class Tracker:
    params: Params
    trail: list = field(default_factory=list)
    def forward(self, xs):
        p, h, self.trail, ys = self.params, np.zeros(len(self.params.b_rec)), [], []
        for x in xs:
            before, h = h, np.tanh(p.w_in @ x + p.w_rec @ h + p.b_rec)
            self.trail.append((x, before, h))
            ys.append(p.w_out @ h + p.b_out)
        return np.stack(ys)
    def backward(self, dys):
        p = self.params
        g = Params(*(np.zeros_like(w) for w in (p.w_in, p.w_rec, p.b_rec, p.w_out, p.b_out)))
        carry = 0.0
        for (x, before, h), dy in zip(self.trail[::-1], dys[::-1]):
            g.w_out += np.outer(dy, h); g.b_out += dy
            da = (p.w_out.T @ dy + carry) * (1 - h * h)
            g.w_in += np.outer(da, x); g.w_rec += np.outer(da, before); g.b_rec += da
            carry = p.w_rec.T @ da
        return g
"""

STORED = """
import numpy as np
class Deployed:
    def __init__(self, state):
        self.wi, self.wh = state["encoder.weight_ih_l0"], state["encoder.weight_hh_l0"]
        self.b = state["encoder.bias_ih_l0"] + state["encoder.bias_hh_l0"]
        self.wo, self.bo = state["decoder.weight"], state["decoder.bias"]
    def scores(self, frames):
        h = np.zeros(len(self.b))
        for frame in frames:
            h = np.tanh(self.wi @ frame + self.wh @ h + self.b)
        return self.wo @ h + self.bo
"""
