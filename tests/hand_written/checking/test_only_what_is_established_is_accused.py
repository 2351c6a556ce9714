"""A hand-written network is accused only where the way of calling it is established, and cleared only where it ran."""

from pathlib import Path

import pytest
from gallery.definitions import located
from support.small_networks import GRADIENTS, changed, lstm, network
from support.small_networks import checked as checked_alone

from conformance.hand_written.checking.rates import TOO_EARLY
from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request
from conformance.record.check import CheckRecord

NET = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.Wx, self.Wh = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.Wy, self.bh, self.by = np.random.randn(n_out, n_hidden), np.zeros(n_hidden), np.zeros(n_out)
"""

RUNS_ITS_OWN_FORWARD = (
    NET
    + """
    def forward(self, xs, h0):
        hs = [h0]
        for x in xs:
            hs.append(np.tanh(self.Wx @ x + self.Wh @ hs[-1] + self.bh))
        hs = np.array(hs)
        ys = hs[1:] @ self.Wy.T + self.by
        return ys, hs
    def loss_and_gradients(self, xs, targets):
        ys, hs = self.forward(xs, np.zeros(len(self.bh)))
        dys = ys - targets
        dWx, dWh, dbh, carried = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.bh), 0
        for t in reversed(range(len(xs))):
            da = (self.Wy.T @ dys[t] + carried) * (1 - hs[t + 1] ** 2)
            dWx += np.outer(da, xs[t])
            dWh += np.outer(da, hs[t])
            dbh += da
            carried = self.Wh.T @ da
        return 0.5 * (dys**2).sum(), {"Wx": dWx, "Wh": dWh, "bh": dbh, "Wy": dys.T @ hs[1:], "by": dys.sum(0)}
"""
)

FORWARD_ONLY = (
    NET
    + """
    def forward(self, xs):
        hs = [np.zeros(len(self.bh))]
        for x in xs:
            hs.append(np.tanh(self.Wx @ x + self.Wh @ hs[-1] + self.bh))
        return np.array(hs[1:]) @ self.Wy.T + self.by
    def numerical_gradient(self, loss):
        return {name: (loss(w + 1e-5) - loss(w - 1e-5)) / 2e-5 for name, w in vars(self).items()}
def tanh_backward(h):
    return 1 - h**2
"""
)

OUT_OF_REACH = """
    def {name}(self, {argument}):
        return {argument}.of_a_class_that_only_its_author_has().gradients
