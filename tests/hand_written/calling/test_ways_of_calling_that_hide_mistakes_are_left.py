"""What would clear a wrong network is no way of calling it: a bias taken for h_0, a backward pass overlooked."""

from pathlib import Path

import pytest
from support.small_networks import changed, checked, lstm, network

from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request
from conformance.record.check import CheckRecord

NET = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.Wx, self.Wh = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.Wy, self.bh, self.by = np.random.randn(n_out, n_hidden), np.zeros(n_hidden), np.zeros(n_out)
    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros(len(self.bh))]
        for x in xs:
            self.hs.append({state})
        return np.array(self.hs[1:]) @ self.Wy.T + self.by
"""

STATE = "np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh)"
BIAS_OUTSIDE = "np.tanh(self.Wx @ x + self.Wh @ self.hs[-1]) + self.bh"

UPDATES_EARLY = """
    def atras(self, ys, objetivos, tasa=0.05):
        carried = 0
        for t in reversed(range(len(self.xs))):
            dy = ys[t] - objetivos[t]
            self.Wy -= tasa * np.outer(dy, self.hs[t + 1])
            self.by -= tasa * dy
            da = (self.Wy.T @ dy + carried) * (1 - self.hs[t + 1] ** 2)
            self.Wx -= tasa * np.outer(da, self.xs[t])
            self.Wh -= tasa * np.outer(da, self.hs[t])
            self.bh -= tasa * da
            carried = self.Wh.T @ da
"""

TWICE_AND_NOT_TRANSPOSED = """
    def backward(self, ys, targets, lr=0.05):
        dys, carried = 2 * (ys - targets), 0
        dWx, dWh, dbh = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.bh)
        for t in reversed(range(len(self.xs))):
            da = (self.Wy.T @ dys[t] + carried) * (1 - self.hs[t + 1] ** 2)
            dWx += np.outer(da, self.xs[t])
            dWh += np.outer(da, self.hs[t])
            dbh += da
            carried = self.Wh @ da
        self.Wy -= lr * dys.T @ np.array(self.hs[1:])
        self.by -= lr * dys.sum(0)
        self.Wx -= lr * dWx
        self.Wh -= lr * dWh
        self.bh -= lr * dbh
"""


@pytest.fixture
def check(tmp_path: Path):
    def checked(text: str) -> CheckRecord:
        path = tmp_path / "network.py"
        path.write_text(text, encoding="utf-8")
        target = f"{path}:Net"
        return checked_target(target, "", Request.on_the_command_line(target), lambda _: None)

    return checked


def test_a_bias_outside_the_activation_is_not_taken_for_an_initial_state(check):
    record = check(NET.format(state=BIAS_OUTSIDE))
    assert record.verdict not in ("conforms", "conforms-up-to-a-constant")
    assert not any("bh = h_0" in line for line in record.interface.lines)


def test_a_backward_pass_is_known_by_its_walk_back_in_whatever_language_it_is_named(check):
    record = check(NET.format(state=STATE) + UPDATES_EARLY)
    assert record.verdict == "differs"
    assert any("model.atras(" in line for line in record.interface.lines)


def test_targets_that_were_handed_over_are_not_read_as_a_gradient(check):
    record = check(NET.format(state=STATE) + TWICE_AND_NOT_TRANSPOSED)
    assert record.verdict == "differs"
    assert record.diagnosis is not None
    assert [fault.id for fault in record.diagnosis.faults] == ["carry-not-transposed"]


MADE = "self.Wx, self.Wh ="
LEAKY = "(1 - {a}) * self.hs[-1] + {a} * np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh)"


@pytest.mark.parametrize(
    ("leak", "edits"),
    [
        ("self.alpha", {MADE: f"self.alpha = 0.2; {MADE}"}),
        ("self.alpha", {"n_out):": "n_out, alpha=0.2):", MADE: f"self.alpha = alpha; {MADE}"}),
        ("self.alpha", {"n_out):": "n_out, alpha):", MADE: f"self.alpha = alpha; {MADE}"}),
        ("rate", {"class Net:": "rate = 0.2\nclass Net:"}),
        ("alpha", {"forward(self, xs):": "forward(self, xs, alpha=0.2):"}),
        ("alpha", {"forward(self, xs):": "forward(self, xs, alpha):"}),
    ],
    ids=["attribute", "default", "required", "global", "argument-default", "argument-required"],
)
def test_the_share_of_a_leaky_network_is_not_set_as_if_it_were_a_learning_rate(check, leak, edits):
    text = NET.format(state=LEAKY.format(a=leak))
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    assert check(text).verdict not in ("conforms", "conforms-up-to-a-constant")


TRAINS_FIRST = """
    def abschritt(self, xs, ziele, rate):
        gradients = self.rueckwaerts(self.vorwaerts(xs) - ziele)
        norm = np.sqrt(sum((g ** 2).sum() for g in gradients))
        for w, g in zip((self.Wy, self.by, self.Wx, self.Wh, self.bh), gradients):
            w -= rate * g / max(norm, 1)
    def rueckwaerts(self, dys):
        carried, g = 0, [dys.T @ np.array(self.hs[1:]), dys.sum(0)]
        g += [np.zeros_like(w) for w in (self.Wx, self.Wh, self.bh)]
        for t in reversed(range(len(self.xs))):
            da = (self.Wy.T @ dys[t] + carried) * (1 - self.hs[t + 1] ** 2)
            g[2] += np.outer(da, self.xs[t])
            g[3] += np.outer(da, self.hs[t])
            g[4] += da
            carried = self.Wh.T @ da
        return g
