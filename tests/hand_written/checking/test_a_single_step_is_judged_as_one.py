"""A step that was asked about is judged as a step, and never in the name of a loop over time that did not run."""

from pathlib import Path

import pytest
from support.small_networks import checked as checked_alone

from conformance.hand_written.calling import load
from conformance.hand_written.calling.asking import Traits, question
from conformance.hand_written.calling.building.construct import of_class
from conformance.hand_written.calling.building.modules import of_module
from conformance.hand_written.calling.forwards.passes import ASKED, case_of
from conformance.hand_written.calling.scope import askable, has_a_loop, takes_a_step
from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request
from conformance.record.check import CheckRecord

P = question(case_of(ASKED, batched=False), Traits()).p

CELL = """
import numpy as np
class Cell:
    def __init__(self, n_in, n_hidden):
        self.A, self.B = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_hidden)
        self.b = np.zeros(n_hidden)
    def forward(self, x, h):
        new = np.tanh(x @ self.A + h @ self.B + self.b)
        self.kept = (x, h, new)
        return new
    def backward(self, d_new):
        x, h, new = self.kept
        d = d_new * (1 - new**2)
        self.gA, self.gB, self.gb = x.T @ d, h.T @ d, d.sum(0)
        return d @ self.A.T, d @ self.B.T
"""

STATEFUL = """
import numpy as np
class Cell:
    def __init__(self, n_in, n_hidden):
        self.A, self.B = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.b, self.h = np.zeros(n_hidden), np.zeros(n_hidden)
    def forward(self, x):
        self.x, self.before = x, self.h
        self.h = np.tanh(self.A @ x + self.B @ self.h + self.b)
        return self.h
    def backward(self, d_new):
        d = d_new * (1 - self.h**2)
        self.grads = {"A": np.outer(d, self.x), "B": np.outer(d, self.before), "b": d}
        return self.B.T @ d
"""

REUSES_ITS_BUFFERS = CELL.replace(
    "self.b = np.zeros(n_hidden)",
    "self.b = np.zeros(n_hidden)\n        self.grads = [np.zeros_like(w) for w in (self.A, self.B, self.b)]",
).replace(
    "self.gA, self.gB, self.gb = x.T @ d, h.T @ d, d.sum(0)",
    "self.grads[0][...], self.grads[1][...], self.grads[2][...] = x.T @ d, h.T @ d, d.sum(0)",
)

ADDS_UP = CELL.replace(
    "self.b = np.zeros(n_hidden)", "self.b = np.zeros(n_hidden)\n        self.gA = self.gB = self.gb = 0"
).replace(
    "self.gA, self.gB, self.gb = x.T @ d, h.T @ d, d.sum(0)",
    "self.gA, self.gB, self.gb = self.gA + x.T @ d, self.gB + h.T @ d, self.gb + d.sum(0)",
)

STATIC = """
import numpy as np
class Cell:
    @staticmethod
    def forward(x, h, W, U, b):
        new = np.tanh(x @ W + h @ U + b)
        return new, dict(x=x, h=h, new=new, W=W, U=U)
    @staticmethod
    def backward(d_new, cache):
        d = d_new * (1 - cache["new"] ** 2)
        return d @ cache["W"].T, d @ cache["U"].T, cache["x"].T @ d, cache["h"].T @ d, d.sum(0)
"""

LAMBDA = """
import numpy as np
step = lambda x, h, W, U, b: np.tanh(x @ W + h @ U + b)
def step_back(d_new, x, h, new, W, U):
    d = d_new * (1 - new**2)
    return d @ W.T, d @ U.T, x.T @ d, h.T @ d, d.sum(0)
"""

