"""Scripts update their parameters in loops, at once, by memories of their own; each is judged as it trains."""

import pytest
from support.apart import apart
from support.training_scripts import asked_here

from conformance.record.check import EXIT_CONFORMS, EXIT_DIFFERS

WORDS = """
import numpy as np

def cost_of(p, following):
    return -sum(np.log(q[j]) for q, j in zip(p, following))

class Speller:
    def __init__(self, text, width=8):
        z = np.random.RandomState(3)
        self.signs = sorted(set(text))
        n = len(self.signs)
        self.E, self.R = z.normal(0, 0.3, (width, n)), z.normal(0, 0.3, (width, width))
        self.A, self.s = z.normal(0, 0.3, (n, width)), np.zeros(width)
        self.memory = {memory}

    def study(self, text):
        k = [self.signs.index(c) for c in text]
        h, p = [0 * self.s], []
        for i in k[:-1]:
            h.append(np.tanh(self.E[:, i] + self.R @ h[-1] + self.s))
            y = np.exp(self.A @ h[-1])
            p.append(y / y.sum())
        cost = cost_of(p, k[1:])
        gE, gR, gA, gs = 0 * self.E, 0 * self.R, 0 * self.A, 0 * self.s
        back = 0 * self.s
        for t in range(len(k) - 2, -1, -1):
            e = p[t].copy()
            e[k[t + 1]] -= 1
            d = (self.A.T @ e + back) * (1 - h[t + 1] ** 2)
            {step}
        {end}
        return cost

speller = Speller("abc cab")
for _ in range(300):
    print(speller.study("abc cab abc bca"))
"""

SUMMED = """gA += np.outer(e, h[t + 1])
            gE[:, k[t]] += d
            gR += np.outer(d, h[t])
            gs += d
            back = self.R.T @ d"""

ADAGRAD = """for n, (w, g) in enumerate(zip((self.E, self.R, self.A, self.s), (gE, gR, gA, gs))):
            m = self.memory[n]
            {remember}
            w -= 0.1 * g / np.sqrt(m + 1e-8)"""

IN_THE_LOOP = """self.A -= 0.1 * np.outer(e, h[t + 1])
            self.E[:, k[t]] -= 0.1 * d
            self.R -= 0.1 * np.outer(d, h[t])
            self.s -= 0.1 * d
            back = self.R.T @ d"""


def of_script(folder, text):
    (folder / "script.py").write_text(text, encoding="utf-8")
    return apart(asked_here, str(folder / "script.py"))


def of_speller(folder, step, end, memory="[0 * w for w in (self.E, self.R, self.A, self.s)]"):
    text = WORDS.format(step=step, end=end, memory=memory)
    (folder / "speller.py").write_text(text, encoding="utf-8")
    target = f"{folder / 'speller.py'}:Speller"
    return apart(asked_here, target)[0]


def test_gradients_may_be_local_to_the_function_that_updates(tmp_path):
    record = of_speller(tmp_path, SUMMED, ADAGRAD.format(remember="m += g * g"))
    assert record is not None
    assert record.exit_code == EXIT_CONFORMS, record.headline
    assert any("root of their squares" in note for note in record.notes)


def test_squares_that_are_forgotten_are_not_told_as_right(tmp_path):
    assert of_speller(tmp_path, SUMMED, ADAGRAD.format(remember="m = m + g * g")) is None


def test_weights_that_change_within_the_backward_pass_are_wrong(tmp_path):
    record = of_speller(tmp_path, IN_THE_LOOP, "pass", memory="None")
    assert record is not None
    assert record.exit_code == EXIT_DIFFERS, record.headline
    assert "speller.A" not in record.headline  # its own gradient takes nothing of what has changed


MOMENTUM = """
import numpy as np
rng = np.random.RandomState(1)
U, W, V, b, c = rng.randn(6, 2), rng.randn(6, 6) * 0.2, rng.randn(1, 6), np.zeros((6, 1)), np.zeros((1, 1))
mU, mW, mV, mb, mc = 0 * U, 0 * W, 0 * V, 0 * b, 0 * c
for n in range(400):
    x, y = rng.randn(5, 2, 8), rng.randn(8)
    h = [np.zeros((6, 8))]
    for t in range(5):
        h.append(np.tanh(U @ x[t] + W @ h[-1] + b))
    out = (V @ h[-1] + c)[0]
    loss = np.mean((out - y) ** 2)
    e = (2 * (out - y) / 8)[None]
    gV, gc, gU, gW, gb = e @ h[-1].T, e.sum(keepdims=True), 0 * U, 0 * W, 0 * b
    e = V.T @ e
    for t in range(4, -1, -1):
        e = e * (1 - h[t + 1] ** 2)
        gU, gW, gb = gU + e @ x[t].T, gW + e @ h[t].T, gb + e.sum(1, keepdims=True)
        e = {back} @ e
    mU = 0.9 * mU - 0.01 * gU; U += mU
    mW = 0.9 * mW - 0.01 * gW; W += mW
    mV = 0.9 * mV - 0.01 * gV; V += mV
    mb = 0.9 * mb - 0.01 * gb; b += mb
    mc = 0.9 * mc - 0.01 * gc; c += mc
"""


