"""A network that nobody could call is judged by the training step of the script that uses it."""

import re

import pytest
from support.training_scripts import DESCENT, DRIVER, MISTAKE, NETWORK, as_used, asked, changed

from conformance.record.check import EXIT_CONFORMS, EXIT_DIFFERS


def names_in(record):
    return record.headline.rpartition(": ")[2]


OPTIMIZERS = {
    "descent": DESCENT,
    "momentum": """
class Optimizer:
    m = None
    def step(self, parameters, gradients):
        self.m = self.m or [0 * p for p in parameters]
        for m, p, g in zip(self.m, parameters, gradients):
            m *= 0.9
            m += 0.1 * g
            p -= m
""",
    "adam": """
class Optimizer:
    def __init__(self):
        self.m, self.v, self.t = None, None, 0
    def step(self, parameters, gradients):
        self.m, self.v = self.m or [0 * p for p in parameters], self.v or [0 * p for p in parameters]
        self.t += 1
        for m, v, p, g in zip(self.m, self.v, parameters, gradients):
            m[...] = 0.9 * m + 0.1 * g
            v[...] = 0.999 * v + 0.001 * g * g
            p -= 0.01 * (m / (1 - 0.9**self.t)) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-8)
""",
    "cut off": """
class Optimizer:
    def step(self, parameters, gradients):
        for p, g in zip(parameters, gradients):
            np.clip(g, -0.2, 0.2, out=g)
            p -= 0.1 * g
""",
    "norms": """
class Optimizer:
    def step(self, parameters, gradients):
        for p, g in zip(parameters, gradients):
            p -= 0.1 * g * min(1, 0.3 / np.linalg.norm(g))
""",
    "decay": """
class Optimizer:
    def step(self, parameters, gradients):
        for p, g in zip(parameters, gradients):
            p -= 0.1 * (g + 0.01 * p * (p.shape[1] > 1))
""",
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("wrong", [False, True])
def test_updates_go_by_the_gradient_of_the_loss_that_is_printed(tmp_path, optimizer, wrong):
    network = changed(NETWORK, MISTAKE) if wrong else NETWORK
    record = as_used(tmp_path, network, "import numpy as np\n" + OPTIMIZERS[optimizer] + DRIVER)
    assert record is not None
    assert record.exit_code == (EXIT_DIFFERS if wrong else EXIT_CONFORMS), record.headline
    if wrong:
        assert set(names_in(record).removesuffix(" moves otherwise.").split(", ")) == {
            "net.W",
            "net.U",
            "net.b",
        }


def test_weights_that_grow_in_the_place_of_a_penalty_decay_not(tmp_path):
    growing = changed(OPTIMIZERS["decay"], ("g + 0.01", "g - 0.01"))
    record = as_used(tmp_path, NETWORK, "import numpy as np\n" + growing + DRIVER)
    assert record is None or record.exit_code == EXIT_DIFFERS


RECORDED = """
import numpy as np

class Net:
    def __init__(self, rates):
        self.rates = rates
        self.W, self.U, self.V = np.random.randn(5, 3) * 0.3, np.random.randn(5, 5) * 0.3, np.random.randn(2, 5) * 0.3

    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros(5)]
        for x in xs:
            self.hs.append(np.tanh(self.W @ x + self.U @ self.hs[-1]))
        return np.array(self.hs[1:]) @ self.V.T

    def slope(self, y, target):
        return y - target

    def gradients(self, dy):
        dW, dU, dV = np.zeros_like(self.W), np.zeros_like(self.U), dy.T @ np.array(self.hs[1:])
        carried = 0
        for t in reversed(range(len(dy))):
            da = (self.V.T @ dy[t] + carried) * (1 - self.hs[t + 1] ** 2)
            dW += np.outer(da, self.xs[t])
            dU += np.outer(da, self.hs[t])
            carried = self.U.T @ da
        return {"W": dW, "U": dU, "V": dV}

    def measured(self, y, target):
        MEASURED
        return 0

    def fit(self, xs, target, epochs):
        for epoch in range(epochs):
            y = self.forward(xs)
            self.measured(y, target)
            for name, gradient in self.gradients(self.slope(y, target)).items():
                setattr(self, name, getattr(self, name) - self.rates[name] * gradient)
"""

RECORDED_DRIVER = """
import numpy as np
from net import Net

net = Net({"W": 0.1, "U": 0.1, "V": 0.1})
net.fit(np.random.randn(6, 3), np.random.randn(6, 2), 50)
"""

DEFINED = "\n    def cost(self, y, target):\n        return ((y - target) ** 4).sum()\n"


@pytest.mark.parametrize(
    ("measured", "defined", "decides"),
    [
        ("figure = ((y - target) ** 4).sum()", "", True),
        ("cost = 0.5 * ((y - target) ** 2).sum()", "", True),
        ("cost = ((y - target) ** 4).sum()", "", False),
        ("figure = 0", DEFINED, False),
    ],
    ids=["a figure", "its loss", "another loss", "a loss that is defined"],
)
def test_a_gradient_of_the_outputs_speaks_for_no_loss_that_is_computed(tmp_path, measured, defined, decides):
    record = as_used(tmp_path, RECORDED.replace("MEASURED", measured) + defined, RECORDED_DRIVER)
    assert (record is not None) is decides
    assert record is None or record.exit_code == EXIT_CONFORMS


def without_a_loss():
    """Return the network without its loss; dL/dy stands in no array of its own."""
    text = re.sub("    def loss.*?\n\n", "", NETWORK, flags=re.DOTALL)
    text = re.sub(" +print.*?\n", "", text)
    text = re.sub(" +dy = .*?\n +dy.*?\n", "", text)
    hit = "np.arange(len(self.index))[:, None] == self.index[words[t]]"
    return re.sub(r"\bdy\b", f"(self.ps[t] - ({hit}))", text)


def test_updates_are_gradients_of_one_function_where_their_derivative_is_symmetric(tmp_path):
    record = as_used(tmp_path, without_a_loss(), DESCENT + DRIVER)
    assert record.exit_code == EXIT_CONFORMS
    assert "one loss, which it doesn't write down" in record.headline
    assert all(f"net.{name}," in record.headline for name in "WUVb"), record.headline


@pytest.mark.parametrize(
    "mistake",
    [
        MISTAKE,
        ("carried = self.U.T @ da", "carried = 0 * self.U.T @ da"),
        ("dU += da @ self.hs[t].T", "dU += da @ self.hs[t + 1].T"),
        ("            db += da\n", "            db += 2 * da\n"),
        ("(1 - self.hs[t + 1] ** 2)", "(1 - self.hs[t] ** 2)"),
    ],
)
def test_what_is_the_gradient_of_no_function_is_not_cleared(tmp_path, mistake):
    record, told = asked(tmp_path, changed(without_a_loss(), mistake), DESCENT + DRIVER)
    assert record is None
    assert "gradients of no function" in told[0]


def test_a_single_element_is_no_evidence_for_a_loss(tmp_path):
    """The gradient of one output's bias is a number whose derivative along that bias is a constant times its update."""
    one = ("n = len(vocabulary)", "n, vocabulary = 1, list(vocabulary)")
    inputs = ("x = np.zeros((len(self.index), 1))", "x = np.zeros((1, 1))")
    value = ("x[self.index[word]] = 1", "x[0] = self.index[word] / 9")
    outputs = ("np.exp(self.V @ self.hs[-1] + self.c)", "self.V @ self.hs[-1] + self.c")
    plain = ("self.ps.append(y / y.sum())", "self.ps.append(y)")
    slope = ("dy[self.index[words[t]]] -= 1", "dy -= self.index[words[t]] / 9")
    network = changed(re.sub(" +print.*?\n", "", NETWORK), one, inputs, value, outputs, plain, slope)
    network = re.sub("    def loss.*?\n\n", "", network, flags=re.DOTALL)
    driver = DESCENT + DRIVER
    record = as_used(tmp_path, network, driver)
    assert record is not None
    assert record.exit_code == EXIT_CONFORMS, record.headline


def test_variables_of_loops_are_not_what_their_arrays_are_called_by(tmp_path):
    """The script goes through its layers, so that `layer` is another one at each of its steps."""
    network = changed(NETWORK, ("self.optimizer.step([", "self.optimizer.step(self.index and ["))
    script = (
        DESCENT
        + """
from net import Net
text = open("corpus.txt").read().split()[:200]
net = Net(sorted(set(text)), 9, Optimizer())
net.fit(text, length=6, epochs=300)
"""
    )
    record = as_used(tmp_path, network, script)
    assert record.exit_code == EXIT_CONFORMS
    assert all(f"net.{name}" in record.headline for name in "WUVbc"), record.headline
