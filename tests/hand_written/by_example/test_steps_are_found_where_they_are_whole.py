"""Where a training step begins and ends is found in scripts of any kind, and nothing is held against a part of one."""

import pytest
from support.apart import apart
from support.training_scripts import DESCENT, DRIVER, MISTAKE, NETWORK, as_used, asked_here, changed

from conformance.hand_written.by_example.training import Training
from conformance.hand_written.by_example.watching import History
from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request
from conformance.record.check import EXIT_CONFORMS, EXIT_DIFFERS, EXIT_INCONCLUSIVE

SCRIPT = """
import numpy as np
rng = np.random.RandomState(1)
U, W, V = rng.randn(6, 3) * 0.1, rng.randn(6, 6) * 0.1, rng.randn(2, 6) * 0.1
def squash(z):
    return np.tanh(z)
for n in range(500):
    x, target = rng.randn(5, 3), rng.randn(5, 2)
    h, loss = [np.zeros(6)], 0.0
    for x_t in x:
        h.append(squash(U @ x_t + W @ h[-1]))
    e = [V @ s - y for s, y in zip(h[1:], target)]
    loss = 0.5 * sum(float(each @ each) for each in e)
    dU, dW, dV, carried = 0 * U, 0 * W, 0 * V, 0
    for t in reversed(range(5)):
        dV += np.outer(e[t], h[t + 1])
        da = (V.T @ e[t] + carried) * (1 - h[t + 1] ** 2)
        dU, dW, carried = dU + np.outer(da, x[t]), dW + np.outer(da, h[t]), {back}
    U, W, V = U - 0.1 * dU, W - 0.1 * dW, V - 0.1 * dV
"""


def of_script(folder, text):
    (folder / "script.py").write_text(text, encoding="utf-8")
    return apart(asked_here, str(folder / "script.py"))[0]


@pytest.mark.parametrize(("back", "code"), [("W.T @ da", EXIT_CONFORMS), ("W @ da", EXIT_DIFFERS)])
def test_a_script_without_functions_of_its_passes_is_judged(tmp_path, back, code):
    """The first call in it is in the midst of a step: a part of that would make right updates look wrong."""
    record = of_script(tmp_path, SCRIPT.format(back=back))
    assert record is not None
    assert record.exit_code == code, record.headline
    assert "the number loss" in record.notes[0]


def test_a_script_that_trains_nothing_shows_nothing(tmp_path):
    text = (
        "import numpy as np\nW = np.ones((3, 3))\ndef f(x):\n    return W @ x\nfor n in range(9):\n    f(W)\n"
    )
    assert of_script(tmp_path, text) is None


@pytest.mark.parametrize("wrong", [False, True])
def test_a_network_whose_loss_is_computed_nowhere_is_judged_by_what_it_hands_on(tmp_path, wrong):
    """What is handed on is held still: its product with the outputs has the same gradient as the loss."""
    network = changed(
        NETWORK,
        ("print(epoch, self.loss(following))", "pass"),
        ("        for t in reversed(range(len(words))):\n            dy = self.ps[t].copy()\n", STACKED),
        ("            dy[self.index[words[t]]] -= 1\n", "            dy = errors[t]\n"),
        (
            "            y = np.exp(self.V @ self.hs[-1] + self.c)\n",
            "            self.ys.append(self.V @ self.hs[-1] + self.c)\n            y = np.exp(self.ys[-1])\n",
        ),
        (
            "self.x, self.hs, self.ps = [], [self.h], []",
            "self.x, self.hs, self.ps, self.ys = [], [self.h], [], []",
        ),
        (
            "    def loss(self",
            "    def outputs(self):\n        return np.array(self.ys)\n\n    def figure(self",
        ),
        (
            "                self.forward(words)\n",
            "                self.forward(words)\n                self.outputs()\n",
        ),
    )
    record = as_used(
        tmp_path, changed(network, MISTAKE) if wrong else network, "import numpy as np\n" + DESCENT + DRIVER
    )
    assert record is not None
    assert record.exit_code == (EXIT_DIFFERS if wrong else EXIT_CONFORMS), record.headline
    assert "⟨" in record.notes[0]


