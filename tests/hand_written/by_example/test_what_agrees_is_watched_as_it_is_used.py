"""A network that agrees as a check calls it may be trained wrongly by its own script, which is watched as well."""

from math import inf
from textwrap import dedent

import pytest
from support.small_networks import changed, checked, checked_here

from conformance.hand_written.by_example import as_used, stage
from conformance.hand_written.by_example.moved import DIRECTIONS, Moved
from conformance.hand_written.by_example.written import written_in
from conformance.hand_written.calling.loading.source import pieces_of

NETWORK = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.U = np.random.randn(n_hidden, n_in) * 0.3, np.random.randn(n_hidden, n_hidden) * 0.3
        self.V, self.b, self.c = np.random.randn(n_out, n_hidden) * 0.3, np.zeros(n_hidden), np.zeros(n_out)

    def forward(self, x, h0, mask=None):
        self.x, self.hs, self.mask = x, [h0], np.ones(len(x)) if mask is None else mask
        for t, x_t in enumerate(x):
            h = np.tanh(self.W @ x_t + self.U @ self.hs[-1] + self.b)
            self.hs.append(h if self.mask[t] else self.hs[-1])
        return np.array([self.V @ h + self.c for h in self.hs[1:]])

    def loss(self, y, d):
        return 0.5 * np.sum((y - d) ** 2)

    def backward(self, dy):
        grads = {name: np.zeros_like(getattr(self, name)) for name in "WUVbc"}
        carried = np.zeros(len(self.b))
        for t in reversed(range(len(dy))):
            grads["V"] += np.outer(dy[t], self.hs[t + 1])
            grads["c"] += dy[t]
            dh = self.V.T @ dy[t] + carried
            if self.mask[t]:
                da = dh * (1 - self.hs[t + 1] ** 2)
                grads["W"] += np.outer(da, self.x[t])
                grads["U"] += np.outer(da, self.hs[t])
                grads["b"] += da
                carried = self.U.T @ da
            else:
                carried = dh
        return grads


if __name__ == "__main__":
    net, rng = Net(3, 6, 2), np.random.RandomState(1)
    x, d, mask = rng.randn(8, 3), rng.randn(8, 2), np.array([1, 1, 0, 1, 1, 0, 1, 1])
    for epoch in range(100):
        y = net.forward(x, np.zeros(6), mask)
        for name, g in net.backward(y - d).items():
            getattr(net, name)[...] -= 0.01 * g
    print("loss", net.loss(y, d))