"""


@pytest.fixture
def check(tmp_path: Path):
    def checked(text: str) -> CheckRecord:
        path = tmp_path / "network.py"
        path.write_text(text, encoding="utf-8")
        target = f"{path}:Net"
        return checked_target(target, "", Request.on_the_command_line(target), lambda _: None)

    return checked


def test_a_backward_pass_that_runs_a_forward_pass_of_its_own_is_not_judged_from_another_start(check):
    record = check(RUNS_ITS_OWN_FORWARD)
    assert record.verdict == "conforms"
    start = next(part for part in record.parts if part.id == "initial-state")
    assert start.holds is None
    assert "handed neither h_0" in start.sentence


def test_a_backward_pass_that_gets_the_states_is_judged_from_another_start(check):
    text = RUNS_ITS_OWN_FORWARD.replace(
        "def loss_and_gradients(self, xs, targets):\n        ys, hs = self.forward(xs, np.zeros(len(self.bh)))\n"
        "        dys = ys - targets",
        "def backward(self, xs, dys, hs):",
    ).replace("return 0.5 * (dys**2).sum(), ", "return ")
    record = check(text)
    assert (record.verdict, record.backward) == ("conforms", "agrees")
    assert next(part for part in record.parts if part.id == "initial-state").holds


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("backward", "loss"),
        ("bptt", "tape"),
        ("loss_and_gradients", "record"),
        ("vjp", "ctx"),
        ("pull", "d_out"),
    ],
)
def test_a_forward_pass_beside_a_backward_pass_that_cannot_be_called_is_not_all_that_was_asked(
    check, name, argument
):
    record = check(
        FORWARD_ONLY.replace("def tanh", OUT_OF_REACH.format(name=name, argument=argument) + "def tanh")
    )
    assert (record.verdict, record.exit_code) == ("forward-conforms", 5)
    assert record.unjudged == [name]
    assert f"no gradient was judged: {name} may be a backward pass and could not be called" in record.headline
    assert any(f"model.{name}: " in line for line in record.interface.lines)


def test_a_network_without_a_backward_pass_conforms_by_its_forward_pass(check):
    record = check(FORWARD_ONLY)
    assert (record.verdict, record.exit_code) == ("forward-conforms", 0)
    assert record.unjudged == []
    assert "there is no backward pass to check" in record.headline


def test_gradients_of_a_loss_that_was_not_found_out_are_not_called_wrong(check):
    record = check(RUNS_ITS_OWN_FORWARD.replace("dys = ys - targets", "dys = (ys - targets) ** 3"))
    assert record.verdict == "undecided"
    assert record.diagnosis is None
    assert "match none of the losses that were tried" in record.headline
    assert record.first_divergence is None
    assert not record.inherited


def test_gradients_are_called_wrong_where_those_of_the_head_are_right(check):
    record = check(RUNS_ITS_OWN_FORWARD.replace("(1 - hs[t + 1] ** 2)", "(1 - hs[t + 1])"))
    assert record.verdict == "differs"
    assert record.exit_code == 1


LAYER = """
import numpy as np
def forward(x, h0, W, U, b):  # (N, T, D)
    hs, h = [], h0
    for t in range(x.shape[1]):
        hs.append((x[:, t], h, np.tanh(x[:, t] @ W + h @ U + b)))
        h = hs[-1][-1]
    return np.stack([h for _, _, h in hs], axis=1), (hs, U)
def backward(dhs, cache):
    hs, U = cache
    dW = dU = db = carry = 0
    for t in reversed(range(dhs.shape[1])):
        x, before, h = hs[t]
        da = (dhs[:, t] + carry) * (1 - h**2)
        dW, dU, db, carry = dW + x.T @ da, dU + before.T @ da, db + da.sum(0), da @ U.T
    return dW, dU, db
