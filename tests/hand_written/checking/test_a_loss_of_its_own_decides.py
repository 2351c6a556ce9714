"""A loss that the code computes itself: gradients that are its derivative are right; it may contradict them, too."""

import pytest
from support.small_networks import checked

NETWORK = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.U = np.random.randn(n_hidden, n_in) * 0.3, np.random.randn(n_hidden, n_hidden) * 0.3
        self.V, self.b, self.c = np.random.randn(n_out, n_hidden) * 0.3, np.zeros(n_hidden), np.zeros(n_out)

    def forward(self, x):
        self.x, self.h = x, [np.zeros(len(self.b))]
        for x_t in x:
            self.h.append(np.tanh(self.W @ x_t + self.U @ self.h[-1] + self.b))
        self.y = np.array(self.h[1:]) @ self.V.T + self.c
        return self.y

    def backward(self, target):
        e = self.y - target
        dy = {dy}
        h, d, n = np.array(self.h), np.zeros((len(e), len(self.b))), 0
        for t in reversed(range(len(e))):
            d[t] = (self.V.T @ dy[t] + n) * (1 - h[t + 1] ** 2)
            n = self.U.T @ d[t]
        gradients = d.T @ self.x, d.T @ h[:-1], d.sum(0), dy.T @ h[1:], dy.sum(0)
        return {returned}

    def {name}(self, target):
        e = self.y - target
        return {loss}
"""

WEIGHTED = "(0.9 ** np.arange(len(e)))[::-1, None]"


def network(dy, loss="0.0", name="figure", returned="gradients"):
    return NETWORK.format(dy=dy, loss=loss, name=name, returned=returned)


@pytest.mark.parametrize(
    "text",
    [
        network(f"{WEIGHTED} * e", f"0.5 * ({WEIGHTED} * e**2).sum()", "loss"),
        network(f"{WEIGHTED} * e", returned=f"0.5 * ({WEIGHTED} * e**2).sum(), gradients"),
        network(
            "np.clip(e, -0.3, 0.3)", "np.where(abs(e) < 0.3, e**2 / 2, 0.3 * abs(e) - 0.045).sum()", "loss"
        ),
        network("np.tanh(e)", "np.log(np.cosh(e)).sum()", "objective"),
    ],
    ids=["weighted", "weighted and returned", "huber", "log-cosh"],
)
def test_gradients_of_the_loss_that_it_computes_are_right_whatever_that_is(tmp_path, text):
    record = checked(tmp_path, text)
    assert (record.verdict, record.exit_code) == ("conforms", 0), record.headline


@pytest.mark.parametrize(
    "text",
    [
        network("e", "abs(e).sum()", "loss"),
        network("e", "np.where(abs(e) < 0.3, e**2 / 2, 0.3 * abs(e) - 0.045).sum()", "loss"),
        network("e", returned="0.5 * (e**2).sum() + 0.05 * (self.W**2).sum(), gradients"),
        network(
            "np.clip(e, -0.1, 0.1)", "np.where(abs(e) < 0.3, e**2 / 2, 0.3 * abs(e) - 0.045).sum()", "loss"
        ),
    ],
    ids=["absolute error", "huber", "weight decay", "cut off elsewhere"],
)
def test_gradients_that_it_contradicts_do_not_conform(tmp_path, text):
    record = checked(tmp_path, text)
    assert (record.verdict, record.exit_code) == ("undecided", 5), record.headline
    assert "those of another loss than the one that" in record.headline


def test_a_loss_that_is_returned_is_held_against_the_gradients_beside_one_that_is_declared(tmp_path):
    text = network("e", "0.5 * (e**2).sum()", "loss", returned="0.5 * (e[1:] ** 2).sum(), gradients")
    record = checked(tmp_path, text)
    assert (record.verdict, record.exit_code) == ("undecided", 5), record.headline
    assert "another loss than the one that its backward pass returns" in record.headline


def test_a_figure_that_is_no_loss_by_its_name_contradicts_nothing(tmp_path):
    assert checked(tmp_path, network("e", "abs(e).sum()", "mean_error")).exit_code == 0


def test_a_wrong_gradient_is_not_excused_by_a_loss(tmp_path):
    text = network("e", "0.5 * (e**2).sum()", "loss").replace("self.U.T @ d[t]", "self.U @ d[t]")
    assert checked(tmp_path, text).verdict == "differs"


def test_a_factor_that_depends_on_the_data_is_told_and_no_mistake(tmp_path):
    record = checked(tmp_path, network("e / (e.size * np.sqrt(np.mean(e**2)))"))
    assert (record.verdict, record.exit_code) == ("conforms-up-to-a-constant", 0), record.headline
    (told,) = [c.sentence for c in record.contracts if c.id == "constant-factor"]
    assert "a factor that depends on the data" in told


def test_a_factor_that_depends_on_the_number_of_calls_is_a_mistake(tmp_path):
    text = network("e * (2 if getattr(self, 'calls', 0) % 3 == 2 else 1)").replace(
        "        self.x, self.h = x,",
        "        self.calls = getattr(self, 'calls', -1) + 1\n        self.x, self.h = x,",
    )
    assert checked(tmp_path, text).verdict == "differs"


def test_what_was_handed_in_and_kept_is_no_gradient(tmp_path):
    text = network("self.dy").replace("e = self.y - target\n        dy", "e = self.dy\n        dy")
    text = text.replace("def backward(self, target)", "def gradients(self)").replace(
        "    def figure", "    def backward(self, dy):\n        self.dy = dy\n\n    def figure"
    )
    record = checked(tmp_path, text)
    assert record.exit_code != 1, record.headline


def test_targets_that_were_handed_zeros_are_no_initial_state(tmp_path):
    text = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden):
        self.W, self.b = np.random.randn(n_hidden, n_in), np.zeros(n_hidden)
        self.U = np.random.randn(n_hidden, n_hidden)

    def loss(self, x, target):
        self.h = [np.zeros_like(self.b)]
        for x_t in x:
            self.h.append(np.tanh(self.W @ x_t + self.U @ self.h[-1] + self.b))
        return 0.5 * ((np.array(self.h[1:]) - target) ** 2).sum()

    def grad(self, x, target):
        self.loss(x, target)
        h = np.array(self.h)
        d, n = np.zeros_like(h[1:]), 0
        for t in reversed(range(len(x))):
            d[t] = (h[t + 1] - target[t] + n) * (1 - h[t + 1] ** 2)
            n = self.U.T @ d[t]
        return d.T @ x, d.T @ h[:-1], d.sum(0)
"""
    assert checked(tmp_path, text).exit_code != 1


