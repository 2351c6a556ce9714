"""What definitions lean on is there: the harmless part of blocks, files beside the target, names of older versions."""

import ast
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import conformance
from conformance.cli import cli
from conformance.hand_written.calling.hints.structures import held_by
from conformance.hand_written.calling.loading.load import load

FUNCTIONS = """
def forward(x, h, Wx, Wh, b):
    states = []
    for x_t in x:
        h = np.tanh(x_t @ Wx + h @ Wh + b)
        states.append(h)
    return np.array(states)
"""


def loaded(folder: Path, text: str, *others: tuple[str, str]):
    for name, content in others:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(content)
    path = folder / "network.py"
    path.write_text(text)
    return load(str(path))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("with open('words.txt') as f:\n    print(f)\n    x = f.read()", "zero one"),
        (
            "try:\n    with open('words.txt') as f:\n        x = f.read()\nexcept OSError:\n    print('no')",
            "zero one",
        ),
        (
            "try:\n    import nothing.here\n    raise ImportError\nexcept ImportError:\n    print(1)\n    x = 2",
            2,
        ),
        ("if 1 > 2:\n    train()\nelse:\n    print('else')\n    x = 3", 3),
        ("x = []\nfor n in range(3):\n    print(n)\n    x.append(n)", [0, 1, 2]),
        ("x = [[2, 1]]\nfor n in x:\n    print(n)\n    n.sort()", [[1, 2]]),
        (
            "x = 1\nif x:\n    with open('words.txt') as f:\n        print('reading')\n        x = f.read()",
            "zero one",
        ),
    ],
    ids=["with", "try", "except", "else", "for", "filled", "nested"],
)
def test_the_harmless_part_of_a_block_is_run(tmp_path, text, value, capsys):
    found = loaded(tmp_path, text, ("words.txt", "zero one"))
    assert found.code.x == value
    assert capsys.readouterr().out == ""
    assert "skipped (training, printing, plotting, reading)" in found.not_run[0]


@pytest.mark.parametrize(
    "text",
    [
        "for n in range(10**12):\n    print(n)",
        "if __name__ == '__main__':\n    x = 1",
        "while True:\n    x = 1",
        "def f(): pass\nfor n in range(10**9):\n    x = f()",
        "with train_mode() as x:\n    y = x",
    ],
)
def test_a_block_that_is_a_scripts_work_is_not(tmp_path, text):
    found = loaded(tmp_path, text)
    assert not hasattr(found.code, "x")
    assert found.not_run == ("1 top-level statement skipped (training, printing, plotting, reading).",)


def test_a_file_that_is_nowhere_is_made_up(tmp_path):
    assert "quick brown fox" in loaded(tmp_path, "x = open('nowhere.txt').read()").code.x


def test_a_sibling_that_chooses_its_library_and_prints_hands_it_on(tmp_path):
    chooses = "GPU = False\nif GPU:\n    import cupy as np\n    print('on the GPU')\nelse:\n    import numpy as np\n"
    found = loaded(tmp_path, "from common.library import *\nx = np.zeros(2)", ("common/library.py", chooses))
    assert found.code.x.shape == (2,)


def test_names_that_were_removed_are_put_back_and_told(tmp_path):
    text = (
        "import itertools, time, collections\nimport numpy as np\nfrom collections import Iterable\n"
        "x = [*itertools.izip([1], [np.float(2)])], np.product([2, 3]), isinstance([], Iterable), long(3)\n"
    )
    found = loaded(tmp_path, text)
    assert found.code.x == ([(1, 2.0)], 6, True, 3)
    for name in ("collections.Iterable", "itertools.izip", "numpy.float", "numpy.product"):
        assert f"{name} is gone from this version; what took its place stands in for it." in found.notes
    assert not any("clock" in note for note in found.notes)


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


@pytest.mark.parametrize(
    "text",
    [
        "assert train(3)",
        "raise SystemExit(main())",
        "for x in net.fit(3):\n    y = x",
        "if test():\n    x = 1",
    ],
)
def test_work_is_none_the_less_work_in_a_condition_or_an_assertion(tmp_path, text):
    found = loaded(tmp_path, text)
    assert not hasattr(found.code, "x")
    assert found.not_run == ("1 top-level statement skipped (training, printing, plotting, reading).",)


def test_signatures_and_scalars_are_read_as_they_were(tmp_path):
    text = (
        "import inspect\nimport numpy as np\ndef f(a, *b, c=1, **d): pass\nargs, rest, keywords, defaults = "
        "inspect.getargspec(f)\nx = np.asscalar(np.float64(3)), np.asscalar(np.array([4.0]))\n"
    )
    code = loaded(tmp_path, text).code
    assert (code.args, code.rest, code.keywords, code.x) == (["a"], "b", "d", (3.0, 4.0))


def test_paths_into_an_argument_are_compared_as_paths():
    def held(text):
        return held_by(tuple(ast.walk(ast.parse(f"def f(batch): return {text}"))))

    assert held("batch.h + batch.hidden") == {"batch": {".h": False, ".hidden": False}}
    assert held("batch.h + batch.h.inner") == {}
    assert held("batch['x'] + len(batch['ids'])") == {"batch": {"['x']": False, "['ids']": True}}
    assert held("batch[0] + batch['1']") == {}
    assert held("batch.x + g(batch)") == {}