STACKED = """        errors = np.array(self.ps)
        for t, word in enumerate(words):
            errors[t][self.index[word]] -= 1
        for t in reversed(range(len(words))):
"""


def test_a_parameter_that_the_update_leaves_out_is_not_told_as_right(tmp_path):
    network = changed(
        NETWORK, ("[self.W, self.U, self.V, self.b, self.c]", "[self.W, 1 * self.U, self.V, self.b, self.c]")
    )
    record = as_used(tmp_path, network, "import numpy as np\n" + DESCENT + DRIVER)
    assert record is not None
    assert "net.U" not in record.headline


def test_what_was_made_up_and_what_raised_is_told(tmp_path):
    driver = (
        "import numpy as np\n"
        + DESCENT
        + DRIVER.replace("net = Net", "open('/nowhere/at/all', 'x').frobnicate()\nnet = Net")
    )
    record = as_used(tmp_path, NETWORK, driver)
    assert record is not None
    notes = " ".join(record.notes)
    assert "corpus.txt isn't there: a text was made up for it" in notes
    assert "Raised when it was run, and left out:" in notes
    assert "frobnicate" in notes


def test_scripts_are_looked_for_next_to_a_network_that_shows_no_use(tmp_path):
    (tmp_path / "other.py").write_text("import os\nprint(os.getcwd())\n", encoding="utf-8")
    record = as_used(tmp_path, NETWORK, "import numpy as np\n" + DESCENT + DRIVER, name="zz_experiment.py")
    assert record is not None
    assert "as zz_experiment.py uses it" in record.headline


def test_gradients_that_are_truncated_on_purpose_are_not_held_against_a_network(tmp_path):
    network = changed(
        NETWORK,
        ("carried = self.U.T @ da", "carried = self.U.T @ da * (t % self.bptt_truncate != 0)"),
        (
            "        self.optimizer = optimizer\n",
            "        self.optimizer, self.bptt_truncate = optimizer, 3\n",
        ),
    )
    assert as_used(tmp_path, network, "import numpy as np\n" + DESCENT + DRIVER) is None


def test_another_network_of_the_same_script_is_not_judged_in_the_place_of_the_one_that_was_named(tmp_path):
    network = NETWORK + "\n\nclass Other:\n    def predict(self, x):\n        return np.ones((3, 3)) @ x\n"
    driver = "import numpy as np\nfrom net import Other\nOther().predict(np.ones(3))\n" + DESCENT + DRIVER
    assert as_used(tmp_path, network, driver, "net.py:Other") is None


def test_a_script_that_was_run_in_vain_is_told(tmp_path):
    text = "import numpy as np\nclass Net:\n    def __init__(self, thing):\n        self.thing = thing.frobnicate()\n"
    (tmp_path / "net.py").write_text(text + "print('nothing to see')\n", encoding="utf-8")
    target = f"{tmp_path / 'net.py'}:Net"
    record = checked_target(target, "", Request.on_the_command_line(target), lambda _: None)
    assert record.exit_code == EXIT_INCONCLUSIVE
    assert record.notes[-1] == f"net.py was run to see how it uses {target}: no training step was seen."


LEFT_BEHIND = """
import numpy as np
class Net:
    def __init__(self):
        self.U, self.W, self.V = np.random.randn(1, 6) * 0.4, np.random.randn(6, 6) * 0.4, np.random.randn(6, 1) * 0.4
    def forward(self, x):
        self.x, self.hs = x, np.zeros((9, 6))
        for t in range(8):
            self.hs[t + 1] = np.tanh(x[t] @ self.U + self.hs[t] @ self.W)
        return self.hs[1:] @ self.V
    def backward(self, dy):
        dU, dW, dV, carried = 0 * self.U, 0 * self.W, self.hs[1:].T @ dy, np.zeros(6)
        for t in reversed(range(8)):
            da = (dy[t] @ self.V.T + carried) * (1 - self.hs[t + 1] ** 2)
            dU, dW, carried = dU + np.outer(self.x[t], da), dW + np.outer(self.hs[t], da), self.W @ da
        self.U -= 0.01 * dU
        self.W -= 0.01 * dW
        self.V -= 0.01 * dV
net, rng = Net(), np.random.RandomState(1)
x, d = rng.randn(8, 1), rng.randn(8, 1)
for epoch in range(300):
    y = net.forward(x)
    loss = 0.5 * np.sum((y - d) ** 2)
    net.backward(y - d)
"""