"""


def test_a_method_that_trains_is_called_after_those_that_leave_the_weights_alone(check):
    record = check(NET.format(state=STATE).replace("forward", "vorwaerts") + TRAINS_FIRST)
    assert record.verdict == "conforms"
    assert any("model.rueckwaerts(" in line for line in record.interface.lines)


TRAINER = """
class Trainer:
    def __init__(self, net):
        self.net = net
    def backward(self, dys):
        net, carry, dWh = self.net, 0, 0
        for t in reversed(range(len(net.xs))):
            da = (net.Wy.T @ dys[t] + carry) * (1 - net.hs[t + 1] ** 2)
            dWh = dWh + np.outer(da, net.hs[t + 1])
            carry = net.Wh @ da
        return dWh
"""


def test_a_backward_pass_in_a_class_that_is_handed_the_network_is_not_overlooked(check):
    plain, trained = check(NET.format(state=STATE)), check(NET.format(state=STATE) + TRAINER)
    assert (plain.verdict, plain.exit_code) == ("forward-conforms", 0)
    assert (trained.verdict, trained.exit_code) == ("forward-conforms", 5)
    assert any("Trainer.backward" in line for line in trained.interface.lines)


LEAKY = """
import numpy as np
class Net:
    def __init__(self, entrada, oculta, classes, lote):
        self.Wx, self.Wh = np.random.randn(entrada, oculta), np.random.randn(oculta, oculta)
        self.Wo, self.bh, self.bo = np.random.randn(oculta, classes), np.zeros(oculta), np.zeros(classes)
        self.h = np.zeros((lote, oculta))
    def forward(self, X):
        h = self.h
        self.hs = np.zeros((X.shape[1] + 1,) + h.shape)
        for t in range(X.shape[1]):
            h = np.tanh(X[:, t] @ self.Wx + h @ self.Wh + self.bh)
            self.hs[t + 1] = h
        self.h = h
        z = h @ self.Wo + self.bo
        z -= z.max(axis=1, keepdims=True)
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
"""


def test_copies_of_one_sample_are_no_states_that_share_an_array(tmp_path: Path) -> None:
    """Built for as many samples as there are steps, one sequence comes out as that many equal rows."""
    (tmp_path / "net.py").write_text(LEAKY)
    target = f"{tmp_path / 'net.py'}:Net"
    record = checked_target(target, "", Request(target=target, reproduce=""), lambda _: None)
    named = [] if record.diagnosis is None else [fault.id for fault in record.diagnosis.faults]
    assert "states-share-one-array" not in named


SEQUENCE = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.U = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.b, self.V, self.c = np.zeros(n_hidden), np.random.randn(n_out, n_hidden), np.zeros(n_out)
    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros(len(self.b))]
        for x in xs:
            self.hs.append(np.tanh(self.W @ x + self.U @ self.hs[-1] + self.b))
        return np.array([self.V @ h + self.c for h in self.hs[1:]])
    def backward(self, douts):
        grads = {k: np.zeros_like(getattr(self, k)) for k in "WUbVc"}
        carry = np.zeros(len(self.b))
        for t in reversed(range(len(douts))):
            da = (self.V.T @ douts[t] + carry) * (1 - self.hs[t + 1] ** 2)
            grads["V"] += np.outer(douts[t], self.hs[t + 1]); grads["c"] += douts[t]
            grads["W"] += np.outer(da, self.xs[t]); grads["U"] += np.outer(da, self.hs[t]); grads["b"] += da
            carry = self.U.T @ np.cos(da)
        return grads
"""


def test_what_takes_every_step_is_asked_for_no_single_one(tmp_path):
    file = tmp_path / "network.py"
    file.write_text(SEQUENCE)
    target = f"{file}:Net"
    record = checked_target(target, "", Request.on_the_command_line(target), lambda _: None)
    assert record.verdict == "differs"
    assert record.diagnosis.faults == []
    assert any("sees every step" in line for line in record.interface.lines)


BATCHES = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.U = np.zeros((n_in, n_hidden)), np.zeros((n_hidden, n_hidden))
        self.V, self.b, self.c = np.zeros((n_hidden, n_out)), np.zeros((1, n_hidden)), np.zeros((1, n_out))

    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros((xs.shape[1], len(self.U)))]
        for x in xs:
            self.hs.append(np.tanh(x @ self.W + self.hs[-1] @ self.U + self.b))
        return self.hs[-1] @ self.V + self.c

    def backward(self, dy):
        self.dW, self.dU, self.db = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b)
        self.dV, self.dc = self.hs[-1].T @ dy, {head}
        dh = dy @ self.V.T
        for t in reversed(range(len(self.xs))):
            da = dh * (1 - self.hs[t + 1] ** 2)
            self.dW += self.xs[t].T @ da
            self.dU += self.hs[t].T @ da
            self.db = self.db + da
            dh = da @ self.U.T
