"""Parameters beyond the reference's: no answer about a network says more than was judged, and none accuses by them."""

import pytest
from support.small_networks import OUTPUTS, changed, checked, network

BOTH = "np.array([self.Wy @ h + self.by for h in self.hs[1:]]), np.array([self.Q @ h for h in self.hs[1:]])"

TWO = changed(
    network("return dWx, dWh, dWy, dbh, dby, dQ", arguments=", dqs", outputs=f"return {BOTH}"),
    ("self.name = ''", "self.Q = np.random.randn(2, n_hidden)"),
    ("carried = np.zeros", "dQ, carried = np.zeros_like(self.Q), np.zeros"),
    ("dby += dys[t]", "dby += dys[t]\n            dQ += np.outer(dqs[t], self.hs[t + 1])"),
    ("(self.Wy.T @ dys[t] +", "(self.Wy.T @ dys[t] + self.Q.T @ dqs[t] +"),
)

TARGETS = changed(
    TWO,
    (f"return {BOTH}", f"self.y, self.q = {BOTH}\n        return self.y, self.q"),
    (
        "(self, dys, dqs):",
        "(self, target, second_target):\n        dys, dqs = self.y - target, self.q - second_target",
    ),
)


@pytest.mark.parametrize("text", [TWO, TARGETS], ids=["cotangents", "targets"])
@pytest.mark.parametrize(
    "change",
    [None, ("dQ += np", "dQ += 2 * np"), ("self.Q.T @ dqs[t]", "self.Q.T @ dqs[0]")],
    ids=["right", "wrong gradient of Q", "wrong way through Q"],
)
def test_a_second_output_is_neither_believed_nor_accused(tmp_path, text, change):
    record = checked(tmp_path, text if change is None else changed(text, change))
    assert record.exit_code == 5, record.headline
    assert not record.fixes


def test_a_second_output_without_a_gradient_is_no_doubt(tmp_path):
    text = changed(
        network(outputs=f"self.seen = [self.Q @ h for h in self.hs[1:]]\n{OUTPUTS}"),
        ("self.name = ''", "self.Q = np.random.randn(2, n_hidden)"),
    )
    record = checked(tmp_path, text)
    assert record.verdict == "conforms", record.headline


def test_what_is_called_a_target_is_never_what_the_network_gave(tmp_path):
    text = changed(
        network(
            arguments=", state_target",
            outputs=(
                "self.y = np.array([self.Wy @ h + self.by for h in self.hs[1:]])\nreturn self.y, np.array(self.hs[1:])"
            ),
        ),
        ("(self, dys, state_target):", "(self, target, state_target):\n        dys = self.y - target"),
        ("(self.Wy.T @ dys[t] +", "(self.Wy.T @ dys[t] + 3 * (self.hs[t + 1] - state_target[0]) +"),
    )
    record = checked(tmp_path, text)
    assert record.exit_code == 5, record.headline


def test_gradients_that_all_come_transposed_are_judged_that_way_round(tmp_path):
    record = checked(tmp_path, network("return dWx.T, dWh.T, dWy.T, dbh, dby"))
    assert record.verdict == "conforms", record.headline
    assert any("come transposed" in note for note in record.notes)
    assert checked(tmp_path, network("return dWx, dWh.T, dWy, dbh, dby")).exit_code == 1


def test_an_initial_state_that_is_kept_in_a_list_is_no_further_parameter(tmp_path):
    text = changed(
        network(attributes="self.start = [np.zeros(n_hidden)]"),
        ("[np.zeros(len(self.bh))]", "[self.start[0]]"),
    )
    record = checked(tmp_path, text)
    assert record.verdict == "conforms", record.headline


ARRAY_OF_STATES = changed(
    network(attributes="self.hs = np.zeros((n_steps + 1, n_hidden))"),
    ("(self, n_in,", "(self, n_steps, n_in,"),
    ("self.xs, self.hs = xs, [np.zeros(len(self.bh))]", "self.xs = xs"),
    ("for x in xs:", "for t, x in enumerate(xs):"),
    ("self.hs.append(np.tanh(", "self.hs[t + 1] = (np.tanh("),
    ("self.hs[-1]", "self.hs[t]"),
)

START_IN_THE_LAST_ROW = changed(
    ARRAY_OF_STATES,
    ("self.hs[t]", "self.hs[t - 1]"),
    ("self.hs[t + 1]", "self.hs[t]"),
    ("self.hs[1:]", "self.hs[:-1]"),
)


@pytest.mark.parametrize("text", [ARRAY_OF_STATES, START_IN_THE_LAST_ROW], ids=["first", "last"])
def test_an_initial_state_in_a_row_of_the_array_of_states_is_no_further_parameter(tmp_path, text):
    record = checked(tmp_path, text)
    assert record.verdict == "conforms", record.headline


def test_what_is_called_a_target_is_handed_no_cotangent(tmp_path):
    text = changed(network(), ("(self, dys)", "(self, target)"), ("dys[t]", "(0.9**t * target[t])"))
    record = checked(tmp_path, text)
    assert record.exit_code == 5, record.headline


ROWS = """
import numpy as np


def forward(weights, xs, h0):
    U, W, b, V, c = weights
    hs, ys = [h0], []
    for x in xs:
        hs.append(np.tanh(x.dot(U) + hs[-1].dot(W) + b))
        ys.append(hs[-1].dot(V) + c)
    return ys, hs


def backward(weights, xs, targets, ys, hs):
    U, W, b, V, c = weights
    gradients = [np.zeros_like(w) for w in weights]
    carried = np.zeros_like(hs[0])
    for t in range(len(xs) - 1, -1, -1):
        dy = ys[t] - targets[t]
        da = (dy.dot(V.T) + carried) * (1 - hs[t + 1] ** 2)
        carried = da.dot(W.T)
        for g, share in zip(gradients, (xs[t].T.dot(da), hs[t].T.dot(da), da, hs[t + 1].T.dot(dy), dy)):
            g += share
    return gradients


def weights(n_in, n_hidden, n_out):
    shapes = (n_in, n_hidden), (n_hidden, n_hidden), (1, n_hidden), (n_hidden, n_out), (1, n_out)
    return [np.random.randn(*shape) * 0.3 for shape in shapes]
"""


def test_rows_of_one_sample_are_found_among_many_ways_to_hand_over_a_state(tmp_path):
    record = checked(tmp_path, ROWS, "forward,backward")
    assert record.verdict == "conforms", record.headline
