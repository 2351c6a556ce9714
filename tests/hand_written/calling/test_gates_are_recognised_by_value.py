"""Parameters of LSTMs and GRUs are found by value: whatever order their gates lie in, and whatever they are called."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from conformance.cases import materialise, parse_id
from conformance.hand_written.calling import Binding, bindings, load
from conformance.hand_written.calling.gates.blocks import assembled, blocks_of, letters_of, without

HIDDEN, INPUTS = 6, 4

STACKED = """
import numpy as np

def s(a):
    return 1 / (1 + np.exp(-a))

class Net:
    def __init__(self, I, H):
        self.H = H
        self.P = np.random.randn({shape})
        self.q = np.zeros(4 * H)

    def forward(self, x):
        h, c = np.zeros((x.shape[1], self.H)), np.zeros((x.shape[1], self.H))
        hs = []
        for x_t in x:
            a = np.hstack({joined}) @ {matrix} + self.q
            k0, k1, k2, k3 = np.split(a, 4, axis=1)
            {f}, {i}, {o}, {g} = ({f}, {i}, {o}, {g})
            c = s({f}) * c + s({i}) * np.tanh({g})
            h = s({o}) * np.tanh(c)
            hs.append(h)
        return np.array(hs)
"""

GRU = """
import numpy as np

def s(a):
    return 1 / (1 + np.exp(-a))

class Net:
    def __init__(self, I, H):
        self.H = H
        self.A, self.B, self.C = (np.random.randn(H, I) for _ in range(3))
        self.D, self.E, self.F = (np.random.randn(H, H) for _ in range(3))
        self.u, self.v, self.w, self.y = (np.zeros(H) for _ in range(4))

    def forward(self, x):
        h, hs = np.zeros(self.H), []
        for x_t in x:
            r = s(self.A @ x_t + self.D @ h + self.u)
            z = s(self.B @ x_t + self.E @ h + self.v)
            n = np.tanh(self.C @ x_t + {candidate})
            h = {new}
            hs.append(h)
        return np.array(hs)
"""


def bound(folder: Path, source: str) -> Binding:
    file = folder / "net.py"
    file.write_text(source, encoding="utf-8")
    found = next(iter(bindings(load(f"{file}:Net"))))
    assert isinstance(found, Binding)
    return found


def stacked(order: str, joined: str, *, turned: bool) -> str:
    """Return an LSTM whose gates lie in an order, over [h, x] or [x, h]."""
    place = {letter: f"k{n}" for n, letter in enumerate(order)}
    shape = "4 * H, H + I" if turned else "H + I, 4 * H"
    matrix = "self.P.T" if turned else "self.P"
    return STACKED.format(joined=joined, shape=shape, matrix=matrix, **place)


def torchs(binding: Binding) -> np.ndarray:
    """Return the states that torch's module has for the weights and inputs that the code was asked with."""
    problem = binding.admit(materialise(binding.problem_case))
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[problem.case.cell]
    network = kind(INPUTS, HIDDEN, dtype=torch.float64)
    weights = {name: torch.tensor(w) for name, w in problem.weights.items()}
    x = torch.tensor(problem.layout.time_major(problem.x))
    return torch.func.functional_call(network, weights, (x,))[0].numpy()


def shown(binding: Binding) -> np.ndarray:
    problem = binding.admit(materialise(binding.problem_case))
    return binding.run(problem).hidden[0, 0]


@pytest.mark.parametrize("order", ["ifgo", "fiog", "iofg", "gofi"])
@pytest.mark.parametrize(("joined", "turned"), [("[h, x_t]", False), ("[x_t, h]", True)])
def test_a_stacked_lstm_is_torchs_in_any_order_of_gates(
    tmp_path: Path,
    order: str,
    joined: str,
    turned: bool,  # noqa: FBT001 - a table's column
) -> None:
    found = bound(tmp_path, stacked(order, joined, turned=turned))
    assert found.problem_case.cell == "lstm"
    assert np.abs(shown(found) - torchs(found)).max() < 1e-14
    (note,) = [note for note in found.notes if note.startswith("It is")]
    both = "[h; x]" if joined.startswith("[h") else "[x; h]"
    assert note == f"It is torch.nn.LSTM: gates {' '.join(order)}, one bias, {both} in one matrix."