def test_gradients_that_are_kept_wrongly_beside_right_ones_deny_them(tmp_path):
    kept = "self.dW, self.dU, self.db, self.dV, self.dc = gradients[0], gradients[1].T, *gradients[2:]\n        return"
    text = network("e").replace("return gradients", f"{kept} gradients")
    record = checked(tmp_path, text)
    assert record.verdict == "undecided", record.headline
    assert "keeps in attributes are not those that it returns" in record.headline


LEARNED = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.U = np.random.randn(n_hidden, n_in) * 0.3, np.random.randn(n_hidden, n_hidden) * 0.3
        self.V, self.b, self.c = np.random.randn(n_out, n_hidden) * 0.3, np.zeros(n_hidden), np.zeros(n_out)
        self.h0 = np.random.randn(n_hidden) * 0.1

    def forward(self, x):
        self.x, self.h = x, [self.h0]
        for x_t in x:
            self.h.append(np.tanh(self.W @ x_t + self.U @ self.h[-1] + self.b))
        self.y = np.array(self.h[1:]) @ self.V.T + self.c
        return self.y

    def loss(self, target):
        return 0.5 * ((self.y - target) ** 2).sum()

    def backward(self, target):
        dy, h = self.y - target, np.array(self.h)
        d, n = np.zeros((len(dy), len(self.b))), 0
        for t in reversed(range(len(dy))):
            d[t] = (self.V.T @ dy[t] + n) * (1 - h[t + 1] ** 2)
            n = self.U.T @ d[t]
        self.dW, self.dU, self.db = d.T @ self.x, d.T @ h[:-1], d.sum(0)
        self.dV, self.dc, self.dh0 = dy.T @ h[1:], dy.sum(0), {start}
"""


def test_right_gradients_of_its_own_loss_excuse_no_wrong_one_of_the_initial_state(tmp_path):
    assert checked(tmp_path, LEARNED.format(start="n")).verdict == "conforms"
    record = checked(tmp_path, LEARNED.format(start="2 * n"))
    assert record.exit_code == 1, record.headline
    assert [q.quantity for q in record.quantities if q.verdict == "differs"] == ["dL/dh_0 after a free run"]


@pytest.mark.parametrize(
    ("slope", "verdict", "code"),
    [("1.0", "another-network", 0), ("self.y * (1 - self.y)", "another-network", 5)],
    ids=["its own", "of squares"],
)
def test_another_network_is_held_against_its_own_loss(tmp_path, slope, verdict, code):
    text = network(
        f"e * {slope}", "-(target * np.log(self.y) + (1 - target) * np.log(1 - self.y)).sum()", "loss"
    )
    sigmoid = "1 / (1 + np.exp(-({})))"
    for before, after in (
        (
            "np.tanh(self.W @ x_t + self.U @ self.h[-1] + self.b)",
            "np.sin(self.W @ x_t + self.U @ self.h[-1] + self.b)",
        ),
        ("(1 - h[t + 1] ** 2)", "np.cos(self.W @ self.x[t] + self.U @ h[t] + self.b)"),
        (
            "np.array(self.h[1:]) @ self.V.T + self.c",
            sigmoid.format("np.array(self.h[1:]) @ self.V.T + self.c"),
        ),
    ):
        assert before in text
        text = text.replace(before, after)
    record = checked(tmp_path, text)
    assert (record.verdict, record.exit_code) == (verdict, code), record.headline


TRAINING = """
    def train_step(self, x, target, lr=0.1):
        self.forward(x)
        for p, g in zip((self.W, self.U, self.b, self.V, self.c), self.backward(target)):
            p -= lr * {step}
"""


@pytest.mark.parametrize(
    ("step", "verdict"), [("g", "conforms"), ("(g.T if p is self.U else g)", "undecided")]
)
def test_training_beside_gradients_of_its_own_loss_moves_by_those(tmp_path, step, verdict):
    weighted = network(f"{WEIGHTED} * e", f"0.5 * ({WEIGHTED} * e**2).sum()", "loss")
    record = checked(tmp_path, weighted + TRAINING.format(step=step))
    assert record.verdict == verdict, record.headline
    denied = "backward gives right gradients, and train_step others of W_hh"
    assert (denied in record.headline) is (verdict == "undecided")