OF_A_MISSING_FILE = {
    "open": "text = open('no.txt').read()",
    "with": "with open('no.txt', encoding='utf-8') as f:\n    text = f.read()",
    "io": "import io\ntext = io.open('no.txt').read()",
    "codecs": "import codecs\ntext = codecs.open('no.txt', 'r', 'utf-8').read()",
    "a path": "from pathlib import Path\ntext = Path('no.txt').read_text()",
    "a path opened": "from pathlib import Path\nwith Path('no.txt').open() as f:\n    text = f.read()",
    "gzip": "import gzip\ntext = gzip.open('no.gz').read().decode()",
}


@pytest.mark.parametrize("form", OF_A_MISSING_FILE)
def test_a_missing_file_is_made_up_however_it_is_opened(tmp_path, form):
    assert "quick brown fox" in loaded(tmp_path, OF_A_MISSING_FILE[form]).code.text


@pytest.mark.parametrize("name", ["loadtxt", "genfromtxt", "load"])
def test_so_is_a_table_of_numbers(tmp_path, name):
    found = loaded(tmp_path, f"import numpy as np\nx = np.{name}('no.csv')")
    assert found.code.x.ndim == 2


def test_opening_is_as_before_afterwards(tmp_path):
    before = io.open, np.load
    loaded(tmp_path, "x = 1")
    assert (io.open, np.load) == before
    with pytest.raises(FileNotFoundError):
        (tmp_path / "no.txt").read_text()


def test_a_default_that_leans_on_what_was_left_out_is_supplied_and_told(tmp_path):
    text = """
import json
settings = json.load(open("no.json"))
hidden_size = settings["hidden"]
table = settings["table"]

class Net:
    def __init__(self, n_hidden=hidden_size, words=table, rate=RATE):
        self.size = n_hidden

if __name__ == "__main__":
    RATE = 0.1
"""
    found = loaded(tmp_path, text)
    assert found.code.Net().size == 6
    for name, what in (("hidden_size", "6"), ("table", "an empty stand-in"), ("RATE", "an empty stand-in")):
        told = f"The global {name} was not there when a definition asked for it: {what} took its place."
        assert told in found.notes


def test_a_name_that_nothing_would_bind_is_the_codes_own_mistake(tmp_path):
    found = loaded(tmp_path, "class Net(Layer):\n    pass\n")
    assert not hasattr(found.code, "Net")
    assert "name 'Layer' is not defined" in found.not_run[0]


def test_numpy_stands_in_for_cupy(tmp_path):
    text = """
import cupy as cp
x = cp.asnumpy(cp.zeros((2, 3)))
y = cp.get_array_module(x).ones(3)
with cp.cuda.Device(0):
    z = cp.random.randn(2, 3)
"""
    found = loaded(tmp_path, text).code
    assert (found.x.shape, found.y.shape, found.z.shape) == ((2, 3), (3,), (2, 3))


OLDER = {
    "print": "def f(x):\n    print 'x is %s' % x\n    return x\n",
    "backticks": "def f(x):\n    return int(`x`)\n",
    "except": "def f(x):\n    try:\n        return x\n    except ValueError, e:\n        raise TypeError, 'no'\n",
    "not equal": "def f(x):\n    return x if x <> 2 else 0777\n",
    "parameters in parentheses": "def g(x, (a, b)):\n    return a\ndef f(x):\n    return g(0, (x, 2))\n",
    "dicts": "def f(x):\n    print x\n    return [k for k, v in {x: 2}.iteritems()][0]\n",
    "xrange": "def f(x):\n    print x\n    return xrange(x + 1)[-1]\n",
}


@pytest.mark.parametrize("form", OLDER if sys.version_info < (3, 13) else ["print", "xrange"])
def test_python_2_is_read_as_python_3_and_told(tmp_path, form):
    found = loaded(tmp_path, OLDER[form])
    assert found.code.f(3) == 3
    assert any("is Python 2, and was read as Python 3" in note for note in found.notes)


NAMED_ANYHOW = """
import numpy as np

def walk(A, B, C, xs):
    hs, ys = [np.zeros(len(B))], []
    for x in xs:
        hs.append(np.tanh(A @ x + B @ hs[-1]))
        ys.append(C @ hs[-1])
    return hs, ys

def sums(A, B, C, xs, hs, dys):
    gA, gB, gC, later = 0 * A, 0 * B, 0 * C, 0
    for t in reversed(range(len(xs))):
        gC += np.outer(dys[t], hs[t + 1])
        a = (C.T @ dys[t] + later) * (1 - hs[t + 1] ** 2)
        gA += np.outer(a, xs[t])
        gB += np.outer(a, hs[t])
        later = B.T @ a
    return gA, gB, gC

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        object.__setattr__(self, "store", {})
        self.A, self.B = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.C = np.random.randn(n_out, n_hidden)

    def __setattr__(self, name, value):
        self.store[name] = value

    def __getattr__(self, name):
        return object.__getattribute__(self, "store")[name]

    def __forth__(self, xs):
        self.xs = xs
        self.hs, ys = walk(self.A, self.B, self.C, xs)
        return ys

    def __undo__(self, dys):
        return sums(self.A, self.B, self.C, self.xs, self.hs, dys)
"""


def test_names_and_attributes_of_any_kind_are_seen_through(tmp_path):
    (tmp_path / "net.py").write_text(NAMED_ANYHOW)
    record = conformance.check(f"{tmp_path / 'net.py'}:Net").record
    assert record.verdict == "conforms", record.headline