PAIR = """
import numpy as np
def sig(a):
    return 1 / (1 + np.exp(-a))
class Cell:
    def __init__(self, n_in, n_hidden):
        self.A, self.B = np.random.randn(n_in, 3 * n_hidden), np.random.randn(n_hidden, 3 * n_hidden)
    def forward(self, x, h, c):
        n = h.shape[1]
        a = x @ self.A + h @ self.B
        f, o, g = sig(a[:, :n]), sig(a[:, n : 2 * n]), np.tanh(a[:, 2 * n :])
        c_new = f * c + (1 - f) * g
        self.kept = x, h, c, f, o, g, c_new
        return c_new, o * np.tanh(c_new)
    def backward(self, dh, dc):
        x, h, c, f, o, g, c_new = self.kept
        t = np.tanh(c_new)
        dc = dc + dh * o * (1 - t**2)
        da = np.hstack([dc * (c - g) * f * (1 - f), dh * t * o * (1 - o), dc * (1 - f) * (1 - g**2)])
        self.gA, self.gB = x.T @ da, h.T @ da
        dc_before, dh_before = dc * f, da @ self.B.T
        return dc_before, dh_before
""".replace("return c_new, o * np.tanh(c_new)", "h_new = o * np.tanh(c_new)\n        return c_new, h_new")


def check(folder: Path, text: str, name: str) -> CheckRecord:
    path = folder / "network.py"
    path.write_text(text, encoding="utf-8")
    target = f"{path}:{name}" if name else str(path)
    return checked_target(target, "", Request.on_the_command_line(target), lambda _: None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (CELL, "Cell"),
        (STATEFUL, "Cell"),
        (REUSES_ITS_BUFFERS, "Cell"),
        (ADDS_UP, "Cell"),
        (STATIC, "Cell"),
        (LAMBDA, "step,step_back"),
    ],
    ids=["kept", "keeps its state", "reuses its buffers", "adds up", "static methods", "lambda"],
)
def test_a_right_step_conforms_as_a_single_step(tmp_path, text, name):
    record = check(tmp_path, text, name)
    assert (record.verdict, record.exit_code, record.backward) == ("conforms", 0, "agrees")
    assert "as a single step" in record.headline


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("1 - new**2", "1 - new"), ("h.T @ d, d.sum", "new.T @ d, d.sum"), ("d @ self.B.T", "d @ self.B")],
    ids=["slope", "state", "handed back"],
)
def test_a_wrong_step_is_wrong_as_a_single_step(tmp_path, right, wrong):
    record = check(tmp_path, CELL.replace(right, wrong), "Cell")
    assert (record.verdict, record.exit_code) == ("differs", 1)
    assert "as a single step" in record.headline


OF_ROWS = """
import numpy as np
class Cell:
    def __init__(self, n_in, n_hidden):
        self.W, self.U = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
    def forward(self, x, h):
        self.x, self.h = x, h
        self.new = np.tanh(self.W.dot(x) + self.U.dot(h))
        return self.new
    def backward(self, delta):
        da = delta * np.transpose({slope})
        self.x, self.h = self.x.reshape((-1, 1)), self.h.reshape((-1, 1))
        self.dW, self.dU = self.x.dot(da).T, self.h.dot(da).T
        return da.dot(self.W), da.dot(self.U)
"""


@pytest.mark.parametrize(
    ("slope", "verdict"), [("1 - self.new * self.new", "conforms"), ("1 - self.new", "differs")]
)
def test_a_step_back_that_is_called_once_is_judged_for_that_step(tmp_path, slope, verdict):
    record = check(tmp_path, OF_ROWS.format(slope=slope), "Cell")
    assert record.verdict == verdict, record.headline
    assert "as a single step" in record.headline


def test_a_step_that_hands_nothing_back_is_not_accused_of_what_our_loop_lacks(tmp_path):
    record = check(tmp_path, CELL.replace("return d @ self.A.T, d @ self.B.T", "return None"), "Cell")
    assert (record.verdict, record.exit_code) == ("undecided", 5)
    assert "conformance calls it in a loop" in record.headline


