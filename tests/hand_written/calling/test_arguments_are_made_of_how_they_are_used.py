"""What a constructor or a function is handed is made of how its code uses it."""

import json

import pytest
from click.testing import CliRunner

from conformance.cli import cli

BY_NAME = """
import numpy as np


def train(ids, wanted, K, U, R, p, q, cells, tables):
    n = len(tables["ids"])
    hs, ps = {-1: np.zeros((1, cells))}, {}
    for t in range(len(ids)):
        x = np.zeros(n)
        x[ids[t]] = 1
        hs[t] = np.tanh(x @ K + hs[t - 1] @ U + p)
        e = np.exp(hs[t] @ R + q)
        ps[t] = e / e.sum()
    gK, gU, gR, gp, gq = (np.zeros_like(w) for w in (K, U, R, p, q))
    carry = 0
    for t in reversed(range(len(ids))):
        dy = ps[t].copy()
        dy[0, wanted[t]] -= 1
        gR += np.outer(hs[t], dy)
        gq += dy
        a = (dy @ R.T + carry) * (1 - hs[t] ** 2)
        gp += a
        gU += np.outer(hs[t - 1], a)
        gK[ids[t]] += a[0]
        carry = a @ U.T
    return {"K": gK, "U": gU, "R": gR, "p": gp, "q": gq}
"""

AN_OBJECT = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.U = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.V, self.b, self.c = np.random.randn(n_out, n_hidden), np.zeros((n_hidden, 1)), np.zeros((n_out, 1))

    def forward(self, x):
        self.x, self.hs = x, [np.zeros_like(self.b)]
        for x_t in x:
            self.hs.append(np.tanh(self.W @ x_t + self.U @ self.hs[-1] + self.b))
        self.z = self.V @ self.hs[-1] + self.c
        return self.z

    def backward(self, sample):
        p = 1 / (1 + np.exp(-self.z))
        dy = (p - sample.labels[0].column) * p * (1 - p)
        gW, gU, gb, dh = 0 * self.W, 0 * self.U, 0 * self.b, self.V.T @ dy
        for t in reversed(range(len(self.x))):
            da = dh * (1 - self.hs[t + 1] ** 2)
            gW, gU, gb = gW + da @ self.x[t].T, gU + da @ self.hs[t].T, gb + da
            dh = self.U.T @ da
        return gW, gU, dy @ self.hs[-1].T, gb, dy
"""

KEYWORDS = """
import numpy as np


class Net:
    def __init__(self, cells, letters, layers):
        self.letters = letters
        self.W = [np.random.randn(cells, letters) for _ in range(layers)]
        self.U = [np.random.randn(cells, cells) for _ in range(layers)]
        self.V, self.c = np.random.randn(letters, cells), np.zeros((letters, 1))
        self.b = [np.zeros((cells, 1)) for _ in range(layers)]

    def __call__(self, **given):
        hs, ps = [given["hprev"]], []
        for each in given["inputs"]:
            x, h = np.zeros((self.letters, 1)), np.copy(hs[-1])
            x[each] = 1
            for n in range(len(self.W)):
                h[n] = np.tanh(self.W[n] @ x + self.U[n] @ hs[-1][n] + self.b[n])
            e = np.exp(self.V @ h[-1] + self.c)
            hs.append(h)
            ps.append(e / e.sum())
        return np.array(ps), hs[-1]
