"""What definitions lean on is there: the harmless part of blocks, files beside the target, names of older versions."""

import ast
import io
import sys
from pathlib import Path

import numpy as np
import pytest

import conformance
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