@pytest.mark.parametrize("returned", ["c_new, h_new", "h_new, c_new"])
def test_a_right_step_with_a_memory_is_another_network_whose_gradients_are_its_own(tmp_path, returned):
    record = check(tmp_path, PAIR.replace("return c_new, h_new", f"return {returned}"), "Cell")
    assert (record.verdict, record.exit_code) == ("another-network", 0)


def test_what_a_step_hands_back_to_its_memory_is_held_against_its_own_forward_pass(tmp_path):
    wrong = PAIR.replace("return c_new, h_new", "return h_new, c_new").replace(
        "dc_before, dh_before = dc * f", "dc_before, dh_before = dc"
    )
    record = check(tmp_path, wrong, "Cell")
    assert (record.verdict, record.exit_code) == ("another-network", 1)


LOOP = """
    def forward(self, xs, h0):
        states = [h0]
        for x in xs:
            states.append(self.step(x, {before}))
        return np.array(states[1:]){returned}
"""


def with_a_loop(before: str = "states[-1]", returned: str = "") -> str:
    """Return the same step, and its way back, in a class whose forward pass is a loop."""
    text = CELL.replace("class Cell", "class Net").replace("def forward", "def step")
    return text.replace("def backward", "def step_back") + LOOP.format(before=before, returned=returned)


def test_a_loop_that_never_carries_its_state_is_judged_though_its_step_is_right(tmp_path):
    text = with_a_loop(before="h0")
    way_back, loop = text.index("    def step_back"), text.index("    def forward")
    record = check(tmp_path, text[:way_back] + text[loop:], "Net")
    assert (record.verdict, record.forward) == ("differs", "differs")
    assert any("model.forward(x" in line for line in record.interface.lines)


def test_a_step_in_place_of_a_loop_that_did_not_run_has_a_verdict_of_its_own(tmp_path):
    record = check(tmp_path, with_a_loop(returned=".reshape(2, 5)"), "Net")
    assert (record.verdict, record.exit_code) == ("step-conforms", 5)
    assert not record.conforms
    assert "forward was not judged (ValueError: cannot reshape" in record.headline


def test_a_wrong_step_in_place_of_a_loop_that_did_not_run_accuses_nobody(tmp_path):
    text = with_a_loop(returned=".reshape(2, 5)").replace("1 - new**2", "1 - new")
    assert check(tmp_path, text, "Net").exit_code == 5


FUNCTIONS = """
import numpy as np
def one(x, h, P):
    new = np.tanh(P["Wx"] @ x + P["Wh"] @ h + P["b"])
    return new, (x, h, new, P)
def one_back(d_new, cache):
    x, h, new, P = cache
    d = d_new * (1 - new**2)
    db = d.sum(1, keepdims=True)
    return {"dx": P["Wx"].T @ d, "dh_prev": P["Wh"].T @ d, "dWx": d @ x.T, "dWh": d @ h.T, "db": db}
def walk(xs, h, P):
    states, caches = [], []
    for x in xs:
        h, cache = one(x, h, P)
        states.append(h)
        caches.append(cache)
    return states, caches
def walk_back(ds, caches):
    total, carry = {}, 0
    for d, cache in zip(ds[::-1], caches[::-1]):
        given = one_back(d + carry, cache)
        carry = given["dh_prev"]
        for key in ("dWx", "dWh", "db"):
            total[key] = total.get(key, 0) + given[key]
    return total
"""


def test_named_functions_that_are_right_conform_as_they_are(tmp_path):
    record = check(tmp_path, FUNCTIONS, "walk,walk_back")
    assert record.verdict == "conforms"
    assert "single step" not in record.headline


def test_what_every_call_of_a_named_function_raises_is_the_answer(tmp_path):
    record = check(tmp_path, FUNCTIONS.replace("in xs:", "in inputs:"), "walk,walk_back")
    assert (record.verdict, record.exit_code) == ("failed", 5)
    assert "NameError: name 'inputs' is not defined, in walk at " in record.headline