@pytest.mark.parametrize(("back", "code"), [("W.T", EXIT_CONFORMS), ("W", EXIT_DIFFERS)])
def test_a_parameter_of_one_element_is_no_loss(tmp_path, back, code):
    record, _ = of_script(tmp_path, MOMENTUM.format(back=back))
    assert record is not None
    assert record.exit_code == code, record.headline
    assert "the number loss" in record.notes[0]


FLAT = """
import numpy as np

def cost(theta, x, y):
    U, W, V = theta[:12].reshape(4, 3), theta[12:28].reshape(4, 4), theta[28:].reshape(1, 4)
    h = [np.zeros((4, x.shape[2]))]
    for x_t in x:
        h.append(np.tanh(U @ x_t + W @ h[-1]))
    e = (V @ h[-1])[0] - y
    dU, dW, dV, d = 0 * U, 0 * W, e[None] @ h[-1].T, V.T @ e[None]
    for t in range(len(x) - 1, -1, -1):
        d = d * (1 - h[t + 1] ** 2)
        dU, dW, d = dU + d @ x[t].T, dW + d @ h[t].T, W.T @ d
    return 0.5 * e @ e, np.concatenate([dU.ravel(), dW.ravel(), dV.ravel()])

r = np.random.RandomState(2)
x, y, theta = r.randn(5, 3, 20), r.randn(20), r.randn(32) * 0.4
for _ in range(100):
    f, g = cost(theta, x, y)
    theta = theta - 0.01 * g
"""


def test_all_parameters_may_lie_in_one_vector(tmp_path):
    (tmp_path / "flat.py").write_text(FLAT, encoding="utf-8")
    target = f"{tmp_path / 'flat.py'}:cost"
    record, _ = apart(asked_here, target)
    assert record is not None
    assert record.exit_code == EXIT_CONFORMS, record.headline
    assert "theta" in record.headline


READS = """
import pathlib
import numpy as np
{load}
U, W, V = np.random.randn(6, 1), np.random.randn(6, 6) * 0.2, np.random.randn(1, 6)
for n in range(200):
    x, y = series[n : n + 5, None], series[n + 1 : n + 6, None]
    h = [np.zeros(6)]
    for t in range(5):
        h.append(np.tanh(U @ x[t] + W @ h[-1]))
    e = [V @ h[t + 1] - y[t] for t in range(5)]
    loss = 0.5 * sum(float(each @ each) for each in e)
    gU, gW, gV, d = 0 * U, 0 * W, 0 * V, 0
    for t in range(4, -1, -1):
        gV += np.outer(e[t], h[t + 1])
        d = (V.T @ e[t] + d) * (1 - h[t + 1] ** 2)
        gU, gW, d = gU + np.outer(d, x[t]), gW + np.outer(d, h[t]), W.T @ d
    U, W, V = U - 0.1 * gU, W - 0.1 * gW, V - 0.1 * gV
"""

LOADS = {
    "a table": """
rows = [line.split(",") for line in pathlib.Path("data/prices.csv").read_text().splitlines()]
series = np.array([float(row[rows[0].index({"close": "close"}["close"])]) for row in rows[1:]])
""",
    "a text": 'series = np.array([float(len(w)) for w in pathlib.Path("story.txt").read_text().split()])',
}


@pytest.mark.parametrize("kind", LOADS)
def test_a_file_that_is_not_there_is_made_up_and_told(tmp_path, kind):
    record, _ = of_script(tmp_path, READS.replace("{load}", LOADS[kind]))
    assert record is not None
    assert record.exit_code == EXIT_CONFORMS, record.headline
    assert any(f"isn't there: {kind} was made up" in note for note in record.notes)
    assert not list(tmp_path.glob("data*"))  # the project itself stays as it was


def test_what_stopped_a_run_in_vain_is_told(tmp_path):
    record, told = of_script(tmp_path, "import numpy as np\nw = np.ones((3, 3))\nw @ np.ones(4)\n")
    assert record is None
    assert any("no training step was seen" in line for line in told)
    assert any("Raised when it was run" in line for line in told)