"""


@pytest.mark.parametrize(
    ("text", "name", "verdict", "told"),
    [
        (BY_NAME, "train", "conforms", "structure({\"['ids']\": range(p.I)})"),
        (AN_OBJECT, "Net", "conforms", "structure({'.labels[0].column': "),
        (KEYWORDS, "Net", "forward-conforms", "hprev=p.h_0.T[None]"),
    ],
    ids=["a dict of which the length counts", "an object of its own", "keywords of a dict, lists of layers"],
)
def test_arguments_are_made_of_how_they_are_used(tmp_path, text, name, verdict, told):
    path = tmp_path / "network.py"
    path.write_text(text)
    done = CliRunner().invoke(cli, ["check", f"{path}:{name}", "--format", "json"])
    record = json.loads(done.stdout)
    assert record["verdict"] == verdict, record["headline"]
    assert any(told in line for line in record["interface"]["lines"])
    adapter = CliRunner().invoke(cli, ["init", f"{path}:{name}", "--output", str(tmp_path / "adapter.py")])
    assert adapter.exit_code == 0
    again = CliRunner().invoke(cli, ["check", f"{tmp_path / 'adapter.py'}:network", "--format", "json"])
    assert json.loads(again.stdout)["verdict"] == verdict


def test_one_layer_of_several_is_told_as_such(tmp_path):
    path = tmp_path / "network.py"
    path.write_text(KEYWORDS)
    done = CliRunner().invoke(cli, ["check", f"{path}:Net", "--format", "json"])
    assert any("asked for one layer (layers=1)" in note for note in json.loads(done.stdout)["notes"])


DRAWN_LATER = """
import numpy as np


class Context:
    def __init__(self, inputDim=None, contextDim=None, outputDim=None):
        self.inputDim, self.contextDim, self.outputDim = inputDim, contextDim, outputDim
        self.weights = dict()

    def init_weights(self, X, y):
        {sizes}
        self.weights["in"] = np.random.uniform(-1, 1, (self.contextDim, self.inputDim))
        self.weights["again"] = np.random.uniform(-1, 1, (self.contextDim, self.contextDim))
        self.weights["out"] = np.random.uniform(-1, 1, (self.outputDim, self.contextDim))

    def forward(self, X):
        h, hs = np.zeros((X.shape[0], self.contextDim)), []
        for t in range(X.shape[1]):
            h = np.tanh(X[:, t] @ self.weights["in"].T + h @ self.weights["again"].T)
            hs.append(h)
        return np.stack(hs, 1) @ self.weights["out"].T
"""


@pytest.mark.parametrize("sizes", ["pass", "self.inputDim, self.outputDim = X.shape[-1], y.shape[-1]"])
def test_weights_are_drawn_by_a_method_that_sees_the_data(tmp_path, sizes):
    path = tmp_path / "network.py"
    path.write_text(DRAWN_LATER.format(sizes=sizes))
    done = CliRunner().invoke(cli, ["check", f"{path}:Context", "--format", "json"])
    record = json.loads(done.stdout)
    assert (record["verdict"], done.exit_code) == ("forward-conforms", 0), record["headline"]
    assert any(
        "model.init_weights(x.transpose(1, 0, 2), y[-1])" in line for line in record["interface"]["lines"]
    )


def test_an_activation_of_its_own_that_is_no_tanh_is_handed_over(tmp_path):
    text = """
import numpy as np


class Sigmoid:
    def forward(self, z):
        return 1 / (1 + np.exp(-z))


class Net:
    def __init__(self, n_in, n_hidden, activator):
        self.W, self.U = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.activator = activator

    def forward(self, x):
        h, hs = np.zeros(len(self.U)), []
        for x_t in x:
            h = self.activator.forward(self.W @ x_t + self.U @ h)
            hs.append(h)
        self.x, self.hs = x, np.array(hs)
        return self.hs

    def backward(self, dh):
        dW, dU, carry = np.zeros_like(self.W), np.zeros_like(self.U), 0
        for t in reversed(range(len(dh))):
            dz = (dh[t] + carry) * self.hs[t] * (1 - self.hs[t])
            dW += np.outer(dz, self.x[t])
            dU += np.outer(dz, self.hs[t - 1]) if t else 0
            carry = self.U.T @ dz
        return dW, dU
"""
    path = tmp_path / "network.py"
    path.write_text(text)
    record = json.loads(CliRunner().invoke(cli, ["check", f"{path}:Net", "--format", "json"]).stdout)
    assert record["verdict"] == "another-network", record["headline"]
    assert any("Sigmoid()" in line for line in record["interface"]["lines"])
