"""The search for a way of calling goes on, and says so, where foreign objects can't be looked at as was thought."""

from conformance.hand_written.calling import bindings
from conformance.hand_written.calling.loading.load import load
from conformance.hand_written.calling.running.limits import Allowance
from conformance.hand_written.calling.running.suppressing import suppressing_errors
from conformance.hand_written.checking.process import checked_apart

NETWORK = """
import numpy as np

np.random.seed(0)
W1 = 2 * np.random.random((2, 6)) - 1
WR = 2 * np.random.random((6, 6)) - 1
W2 = 2 * np.random.random((6, 1)) - 1

def logistic(z):
    return 1 / (1 + np.exp(-z))

def forward(X):
    hidden, outputs = [np.zeros((1, 6))], []
    for t in range(len(X)):
        hidden.append(logistic(X[t : t + 1] @ W1 + hidden[-1] @ WR))
        outputs.append(logistic(hidden[-1] @ W2))
    return outputs, hidden

def loss(outputs, Y):
    return sum(float(np.sum((o - y) ** 2)) for o, y in zip(outputs, Y))
"""


def test_what_stumbles_is_given_up_and_told(tmp_path):
    file = tmp_path / "network.py"
    file.write_text(NETWORK)
    loaded = load(str(file))

    def stumbling():
        yield 1
        raise LookupError("it has no such part")

    assert list(suppressing_errors(loaded, "one way", stumbling())) == [1]
    assert "one way" in loaded.suppressed_errors[0]
    assert "LookupError: it has no such part" in loaded.suppressed_errors[0]


def test_outputs_that_are_gone_when_asked_again_end_no_check(tmp_path):
    file = tmp_path / "network.py"
    file.write_text(NETWORK)
    record = checked_apart(str(file), "")
    assert record.verdict != "failed"
    assert not any("by a mistake of its own" in note for note in record.notes)


def test_what_takes_all_the_time_is_called_few_times(tmp_path, monkeypatch):
    file = tmp_path / "network.py"
    file.write_text(
        "import numpy as np\n"
        "class Net:\n"
        "    calls = 0\n"
        "    def __init__(self, inputs, hidden):\n"
        "        self.W, self.U = np.ones((hidden, inputs)), np.ones((hidden, hidden))\n"
        "    def forward(self, x):\n"
        "        Net.calls += 1\n"
        "        while True:\n"
        "            pass\n"
    )
    monkeypatch.setattr(
        "conformance.hand_written.calling.running.program.CALLS", Allowance(call=0.05, spare=0.0)
    )
    loaded = load(str(file))
    list(bindings(loaded))
    assert 1 <= loaded.code.Net.calls <= 2


def test_objects_without_a_name_and_empty_arrays_are_looked_at(tmp_path):
    file = tmp_path / "network.py"
    file.write_text(
        "import numpy as np\n"
        "class Noted:\n"
        "    def __call__(self, function):\n"
        "        return function\n"
        "noted = Noted()\n"
        "def make(inputs, hidden):\n"
        "    U, W, b = np.ones((hidden, inputs)), np.ones((hidden, hidden)), np.zeros(hidden)\n"
        "    spare = np.zeros((hidden, 0))\n"
        "    return U, W, b, spare\n"
        "@noted\n"
        "def forward(x, U, W, b, spare):\n"
        "    h = b\n"
        "    for each in x:\n"
        "        h = np.sin(U @ each + W @ h + b)\n"
        "    return h\n"
        "@noted\n"
        "def backward(dh, U, W, b, spare):\n"
        "    return dh @ U, dh @ W, dh, spare\n"
    )
    record = checked_apart(str(file), "")
    assert not any("by a mistake of its own" in note for note in record.notes)


KEEPS_WHAT_IT_COMPUTES = """
import functools
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.U = 0.4 * np.random.randn(n_hidden, n_in), 0.4 * np.random.randn(n_hidden, n_hidden)
        self.V, self.b, self.c = 0.4 * np.random.randn(n_out, n_hidden), np.zeros(n_hidden), np.zeros(n_out)

    @functools.cached_property
    def loss(self):
        return 0.5 * np.sum((self.ys - self.targets) ** 2)

    @property
    def deltas(self):
        return self.ys - self.targets

    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros_like(self.b)]
        for x in xs:
            self.hs.append(np.tanh(self.W @ x + self.U @ self.hs[-1] + self.b))
        self.ys = np.array([self.V @ h + self.c for h in self.hs[1:]])
        return self.ys

    def backward(self, targets):
        self.targets = targets
        grads = {name: np.zeros_like(getattr(self, name)) for name in "WUVbc"}
        carried = np.zeros_like(self.b)
        for t in reversed(range(len(targets))):
            dy = self.deltas[t]
            da = (self.V.T @ dy + carried) * (1 - self.hs[t + 1] ** 2)
            outer = np.outer(da, self.xs[t]), np.outer(da, self.hs[t]), np.outer(dy, self.hs[t + 1])
            for name, g in zip("WUVbc", (*outer, da, dy)):
                grads[name] += g
            carried = self.U.T @ da
        return grads
"""


def test_properties_of_a_network_are_not_read(tmp_path):
    file = tmp_path / "network.py"
    file.write_text(KEEPS_WHAT_IT_COMPUTES, encoding="utf-8")
    assert checked_apart(f"{file}:Net", "").verdict == "conforms"