"""


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ("da @ U.T", "da @ U", {"carry-not-transposed"}),
        ("da @ U.T", "da", {"carry-is-delta"}),
        ("dU + before.T", "dU + h.T", {"h-t-for-h-previous"}),
        ("dhs[:, t]", "dhs[:, t - 1]", {"output-gradient-one-step-late-wrapping"}),
    ],
)
def test_code_that_takes_a_gradient_for_every_step_is_not_asked_for_one_step_alone(
    tmp_path, right, wrong, named
):
    path = tmp_path / "layer.py"
    path.write_text(LAYER.replace(right, wrong), encoding="utf-8")
    record = checked_target(str(path), "", Request.on_the_command_line(str(path)), lambda _: None)
    assert record.diagnosis is not None
    assert {fault.id for fault in record.diagnosis.faults} == named


@pytest.mark.parametrize(
    ("subject", "steps"),
    [
        ("sigmoid_states.py:SigmoidRNN", "for T up to 1 they agree; for T = 2 they don't, in "),
        ("sigmoid_wrong.py:RNN", "for a single step (T = 1) they don't agree either, in "),
        ("sigmoid_states.py:SigmoidRNN", ""),
    ],
)
def test_it_is_told_up_to_how_many_steps_other_networks_agree_with_themselves(tmp_path, subject, steps):
    file, _, name = located(subject).rpartition(":")
    carry = "ds = self.U.T @ da"  # what a mistake that needs two steps leaves out
    text = (
        Path(file).read_text(encoding="utf-8").replace(carry, "ds = 0 * da" if "T up to" in steps else carry)
    )
    (tmp_path / "network.py").write_text(text, encoding="utf-8")
    target = f"{tmp_path / 'network.py'}:{name}"
    record = checked_target(target, "", Request.on_the_command_line(target), lambda _: None)
    assert record.consistency.agrees is (not steps)
    assert record.consistency.steps.startswith(steps)
    assert bool(record.consistency.steps) == bool(steps)


def test_outputs_that_are_known_to_be_wrong_are_a_mistake_though_gradients_agree_with_them():
    target = located("tagger.py")
    record = checked_target(target, "", Request.on_the_command_line(target), lambda _: None)
    assert (record.verdict, record.forward) == ("differs", "differs")
    assert "its outputs and" in record.headline
    assert [fault.id for fault in record.diagnosis.faults] == ["outputs-of-previous-state"]


def test_the_mistake_of_a_stack_is_named():
    target = located("stacked.py")
    record = checked_target(target, "", Request.on_the_command_line(target), lambda _: None)
    assert [fault.id for fault in record.diagnosis.faults] == ["dx-without-slope"]
    assert record.diagnosis.known == []


UPDATES_AS_IT_GOES = (
    NET
    + """
    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros(len(self.bh))]
        for x in xs:
            self.hs.append(np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh))
        return np.array(self.hs[1:]) @ self.Wy.T + self.by
    def backward(self, dys, lr):
        dWx, dWh, dbh, carried = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.bh), 0
        start = self.Wy.copy()
        for t in reversed(range(len(self.xs))):
            da = ((2 * self.Wy - start).T @ dys[t] + carried) * (1 - self.hs[t + 1] ** 2)
            self.Wy -= lr * np.outer(dys[t], self.hs[t + 1])
            dWx += np.outer(da, self.xs[t])
            dWh += np.outer(da, self.hs[t])
            dbh += da
            carried = self.Wh.T @ da
        self.Wx -= lr * dWx
        self.Wh -= lr * dWh
        self.bh -= lr * dbh
        self.by -= lr * dys.sum(0)
"""
)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [("lr", "lr", True), ("hs[t + 1] ** 2", "hs[t + 1] ** 4", False)],
)
def test_an_error_that_grows_with_the_learning_rate_is_told_where_no_mistake_of_the_catalogue_fits(
    check, right, wrong, told
):
    record = check(UPDATES_AS_IT_GOES.replace(right, wrong))
    assert record.verdict == "differs"
    assert not record.diagnosis.explained
    assert (TOO_EARLY in record.diagnosis.known) is told


STREAMING = (
    NET
    + """
        self.h = np.zeros(hidden)
        self.squares = [np.zeros_like(w) for w in self.weights()]
        self.xs, self.hs, self.ys = [], [], []
    def weights(self):
        return [self.Wx, self.Wh, self.bh, self.Wy, self.by]
    def step(self, x):
        self.h = np.tanh(self.Wx @ x + self.Wh @ self.h + self.bh)
        self.xs, self.hs = [*self.xs, x], [*self.hs, self.h]
        self.ys = [*self.ys, self.Wy @ self.h + self.by]
        return self.ys[-1]
    def apply(self, grads):
        for w, g, s in zip(self.weights(), grads, self.squares):
            s += g * g
            w -= g / (np.sqrt(s) + 1e-6)
