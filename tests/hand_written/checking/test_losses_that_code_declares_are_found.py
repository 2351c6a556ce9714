"""The loss that code declares beside its backward pass: which constant it puts on dL/dy, in any layout."""

import numpy as np
import pytest

from conformance.hand_written.checking.declared import declared_loss
from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request
from refrnn import softmax

T, B, O = 7, 3, 5  # noqa: E741 - the letters of the formulas
RNG = np.random.default_rng(5)
Y = RNG.standard_normal((T, B, O))
SQUARES = 0.1 * RNG.standard_normal((T, B, O))
CROSSED = softmax(Y) - np.eye(O)[RNG.integers(O, size=(T, B))]
SINGLE, SINGLE_SQUARES = Y[:, :1], SQUARES[:, :1]


def mean_of_squares(y, target):
    return np.mean((y - target) ** 2)


def half_sum(target, y):
    return 0.5 * np.sum((y - target) ** 2)


def over_lists_of_columns(ys, targets):
    assert all(y.shape == (O, 1) for y in ys)
    return sum(np.sum((y - t) ** 2) for y, t in zip(ys, targets, strict=True)) / len(ys)


def cross_entropy_of_ids(probabilities, ids):
    rows, columns = np.indices(ids.shape)
    return -np.log(probabilities[rows, columns, ids]).sum() / len(probabilities)


FOUND = [
    (mean_of_squares, Y, SQUARES, 2 / (T * B * O)),
    (half_sum, Y, SQUARES, 1.0),
    (over_lists_of_columns, SINGLE, SINGLE_SQUARES, 2 / T),
    (cross_entropy_of_ids, Y, CROSSED, 1 / T),
]


@pytest.mark.parametrize(("loss", "y", "d_y", "constant"), FOUND)
def test_the_constant_of_a_loss_is_found_to_its_own_error(loss, y, d_y, constant):
    found = declared_loss({"loss": loss}, y, d_y, last=False)
    assert found is not None
    assert abs(found.factor - constant) <= found.error
    assert found.error < 1e-9
    assert found.name == "loss computes"


def test_a_loss_of_the_last_step_is_found():
    last = np.where(np.arange(T)[:, np.newaxis, np.newaxis] == T - 1, SQUARES, 0)
    found = declared_loss({"loss": half_sum}, Y, last, last=True)
    assert found is not None
    assert abs(found.factor - 1) <= found.error


def absolute(y, target):
    return np.abs(y - target).sum()


def raises(y, target):
    raise ValueError(y, target)


def a_vector(y, target):
    return y - target


def constant(y, target):
    return 1.0 + 0 * np.sum(y) + 0 * np.sum(target)


@pytest.mark.parametrize("loss", [absolute, raises, a_vector, constant])
def test_what_is_no_such_loss_is_not_taken_for_one(loss):
    assert declared_loss({"loss": loss}, Y, SQUARES, last=False) is None


def test_another_function_of_the_name_does_not_hide_the_loss():
    found = declared_loss({"error": raises, "loss": mean_of_squares}, Y, SQUARES, last=False)
    assert found is not None
    assert found.name == "loss computes"


@pytest.mark.parametrize("kinds", [("crossed",), ("binary",)])
def test_a_loss_of_another_kind_than_what_it_sees_is_not_taken_for_it(kinds):
    assert declared_loss({"loss": half_sum}, Y, SQUARES, last=False, kinds=kinds) is None


