"""A reading under which a network would be wrong is taken only where nothing it shows speaks against it."""

import pytest
from support.small_networks import checked

from conformance.record.check import EXIT_DIFFERS

LISTED = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden):
        r = np.random.RandomState(4)
        self.w = [r.randn(n_hidden, n_in), r.randn(n_hidden, n_hidden) * 0.3, np.zeros(n_hidden), r.randn(n_hidden)]
    def forward(self, x):
        U, W, b, v = self.w
        h, hs = np.zeros(len(b)), []
        for x_t in x:
            h = np.tanh(U @ x_t + W @ h + b)
            hs.append(h)
        return {returned}
"""


def test_a_vector_that_is_read_is_no_bias_that_is_never_added(tmp_path):
    """The head of one output has the shape of a bias: that b_hh is unused would explain the states as well."""
    read = "np.array([1 / (1 + np.exp(-v @ h)) for h in hs]), np.array(hs)"
    record = checked(tmp_path, LISTED.format(returned=read))
    assert record.exit_code != EXIT_DIFFERS, record.headline


PAIRS = """
import numpy as np
class Net:
    def __init__(self, n_symbols, n_hidden):
        r = np.random.RandomState(4)
        self.U, self.W = r.randn(n_hidden, n_symbols), r.randn(n_hidden, n_hidden) * 0.3
        self.V = r.randn(n_symbols, n_hidden)
    def read(self, symbol, following):
        self.h = np.tanh(self.U[:, symbol] + self.W @ self.h)
        y = np.exp(self.V @ self.h)
        self.loss -= np.log(y[following] / y.sum())
    def forward(self, symbols):
        self.h, self.loss = np.zeros(len(self.W)), 0.0
        for symbol, following in zip(symbols[:-1], symbols[1:]):
            self.read(symbol, following)
        return self.loss
"""


def test_a_last_state_before_the_last_word_is_not_one_step_late(tmp_path):
    """A model of language reads all words but the last: its state lags behind the sequence it was handed."""
    record = checked(tmp_path, PAIRS)
    assert record.exit_code != EXIT_DIFFERS, record.headline


STREAM = """
import numpy as np
class {name}:
    def __init__(self, p):
        self.p, self.t = p, 0
        self.m, self.v = {{k: 0 * w for k, w in p.items()}}, {{k: 0 * w for k, w in p.items()}}
    def step(self, g):
        self.t += 1
        for k in g:
            self.m[k] = self.m[k] + 0.1 * (g[k] - self.m[k])
            self.v[k] = self.v[k] + 0.001 * (g[k] ** 2 - self.v[k])
            self.p[k] -= 0.01 * self.m[k] / (1 - 0.9**self.t) / (np.sqrt(self.v[k] / (1 - 0.999**self.t)) + 1e-8)
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        r = np.random.RandomState(4)
        self.p = dict(U=r.randn(n_hidden, n_in), W=r.randn(n_hidden, n_hidden) * 0.3, V=r.randn(n_out, n_hidden),
                      b=np.zeros((n_hidden, 1)), c=np.zeros((n_out, 1)))
        self.optimizer, self.state = {name}(self.p), np.zeros((n_hidden, 1))
    def learn(self, xs, ys):
        p, hs, out = self.p, [self.state], []
        for x in xs:
            hs.append(np.tanh(p["U"] @ x.reshape(-1, 1) + p["W"] @ hs[-1] + p["b"]))
            out.append(p["V"] @ hs[-1] + p["c"])
        g, carried = {{k: 0 * w for k, w in p.items()}}, 0 * self.state
        for t in reversed(range(len(xs))):
            e = 2 * (out[t] - ys[t].reshape(-1, 1)) / len(xs)
            g["V"] += e @ hs[t + 1].T
            g["c"] += e
            d = (p["V"].T @ e + carried) * (1 - hs[t + 1] ** 2)
            g["U"] += d @ xs[t].reshape(1, -1)
            g["W"] += d @ hs[t].T
            g["b"] += d
            carried = p["W"].T @ d
        self.optimizer.step(g)
        self.state = hs[-1]
        return sum(np.sum((o - y.reshape(-1, 1)) ** 2) for o, y in zip(out, ys)) / len(xs)
"""


@pytest.mark.parametrize("name", ["Adam", "Memory"])
def test_what_an_optimizer_remembers_is_not_the_gradient(tmp_path, name):
    """In a first step it is a tenth of it; in the second it is none of its own."""
    record = checked(tmp_path, STREAM.format(name=name))
    assert record.verdict == "conforms", record.headline


GATED = """
import numpy as np
def s(a):
    return 1 / (1 + np.exp(-a))
class Net:
    def __init__(self, n_in, n_hidden):
        r = np.random.RandomState(4)
        self.G, self.C = r.randn(n_in + n_hidden, n_hidden) * 0.4, r.randn(n_in + n_hidden, n_hidden) * 0.4
        self.dG, self.dC = 0 * self.G, 0 * self.C
    def forward(self, x):
        self.tape, h = [], np.zeros((x.shape[1], self.G.shape[1]))
        out = []
        for x_t in x:
            z = np.hstack([x_t, h])
            u, n = s(z @ self.G), np.tanh(z @ self.C)
            self.tape.append((z, h, u, n))
            h = (1 - u) * h + u * n
            out.append(h)
        return np.array(out)
    def backward(self, d_out):
        {cleared}
        dh = 0
        for (z, h, u, n), d in zip(self.tape[::-1], d_out[::-1]):
            dh = dh + d
            du, dn = dh * (n - h) * u * (1 - u), dh * u * (1 - n**2)
            self.dG += z.T @ du
            self.dC += z.T @ dn
            dh = dh * (1 - u) + (du @ self.G.T + dn @ self.C.T)[:, -h.shape[1]:]
        return self.dG, self.dC
"""

CLEARED = {
    "all": ("self.dG, self.dC = 0 * self.G, 0 * self.C", True),
    "one of two": ("self.dG = 0 * self.G", False),
}


@pytest.mark.parametrize("which", CLEARED)
def test_gradients_of_another_network_are_right_in_every_call(tmp_path, which):
    cleared, agrees = CLEARED[which]
    record = checked(tmp_path, GATED.replace("{cleared}", cleared))
    assert record.verdict == "another-network", record.headline
    assert record.consistency is not None
    assert record.consistency.agrees is agrees, record.headline
    assert ("of a second equal call" in record.headline) is not agrees
