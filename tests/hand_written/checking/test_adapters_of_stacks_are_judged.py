"""Adapters of several layers and directions: what they show is judged in the order of the data flow, all of it."""

from dataclasses import replace

import numpy as np
import pytest

from conformance import check
from conformance.hand_written.diagnosis import stacks
from conformance.subjects.reference import observe

STACK = "rnn-tanh-L2-bi-T4-B2-I3-H5-f64-s0"


@pytest.fixture(autouse=True)
def no_pairs(monkeypatch):
    """Let no pairs of mistakes be tried: none is looked for here."""
    monkeypatch.setattr(stacks, "MOST_STEPS", 0)


class Shows:
    """The reference, with some of what it shows changed."""

    case = STACK

    def __init__(self, **changes):
        self.changes = changes

    def run(self, problem):
        full = replace(observe(problem, np.float64), step_parameters={}, d_pre={})
        return replace(full, **{name: change(getattr(full, name)) for name, change in self.changes.items()})


def at(*wrong):
    """Return what makes the gradients of single steps wrong at one place and step."""

    def change(steps):
        (place, t), found = wrong, {p: array.copy() for p, array in steps.items()}
        found[place][t] += 1
        return found

    return change


def test_all_inner_steps_may_be_shown():
    found = check(Shows()).record
    assert found.verdict == "conforms"
    assert "dL/dh" in {q.quantity for q in found.quantities}


@pytest.mark.parametrize(
    ("place", "t", "told"),
    [
        ((1, 0), 2, "t = 2, 1 are wrong; t = 0 is right given what was passed back, and inherits the error"),
        ((1, 1), 1, "t = 1, 2 are wrong; t = 3 is right given what was passed back, and inherits the error"),
        ((0, 1), 3, "t = 3 is wrong, each by itself"),
    ],
)
def test_the_step_that_is_wrong_itself_is_told_in_the_order_of_its_own_scan(place, t, told):
    found = check(Shows(d_hidden=at(place, t))).record
    way = ("forward", "reverse")[place[1]]
    assert f"layer {place[0]} {way}, t = {t}," in found.first_divergence.where
    assert found.inherited == told
    assert bool(found.split) is (place == (1, 0))


NO_GRADIENTS = dict.fromkeys(("hidden", "parameters", "d_hidden"), lambda _: {}) | dict.fromkeys(
    ("d_x", "d_h_0"), lambda _: None
)


def test_a_wrong_output_is_the_first_divergence_though_h_n_was_right():
    found = check(Shows(output=lambda output: 0.99 * output, **NO_GRADIENTS)).record
    assert (found.verdict, found.first_divergence.quantity) == ("differs", "output")
    assert {q.verdict for q in found.quantities if q.quantity.startswith("h_n")} == {"agrees"}
    assert not found.diagnosis.faults


def test_h_n_that_is_not_the_last_state_of_a_right_output_is_wrong():
    found = check(Shows(h_n=lambda h_n: h_n[::-1].copy(), **NO_GRADIENTS)).record
    assert (found.verdict, found.first_divergence.quantity) == ("differs", "h_n")