"""

MISTAKES = {
    "a mask that nobody else hands over": ("carried = dh", "carried = 0 * dh"),
    "an update of one parameter": ("-= 0.01 * g", "-= 0.01 * (g + 0.2 * g.T if name == 'U' else g)"),
    "biases that decay": ("-= 0.01 * g", "-= 0.01 * (g + 0.1 * net.b if name == 'b' else g)"),
    "a weight that is left out": ("net.backward(y - d).items():", "list(net.backward(y - d).items())[1:]:"),
    "an update that goes uphill": ("-= 0.01 * g", "+= 0.01 * g"),
    "another loss than the one that is told": ("0.5 * np.sum((y - d) ** 2)", "0.25 * np.sum((y - d) ** 4)"),
}


def test_it_conforms_where_its_script_trains_it_rightly(tmp_path):
    assert checked(tmp_path, NETWORK).verdict == "conforms"


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_it_is_undecided_where_its_script_trains_it_wrongly(tmp_path, mistake):
    record = checked(tmp_path, changed(NETWORK, mistake))
    by_its_script = (
        "doesn't train by the gradient of its own loss" in record.headline
    )  # masks are asked for before
    undecided = "it agrees as it is called here, but as network.py uses it" in record.headline
    assert (record.verdict, record.exit_code) in {("undecided", 5), ("as-used", 1)}
    assert by_its_script or undecided


def test_that_an_update_goes_by_a_rule_that_is_not_known_is_told(tmp_path):
    bent = changed(NETWORK, ("-= 0.01 * g", "-= 0.01 * np.tanh(g + g**3)"))
    record = checked(tmp_path, bent)
    assert record.verdict == "conforms"
    assert any("nor made of those by a rule known here" in note for note in record.notes)
    assert not any("rule known here" in note for note in checked(tmp_path, NETWORK).notes)


HUBER = changed(
    NETWORK,
    (
        "0.5 * np.sum((y - d) ** 2)",
        "np.sum(np.where(abs(y - d) < 1, 0.5 * (y - d) ** 2, abs(y - d) - 0.5))",
    ),
    ("net.backward(y - d)", "net.backward(np.sign(y - d) * np.minimum(abs(y - d), 1))"),
)
"""Its loss is in two pieces, and the slope of each is written down in the script."""

ONE_SIDED = ("np.sign(y - d) * np.minimum(abs(y - d), 1)", "np.minimum(y - d, 1)")


@pytest.mark.parametrize("size", [1.0, 0.1], ids=["reached by its data", "beyond its data"])
def test_a_loss_in_pieces_is_asked_in_each(tmp_path, size):
    data = ("rng.randn(8, 2), np.array", f"{size} * rng.randn(8, 2), np.array")
    assert checked(tmp_path, changed(HUBER, data)).verdict == "conforms"
    assert checked(tmp_path, changed(HUBER, data, ONE_SIDED)).verdict == "undecided"


UNEVEN = changed(
    NETWORK,
    ("np.zeros(n_hidden), np.zeros(n_out)", "np.zeros(n_hidden), np.zeros(n_out)\n        self.q = 0.5"),
    ("0.5 * np.sum((y - d) ** 2)", "np.sum(np.where(d > y, self.q, 1 - self.q) * (y - d) ** 2)"),
    ("net.backward(y - d)", "net.backward(2 * np.where(d > y, net.q, 1 - net.q) * (y - d))"),
)
"""Its loss has a setting, at a half of which nothing depends on the side."""

EVEN = ("2 * np.where(d > y, net.q, 1 - net.q)", "2 * net.q")


def test_a_setting_at_which_a_mistake_makes_no_difference_is_asked_at_another_value(tmp_path):
    assert checked(tmp_path, UNEVEN).verdict == "conforms"
    record = checked(tmp_path, changed(UNEVEN, EVEN))
    assert record.verdict == "undecided"
    assert "where net.q (0.5) is another number, its updates aren't gradients of the loss" in record.headline


METHODS = NETWORK[NETWORK.index("    def forward") : NETWORK.index("if __name__")]

GIVEN_LATER = changed(
    NETWORK,
    (METHODS, f"{dedent(METHODS)}Net.forward, Net.loss, Net.backward = forward, loss, backward\n"),
)
"""Its methods are functions that are given to the class, as cells of a notebook do."""


@pytest.mark.parametrize("mistake", list(MISTAKES.values())[1:3], ids=list(MISTAKES)[1:3])
def test_methods_that_are_given_to_a_class_later_are_watched_too(tmp_path, mistake):
    assert checked(tmp_path, changed(GIVEN_LATER, mistake)).verdict == "undecided"


def test_what_is_right_is_moved_along_all_parameters_at_once_alone(tmp_path, monkeypatch):
    moved = []
    near_and_far = Moved._near_and_far
    monkeypatch.setattr(
        Moved, "_near_and_far", lambda self, moves: moved.append(set(moves)) or near_and_far(self, moves)
    )
    text = changed(NETWORK, ("for name, g in", "loss = net.loss(y, d)\n        for name, g in"))
    assert checked_here(tmp_path, text).verdict == "conforms"
    # where the parameters are as they are drawn, and where they are larger
    assert moved == 2 * DIRECTIONS * [{"net.W", "net.U", "net.V", "net.b", "net.c"}]


def test_a_script_that_computes_for_too_long_is_told_and_denies_nothing(tmp_path, monkeypatch):
    for module in (as_used, stage):
        monkeypatch.setattr(module, "LONGEST", 0.2)
    text = changed(
        NETWORK,
        (
            "    for epoch",
            "    for _ in range(100):\n        np.linalg.svd(rng.randn(200, 200))\n    for epoch",
        ),
    )
    record = checked_here(tmp_path, text)
    assert record.verdict == "conforms"
    assert "computed for 0.2 s without a training step" in " ".join(record.notes)


def test_expressions_that_may_be_losses_are_what_is_printed_kept_or_called_so(tmp_path):
    source = tmp_path / "script.py"
    source.write_text(
        """
def fit(net, y, d):
    if net.epoch % 100 == 0:
        loss = net.cost(y, d) + 1
    history.append(np.mean(y))
    print(f"{np.sum(y):.3f}", "text", y, net.sample(3), net.change())
""",
        encoding="utf-8",
    )
    pieces, _ = pieces_of(source)
    found = {each.text for each in written_in(pieces)[str(source), "fit"]}
    assert found == {"net.cost(y, d) + 1", "net.cost(y, d)", "np.mean(y)", "np.sum(y)"}


def test_an_expression_of_what_a_branch_draws_says_nothing_outside_of_it(tmp_path):
    source = tmp_path / "script.py"
    source.write_text(
        """
if __name__ == "__main__":
    for i in range(9):
        y = net.forward(x)
        if i % 3 == 0:
            d = draw()
            print(np.mean((y - d) ** 2))
        print(np.mean((y - x) ** 2))
""",
        encoding="utf-8",
    )
    pieces, _ = pieces_of(source)
    found = {each.text: each.lines for each in written_in(pieces)[str(source), "<module>"]}
    assert found == {"np.mean((y - d) ** 2)": (6, 7), "np.mean((y - x) ** 2)": (0, inf)}