"""
)


def test_an_optimiser_is_not_taken_for_a_wrong_backward_pass(check):
    assert check(STREAMING).verdict != "differs"


CARRIES_ITS_STATE = (
    ("self.xs, self.hs = xs, [np.zeros(len(self.bh))]", "self.xs, self.hs = xs, []"),
    (
        "self.hs.append(np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh))",
        "self.h = np.tanh(self.Wx @ x + self.Wh @ self.h + self.bh)\n            self.hs.append(self.h)",
    ),
    ("for h in self.hs[1:]]", "for h in self.hs]"),
    ("self.hs[t + 1]", "self.hs[t]"),
    ("dWh += np.outer(da, self.hs[t])", "dWh += np.outer(da, self.hs[t - 1]) if t else 0"),
)


def test_a_state_that_is_put_back_to_zero_is_not_asked_elsewhere(tmp_path):
    end = f"self.h = np.zeros(len(self.bh))\n{GRADIENTS}"
    start = "self.h = np.zeros(n_hidden)"
    right = checked_alone(tmp_path, changed(network(end, attributes=start), *CARRIES_ITS_STATE))
    assert right.verdict == "conforms", right.headline
    assert any("no sequence starts elsewhere" in part.sentence for part in right.parts)
    stays = checked_alone(tmp_path, changed(network(attributes=start), *CARRIES_ITS_STATE))
    assert stays.exit_code == 1, stays.headline


CELL = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden):
        self.Wx, self.Wh = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_hidden)
        self.b = np.zeros(n_hidden)

    def forward(self, x, h_prev):
        return np.tanh(x @ self.Wx + h_prev @ self.Wh + self.b)

    def backward(self, x, h_prev, {more}h, dh):
        da = dh * {slope}
        return x.T @ da, h_prev.T @ da, da.sum(axis=0), da @ self.Wh.T
"""


@pytest.mark.parametrize(
    ("more", "slope", "verdict"),
    [
        ("", "(1 - h**2)", "conforms"),
        ("", "(1 - h**4)", "differs"),
        ("scale, ", "(1 - h**2) * scale", "undecided"),
    ],
)
def test_a_step_that_is_handed_what_no_name_speaks_for_is_not_accused(tmp_path, more, slope, verdict):
    found = checked_alone(tmp_path, CELL.format(more=more, slope=slope))
    assert found.verdict == verdict, found.headline
    if verdict == "undecided":
        assert "as a single step, forward agrees, 3 of 3 gradients wrong, but" in found.headline


WEIGHTED = """
import numpy as np
class Net:
    def __init__(self, n_in, n):
        self.Wx, self.Wh, self.b = np.random.randn(n_in, n) * 0.4, np.random.randn(n, n) * 0.4, np.zeros(n)

    def forward(self, xs, h):
        self.xs, self.hs = xs, [h]
        for x in xs:
            self.hs.append(np.tanh(x @ self.Wx + self.hs[-1] @ self.Wh + self.b))
        return np.array(self.hs[1:])

    def backward(self, {arguments}):
        gWx, gWh, gb, carry = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b), 0
        for t in reversed(range(len(self.xs))):
            da = ({entry} + carry) * {slope}
            gWx, gWh, gb = gWx + self.xs[t].T @ da, gWh + self.hs[t].T @ da, gb + da.sum(0)
            carry = da @ self.Wh.T
        return gWx, gWh, gb
"""


@pytest.mark.parametrize(
    ("arguments", "entry", "slope", "verdict"),
    [
        ("dhs", "dhs[t]", "(1 - self.hs[t + 1] ** 2)", "conforms"),
        ("dhs", "dhs[t]", "(1 - self.hs[t] ** 2)", "differs"),
        ("k, z", "k[t] * z[t]", "(1 - self.hs[t + 1] ** 2)", "undecided"),
        ("z, k", "k[t] * z[t]", "(1 - self.hs[t + 1] ** 2)", "undecided"),
        ("flag, z", "flag * z[t]", "(1 - self.hs[t + 1] ** 2)", "undecided"),
    ],
)
def test_what_the_loss_enters_by_is_known_by_its_name_or_by_being_alone(
    tmp_path, arguments, entry, slope, verdict
):
    found = checked_alone(tmp_path, WEIGHTED.format(arguments=arguments, entry=entry, slope=slope))
    assert found.verdict == verdict, found.headline
    assert found.fixes == [] or verdict == "differs"


def test_a_gradient_of_the_last_step_is_a_guess_where_outputs_of_all_are_given(tmp_path):
    found = checked_alone(tmp_path, lstm("state", "state[0], state[1]", "np.array(hs)"))
    assert found.exit_code != 1, found.headline