def test_a_named_function_that_could_not_be_called_tells_its_own_error_not_that_of_a_wrong_guess(tmp_path):
    wrong = FUNCTIONS.replace("x, h, new, P = cache", "new, h, x, P = cache").replace(
        "total, carry = {}, 0", "total, carry, (T, n, m) = {}, 0, np.shape(ds)"
    )
    record = check(tmp_path, wrong, "walk,walk_back")
    assert record.exit_code == 5
    assert "in one_back at " in record.headline
    assert "unpack" not in record.headline


def test_a_step_that_raises_whatever_it_is_handed_is_told(tmp_path):
    record = check(tmp_path, CELL.replace("+ self.b)", "+ bias)"), "Cell")
    assert "NameError: name 'bias' is not defined, in forward at " in record.headline


def test_functions_that_were_not_named_are_not_called(tmp_path):
    path = tmp_path / "network.py"
    path.write_text(FUNCTIONS, encoding="utf-8")
    loaded = load(f"{path}:walk,walk_back")
    built = next(of_module(loaded, P))
    assert askable(loaded, built, stepwise=False) == ["code.walk", "code.walk_back"]
    assert askable(loaded, built, stepwise=True) == [
        "code.walk",
        "code.walk_back",
        "code.one",
        "code.one_back",
    ]


@pytest.mark.parametrize(
    ("body", "steps"),
    [
        ("return np.tanh(x)", True),
        ("return squashed(x)", True),
        ("return [np.tanh(x_t) for x_t in x]", False),
        ("return looped(x)", False),
        ("return reduce(squashed, x)", False),
        ("return self.below(x)", False),
        ("return x if len(x) < 2 else self.forward(x[1:])", False),
    ],
)
def test_what_has_no_loop_in_sight_takes_one_step(tmp_path, body, steps):
    path = tmp_path / "network.py"
    path.write_text(
        "import numpy as np\nfrom functools import reduce\n"
        "def squashed(x):\n    return np.tanh(x)\n"
        "def looped(x):\n    while len(x):\n        x = x[1:]\n    return x\n"
        "class Below:\n    def __call__(self, x):\n        return [np.tanh(each) for each in x]\n"
        "class Net:\n    def __init__(self):\n        self.W, self.below = np.zeros((2, 2)), Below()\n"
        f"    def forward(self, x):\n        {body}\n",
        encoding="utf-8",
    )
    loaded = load(f"{path}:Net")
    built = next(iter(of_class(loaded, "Net", P)))
    assert takes_a_step(loaded, built, "model.forward") is steps


def test_loops_of_every_kind_are_seen():
    def folds(xs):
        return sum(map(abs, xs))

    def waits(xs):
        while xs:
            xs = xs[1:]

    assert all(
        map(has_a_loop, (folds, waits, lambda xs: [abs(x) for x in xs], lambda xs: {x: x + 1 for x in xs}))
    )
    assert not has_a_loop(lambda x: abs(x) if x else -x)


GATES_ARE_ASKED_FOR = """
import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


class LSTM:
    def __init__(self, n_in, n_hidden, n_out):
        self.Wf, self.Wi, self.Wg, self.Wo = (0.4 * np.random.randn(n_hidden, n_hidden + n_in) for _ in range(4))
        self.bf, self.bi, self.bg, self.bo = (np.zeros((n_hidden, 1)) for _ in range(4))
        self.Wy, self.by = 0.4 * np.random.randn(n_out, n_hidden), np.zeros((n_out, 1))

    def forward(self, x, h_prev, c_prev):
        z = np.vstack((h_prev, x))
        f, i, o = (sigmoid(W @ z + b) for W, b in ((self.Wf, self.bf), (self.Wi, self.bi), (self.Wo, self.bo)))
        c = f * c_prev + i * np.tanh(self.Wg @ z + self.bg)
        h = o * np.tanh(c)
        return self.Wy @ h + self.by, h, c

    def backward(self, x, h_prev, c_prev, f, i, c_bar, c, o, h, y, d_h_next, d_c_next):
        z, d_c = np.vstack((h_prev, x)), d_c_next + o * d_h_next * (1 - np.tanh(c) ** 2)
        d_o = d_h_next * np.tanh(c) * o * (1 - o)
        d_g, d_i, d_f = d_c * i * (1 - c_bar**2), d_c * c_bar * i * (1 - i), d_c * c_prev * f * (1 - f)
        d_z = self.Wf.T @ d_f + self.Wi.T @ d_i + self.Wg.T @ d_g + self.Wo.T @ d_o
        sums = [d.sum(axis=1, keepdims=True) for d in (d_f, d_i, d_g, d_o)]
        return d_z[: len(h)], f * d_c, d_f @ z.T, d_i @ z.T, d_g @ z.T, d_o @ z.T, *sums
"""
"""Its forward pass gives no gates, and its backward pass takes them: what it is handed for them is a guess."""


