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