"""


def test_code_that_knows_batches_is_judged_by_a_batch(check):
    record = check(BATCHES.format(head="dy.sum(0, keepdims=True)"))
    assert record.verdict == "differs"
    assert [fault.id for fault in record.diagnosis.faults] == ["bias-gradients-per-example"]


def test_code_that_sums_nothing_over_a_batch_is_written_for_one_sample(check):
    record = check(BATCHES.format(head="dy"))
    assert record.verdict == "conforms"


def test_a_backward_pass_of_any_name_is_found_even_if_it_walks_forwards(check):
    source = BATCHES.format(head="dy.sum(0, keepdims=True)").replace(
        "db + da", "db + da.sum(0, keepdims=True)"
    )
    wrong = source.replace("def backward", "def retro").replace(
        "reversed(range(len(self.xs)))", "range(len(self.xs))"
    )
    record = check(wrong)
    assert (record.verdict, record.backward) == ("differs", "differs")


TWO_BIASES = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden):
        self.W, self.U = np.zeros((n_hidden, n_in)), np.zeros((n_hidden, n_hidden))
        self.b_in, self.b_rec = np.zeros(n_hidden), np.zeros(n_hidden)

    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros(len(self.U))]
        for x in xs:
            self.hs.append(np.tanh(self.W @ x + self.b_in + self.U @ self.hs[-1] + self.b_rec))
        return np.array(self.hs[1:])

    def backward(self, dh):
        grads = {name: np.zeros_like(getattr(self, name)) for name in ("W", "U", "b_in", "b_rec")}
        carry = 0
        for t in reversed(range(len(self.xs))):
            da = (dh[t] + carry) * (1 - self.hs[t + 1] ** 2)
            grads["W"] += np.outer(da, self.xs[t])
            grads["U"] += np.outer(da, self.hs[t])
            grads["b_in"] += da
            carry = self.U.T @ da
        return grads
"""


def test_the_right_gradient_of_one_bias_does_not_stand_in_for_the_other(check):
    record = check(TWO_BIASES)
    assert record.verdict == "differs"
    assert [fault.id for fault in record.diagnosis.faults] == ["b-hh-gradient-dropped"]


BOTH, ONE, NEITHER = (
    "dh, dc = {0} if {0} is not None else (0, 0)",
    "dh, dc = 0 if {0} is None else {0}, 0",
    "dh, dc = 0, 0",
)


@pytest.mark.parametrize(
    ("takes", "begins", "memory", "verdict"),
    [
        ("dstate=None", BOTH, "dc", "conforms"),
        ("dstate=None", NEITHER, "dc", "undecided"),
        ("dstate=None", BOTH, "(dc if t else 0)", "undecided"),
        ("dh_T=None", ONE, "dc", "conforms"),
        ("dh_T=None", ONE.replace("None else", "None else 2 *"), "dc", "undecided"),
        ("dh_T=0, dc_T=0", "dh, dc = dh_T, dc_T", "dc", "conforms"),
        ("dh_T=0, dc_T=0", "dh, dc = dh_T, -dc_T", "dc", "undecided"),
    ],
)
def test_an_lstm_is_handed_the_gradients_of_both_final_states(
    tmp_path: Path, takes: str, begins: str, memory: str, verdict: str
) -> None:
    name = takes.partition("=")[0]
    text = changed(
        lstm("", "np.zeros((2, xs.shape[1], len(self.U)))", "np.array(hs)"),
        ("backward(self, dhs)", f"backward(self, dhs, {takes})"),
        (
            "gW, gU, gb, dh, dc = 0 * self.W, 0 * self.U, 0 * self.b, 0, 0",
            f"gW, gU, gb = 0 * self.W, 0 * self.U, 0 * self.b\n        {begins.format(name)}",
        ),
        ("for d, (x", "for t, d, (x"),
        ("in zip(dhs[::-1]", "in zip(range(len(dhs)), dhs[::-1]"),
        ("dc = dc + dh", f"dc = {memory} + dh"),
    )
    record = checked(tmp_path, text)
    assert record.verdict == verdict, record.headline
    assert ("handed the gradient of the final state as d" in record.denied) is (verdict == "undecided")


@pytest.mark.parametrize(("carry", "verdict"), [("self.Wh.T @ da", "conforms"), ("self.Wh @ da", "differs")])
def test_no_network_of_one_unit_stands_for_it(tmp_path: Path, carry: str, verdict: str) -> None:
    """A size whose name says batch is the hidden one; with one unit, W_hh is a number."""
    text = changed(
        network(), ("n_in, n_hidden, n_out", "d, n, o"), ("carried = self.Wh.T @ da", f"carried = {carry}")
    )
    text = text.replace("n_hidden", "n").replace("n_in", "d").replace("n_out", "o")
    assert checked(tmp_path, text).verdict == verdict