NET = """
import numpy as np
def softmax(v):
    e = np.exp(v - v.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.Wx, self.Wh = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.Wy, self.bh, self.by = np.random.randn(n_out, n_hidden), np.zeros(n_hidden), np.zeros(n_out)
    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros(len(self.bh))]
        for x in xs:
            self.hs.append(np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh))
        self.ys = OUTPUTS
        return self.ys
    def backward(self, targets):
        dys = GRADIENT
        dWx, dWh, dbh, carried = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.bh), 0
        for t in reversed(range(len(self.xs))):
            da = (self.Wy.T @ dys[t] + carried) * (1 - self.hs[t + 1] ** 2)
            dWx += np.outer(da, self.xs[t])
            dWh += np.outer(da, self.hs[t])
            dbh += da
            carried = self.Wh.T @ da
        return {"Wx": dWx, "Wh": dWh, "bh": dbh, "Wy": dys.T @ np.array(self.hs[1:]), "by": dys.sum(0)}
"""
OUTPUTS = "np.array(self.hs[1:]) @ self.Wy.T + self.by"
SQUARED = "    def cost(self, targets):\n        return 0.5 * ((self.ys - targets) ** 2).sum()\n"
CROSSED = "    def cost(self, targets):\n        return -(targets * np.log(softmax(self.ys))).sum()\n"
METRIC = "def mse(ys, targets):\n    return 0.5 * ((ys - targets) ** 2).sum()\n"
MEAN = "    def loss(self, ys, targets):\n        return -(targets * np.log(ys)).sum() / len(ys)\n"
KEPT_MEAN = "    def loss(self, targets):\n        return -(targets * np.log(self.ys)).sum() / len(self.ys)\n"
RISE = "    def energy(self, targets):\n        return 0.5 * ((self.ys - targets) ** 2).sum()\n"


@pytest.mark.parametrize(
    ("outputs", "gradient", "loss", "verdict", "caught"),
    [
        (OUTPUTS, "softmax(self.ys) - targets", SQUARED, "differs", "softmax-gradient-for-squared-error"),
        (OUTPUTS, "softmax(self.ys) - targets", CROSSED, "conforms", None),
        (OUTPUTS, "softmax(self.ys) - targets", METRIC, "conforms", None),
        (OUTPUTS, "softmax(self.ys) - targets", "", "conforms", None),
        (f"softmax({OUTPUTS})", "self.ys - targets", MEAN, "conforms-up-to-a-constant", "T"),
        (f"softmax({OUTPUTS})", "self.ys - targets", KEPT_MEAN, "conforms-up-to-a-constant", "T"),
        (OUTPUTS, "targets - self.ys", RISE, "conforms-up-to-a-constant", "-1"),
        (OUTPUTS, "self.ys - targets", CROSSED, "undecided", None),
    ],
)
def test_gradients_are_held_against_the_loss_that_the_network_declares(
    tmp_path, outputs, gradient, loss, verdict, caught
):
    path = tmp_path / "net.py"
    path.write_text(NET.replace("OUTPUTS", outputs).replace("GRADIENT", gradient) + loss, encoding="utf-8")
    target = f"{path}:Net"
    record = checked_target(target, "", Request.on_the_command_line(target), lambda _: None)
    assert record.verdict == verdict
    if verdict == "differs":
        assert [fault.id for fault in record.diagnosis.faults] == [caught]
    else:
        assert (record.scale.name if record.scale else None) == caught


def test_what_a_pass_returns_is_its_loss_whatever_a_function_of_one_step_makes_of_all(tmp_path):
    text = NET.replace("OUTPUTS", f"softmax({OUTPUTS})").replace("GRADIENT", "self.ys - targets")
    text = text.replace("def forward(self, xs):", "def forward(self, xs, targets):").replace(
        "return self.ys", "return sum(loss(y[None], t[None]) for y, t in zip(self.ys, targets)), self.ys"
    )
    text = text.replace(
        "class Net", "def loss(ys, targets):\n    return -(targets * np.log(ys)).sum(1).mean()\nclass Net"
    )
    path = tmp_path / "net.py"
    path.write_text(text, encoding="utf-8")
    record = checked_target(f"{path}:Net", "", Request.on_the_command_line(f"{path}:Net"), lambda _: None)
    assert (record.verdict, record.scale) == ("conforms", None), record.headline