def test_a_step_that_was_handed_guesses_is_not_accused(tmp_path):
    record = checked_alone(tmp_path, GATES_ARE_ASKED_FOR, "LSTM")
    assert record.exit_code != 1, record.headline


def test_a_loop_that_was_named_beside_its_cell_is_not_cleared_by_a_step(tmp_path: Path) -> None:
    loops = """
def unroll(cell, xs, h):
    hs = []
    for x in xs:
        hs.append(h := cell.forward(x, h))
    return hs
"""
    record = checked_alone(tmp_path, f"{CELL}\n{loops}", "Cell,unroll")
    assert (record.verdict, record.exit_code) == ("step-conforms", 5), record.headline
    assert "unroll" in record.headline


OF_VECTORS = CELL.replace("new = np.tanh", "assert x.ndim == h.ndim == 1\n        new = np.tanh").replace(
    "d = d_new * (1 - new**2)", "x, h, d = x[None], h[None], np.reshape(d_new, (1, -1)) * (1 - new**2)"
)
"""Vectors go in, and rows come back."""


@pytest.mark.parametrize(("back", "verdict"), [("d @ self.B.T", "conforms"), ("d @ self.B", "differs")])
def test_gradients_with_an_axis_more_are_handed_on_in_the_shape_of_the_state(
    tmp_path: Path, back: str, verdict: str
) -> None:
    record = checked_alone(tmp_path, OF_VECTORS.replace("d @ self.B.T", back), "Cell")
    assert record.verdict == verdict, record.headline


GIVEN_ITS_WEIGHTS = """
import numpy as np
s = lambda a: 1 / (1 + np.exp(-a))
class Step:
    def __init__(self, weight_x, weight_h, b):
        self.params, self.grads = [weight_x, weight_h, b], [0 * weight_x, 0 * weight_h, 0 * b]
    def forward(self, x, h, c):
        W, U, b = self.params
        f, i, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
        f, i, g, o = s(f), s(i), np.tanh(g), s(o)
        now = f * c + i * g
        self.kept = x, h, c, f, i, g, o, now
        return o * np.tanh(now), now
    def backward(self, dh, dc):
        W, U, _ = self.params
        x, h, c, f, i, g, o, now = self.kept
        dc = dc + dh * o * (1 - np.tanh(now) ** 2)
        gates = dc * c * f * (1 - f), dc * g * i * (1 - i), dc * i * (1 - g * g), dh * np.tanh(now) * o * (1 - o)
        da = np.hstack(gates)
        for kept, grad in zip(self.grads, (x.T @ da, h.T @ da, da.sum(0))):
            kept[...] = grad
        return da @ W.T, da @ U.T, dc * f
"""


def test_a_step_that_is_built_of_its_weights_gets_them_in_their_shapes(tmp_path: Path) -> None:
    record = checked_alone(tmp_path, GIVEN_ITS_WEIGHTS, "Step")
    assert record.verdict == "conforms", record.headline
    assert "torch.nn.LSTM as a single step" in record.headline
