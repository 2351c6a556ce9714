"""The first divergent step: of what a layer and direction computes in turns, the earliest on the way comes first."""

from dataclasses import replace

import pytest

from conformance.cases import parse_id
from conformance.examination.engine import examine
from conformance.subjects import load_subject

CASE = parse_id("rnn-tanh-L2-T5-B2-I4-H3-f64-s0")


class WrongInTurns:
    """torch's steps with dL/da of layer 1 wrong at one step, and dL/dh wrong at another."""

    name, description = "wrong-in-turns", "torch.nn.RNN with two planted errors"

    def __init__(self, d_pre: int, d_hidden: int) -> None:
        self.at = {"d_pre": d_pre, "d_hidden": d_hidden}

    def run(self, problem):
        shown = load_subject("torch").run(problem)
        changed = {}
        for name, t in self.at.items():
            arrays = {place: array.copy() for place, array in getattr(shown, name).items()}
            arrays[1, 0][t] += 1
            changed[name] = arrays
        return replace(shown, **changed)


@pytest.mark.parametrize(
    ("d_pre", "d_hidden", "quantity", "t"),
    [(4, 2, "dL/da", 4), (1, 3, "dL/dh", 3), (3, 3, "dL/dh", 3)],
)
def test_of_several_quantities_the_earliest_step_comes_first(d_pre, d_hidden, quantity, t):
    first = examine(CASE, WrongInTurns(d_pre, d_hidden)).first_divergence
    assert first.quantity == quantity
    assert f"layer 1 forward, t = {t}, " in first.where