@pytest.mark.parametrize("pair", ["h, c", "c, h"])
@pytest.mark.parametrize("handed", ["x, state", "x, one, other"])
def test_which_of_two_states_is_the_memory_is_found_by_value(tmp_path: Path, pair: str, handed: str) -> None:
    source = stacked("ifgo", "[h, x_t]", turned=False).replace("forward(self, x)", f"forward(self, {handed})")
    states = "state" if "state" in handed else "one, other"
    start = "h, c = np.zeros((x.shape[1], self.H)), np.zeros((x.shape[1], self.H))"
    assert start in source
    found = bound(tmp_path, source.replace(start, f"{pair} = {states}"))
    problem = found.admit(materialise(replace(found.problem_case, h_0=True)))
    network = torch.nn.LSTM(INPUTS, HIDDEN, dtype=torch.float64)
    weights = {name: torch.tensor(w) for name, w in problem.weights.items()}
    starts = (torch.tensor(problem.h_0), torch.tensor(problem.c_0))
    x = torch.tensor(problem.layout.time_major(problem.x))
    expected = torch.func.functional_call(network, weights, (x, starts))[0].numpy()
    assert np.abs(found.run(problem).hidden[0, 0] - expected).max() < 1e-14


@pytest.mark.parametrize("new", ["(1 - z) * n + z * h", "z * n + (1 - z) * h"])
@pytest.mark.parametrize(
    ("candidate", "reset", "biases"),
    [
        ("r * (self.F @ h + self.y) + self.w", "after", "two"),
        ("r * (self.F @ h) + self.w", "after", "one"),
        ("r * (self.F @ h + self.w)", "after", "one"),
        ("self.F @ (r * h) + self.w", "before", "one"),
    ],
)
def test_either_gru_is_recognised_whatever_z_multiplies(
    tmp_path: Path, candidate: str, new: str, reset: str, biases: str
) -> None:
    found = bound(tmp_path, GRU.format(candidate=candidate, new=new))
    assert (found.problem_case.cell, found.problem_case.reset) == ("gru", reset)
    assert any("-p." in line for line in found.build) is (new.startswith("z * n"))
    if reset == "after":
        assert np.abs(shown(found) - torchs(found)).max() < 1e-14
    (note,) = [note for note in found.notes if note.startswith("It is")]
    assert f"{biases} bias" in note


@pytest.mark.parametrize(
    "candidate",
    ["self.F @ (r * h) * 1.1 + self.w", "z * (self.F @ h) + self.w", "self.F @ (r * h) + self.w * self.y"],
)
def test_what_is_no_gru_is_none(tmp_path: Path, candidate: str) -> None:
    found = next(
        iter(bindings(load(written(tmp_path, GRU.format(candidate=candidate, new="(1 - z) * n + z * h")))))
    )
    assert not isinstance(found, Binding) or found.problem_case.cell == "rnn"


def written(folder: Path, source: str) -> str:
    file = folder / "net.py"
    file.write_text(source, encoding="utf-8")
    return f"{file}:Net"


@pytest.mark.parametrize(
    "case", ["lstm-T7-B3-I4-H6-f64-s0", "gru-T7-B3-I4-H6-f64-s0", "gru-before-T7-B3-I4-H6-f64-s0"]
)
def test_parameters_are_their_blocks_put_together(case: str) -> None:
    problem = materialise(parse_id(case))
    blocks = blocks_of(problem.case, problem.weights)
    whole = assembled(problem.case, blocks)
    assert whole.keys() == problem.weights.keys()
    assert all(np.array_equal(whole[name], w) for name, w in problem.weights.items())
    for letter in letters_of(problem.case):
        one = f"b_{letter}"
        assert (one in blocks) is (case != "gru-T7-B3-I4-H6-f64-s0" or letter != "n")
        if one in blocks:
            assert np.array_equal(blocks[one], blocks[f"b_x{letter}"] + blocks[f"b_h{letter}"])


def test_a_part_is_no_parameter_and_one_bias_stands_for_b_ih() -> None:
    problem = materialise(parse_id("lstm-T7-B3-I4-H6-f64-s0"))
    blocks = blocks_of(problem.case, problem.weights)
    some = {name: block for name, block in blocks.items() if name[:3] in ("W_x", "W_h") and name != "W_xg"}
    one = {f"b_{letter}": blocks[f"b_{letter}"] for letter in "ifgo"}
    assert assembled(problem.case, some | one).keys() == {"weight_hh_l0", "bias_ih_l0"}


def test_what_is_absent_is_zero_and_all_else_as_it_was() -> None:
    problem = materialise(parse_id("gru-T7-B3-I4-H6-f64-s0"))
    found = without(problem.case, problem.weights, ("b_hn",))
    assert not found["bias_hh_l0"][12:].any()
    assert np.array_equal(found["bias_hh_l0"][:12], problem.weights["bias_hh_l0"][:12])
    others = itertools.filterfalse(lambda name: name == "bias_hh_l0", found)
    assert all(np.array_equal(found[name], problem.weights[name]) for name in others)