def test_a_step_is_over_though_what_functions_left_behind_changes_no_more(tmp_path, monkeypatch):
    """The next step begins as `backward` returns, whose matrices outnumber the parameters."""
    lengths, in_a_copy = [], Training._in_a_copy

    def noted(training, made):
        got = in_a_copy(training, made)
        if isinstance(got, History):
            lengths.append(got.events)
        return got

    monkeypatch.setattr(Training, "_in_a_copy", noted)
    (tmp_path / "script.py").write_text(LEFT_BEHIND, encoding="utf-8")
    record, _ = asked_here(str(tmp_path / "script.py"))
    assert record is not None
    assert record.exit_code == EXIT_CONFORMS, record.headline
    assert lengths
    assert max(lengths) < 100  # a step has some thirty events


FUNCTIONS = """
import numpy as np
rng = np.random.RandomState(4)
shapes = {"U": (6, 3), "W": (6, 6), "V": (2, 6), "c": (2,)}
params = {name: rng.randn(*shape) * 0.3 for name, shape in shapes.items()}

def forward(x):
    h = [np.zeros(6)]
    for x_t in x:
        h.append(np.sin(params["U"] @ x_t + params["W"] @ h[-1]))
    return h, [params["V"] @ s + params["c"] for s in h[1:]]

def cost(y, d):
    return 0.5 * np.sum((np.array(y) - d) ** 2) + 0.05 * sum(np.sum(p * p) for p in params.values())

def backward(h, y, x, d):
    grads = {name: 0.1 * p for name, p in params.items()}
    carried = np.zeros(6)
    for t in reversed(range(len(x))):
        grads["c"] += FACTOR * (y[t] - d[t])
        grads["V"] += np.outer(y[t] - d[t], h[t + 1])
        da = (params["V"].T @ (y[t] - d[t]) + carried) * np.cos(params["U"] @ x[t] + params["W"] @ h[t])
        grads["U"] += np.outer(da, x[t])
        grads["W"] += np.outer(da, h[t])
        carried = params["W"].T @ da
    return grads

if __name__ == "__main__":
    for n in range(50):
        x, d = rng.randn(5, 3), rng.randn(5, 2)
        h, y = forward(x)
        grads = backward(h, y, x, d)
        for name in params:
            params[name] -= 0.1 * grads[name]
        if n % 10 == 0:
            print(n, cost(y, d))
"""


@pytest.mark.parametrize(("factor", "code"), [("1", EXIT_CONFORMS), ("3", EXIT_DIFFERS)])
def test_a_parameter_that_is_updated_last_belongs_to_the_step_before(tmp_path, factor, code):
    """Seen from the backward pass on, a bias of the outputs makes no difference to anything: it isn't known as one."""
    script = tmp_path / "script.py"
    script.write_text(FUNCTIONS.replace("FACTOR", factor), encoding="utf-8")
    record, _ = apart(asked_here, f"{script}:backward")
    assert record is not None
    assert record.exit_code == code, record.headline
    assert "params['c']" in record.headline


@pytest.mark.parametrize(("factor", "right"), [("1", True), ("3", False)])
def test_a_bias_of_whose_move_nothing_is_left_is_not_passed_over(tmp_path, factor, right):
    """A rate of a tenth times the ten steps of a squared error is one."""
    script = tmp_path / "script.py"
    text = (
        FUNCTIONS.replace("randn(5, ", "randn(10, ")
        .replace("0.1 * p for", "0 * p for")
        .replace("0.05", "0.0")
    )
    script.write_text(text.replace("FACTOR", factor), encoding="utf-8")
    record, _ = apart(asked_here, f"{script}:backward")
    assert (record is not None and record.exit_code == EXIT_CONFORMS) is right
    assert record is None or "params['c']" in record.headline
