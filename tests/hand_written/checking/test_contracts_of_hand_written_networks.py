"""What a network does to its caller is seen: arguments overwritten, state and gradients that outlive a call."""

import numpy as np
import pytest
from hand_written.checking.test_checks_tell_what_is_wrong import InSinglePrecision, Network, check
from support.small_networks import GRADIENTS, broken, changed, checked, lstm, network

from conformance import Observation


class OverwritesCotangent(Network):
    """Adds what step t + 1 passes back to the caller's own dL/doutput."""

    def run(self, problem):
        found = super().run(problem)
        problem.d_output[...] += 1
        return found


class OverwritesInput(Network):
    def run(self, problem):
        found = super().run(problem)
        problem.x[0] = 0
        return found


class AliasesInitialState(Network):
    """Takes h_0 as its own buffer and writes the last state into it."""

    case = "rnn-tanh-T7-B3-I4-H6-f64-gain1.2-s0"

    def run(self, problem):
        found = super().run(problem)
        own = problem.h_0
        own[0] = found.output[-1]
        return found


class Accumulates(Network):
    def __init__(self):
        self.gradients = {}

    def shown(self, observation):
        for name, g in observation.parameters.items():
            self.gradients[name] = self.gradients.get(name, 0) + g
        return Observation(output=observation.output, parameters=dict(self.gradients))


class KeepsItsState(Network):
    h = None

    def run(self, problem):
        from dataclasses import replace

        if self.h is not None:
            problem = replace(problem, h_0=self.h)
        found = super().run(problem)
        self.h = found.output[-1:]
        return found


class Momentum(Network):
    """Mixes a tenth of the last call's gradients into this one's."""

    def __init__(self):
        self.last = {}

    def shown(self, observation):
        mixed = {name: g + 0.1 * self.last.get(name, 0) for name, g in observation.parameters.items()}
        self.last = mixed
        return Observation(output=observation.output, parameters=mixed)


OFFENDERS = [
    (OverwritesCotangent, "arguments-unchanged", "dL/doutput"),
    (OverwritesInput, "arguments-unchanged", "x"),
    (AliasesInitialState, "arguments-unchanged", "h_0"),
    (Accumulates, "gradients-reset", "gradients add up over calls"),
    (Momentum, "gradients-reset", "the same call again"),
    (KeepsItsState, "state-reset", "state leaks"),
    (InSinglePrecision, "precision-kept", "lower precision"),
]


@pytest.mark.parametrize(("network", "contract", "words"), OFFENDERS)
def test_an_offender_is_named_with_what_it_does(network, contract, words):
    broken = {c.id: c.sentence for c in check(network).contracts if c.holds is False}
    assert contract in broken
    assert words in broken[contract]


def test_a_network_that_keeps_to_itself_breaks_none():
    found = check(Network()).contracts
    assert {c.id for c in found} == {contract for _, contract, _ in OFFENDERS}
    assert all(c.holds for c in found)


def test_what_cannot_be_called_twice_is_said():
    class Once(Network):
        runs = 0

        def run(self, problem):
            self.runs += 1
            if self.runs > 1:
                raise RuntimeError("only once")
            return super().run(problem)

    found = next(c for c in check(Once()).contracts if c.id == "repeatable")
    assert found.holds is None
    assert "only once" in found.sentence


def test_bits_that_never_change_are_not_called_a_change():
    class Fills(Network):
        def run(self, problem):
            problem.x[...] = np.array(problem.x)
            return super().run(problem)

    found = next(c for c in check(Fills()).contracts if c.id == "arguments-unchanged")
    assert found.holds


@pytest.mark.parametrize(
    ("made", "told"),
    [("np.zeros_like(self.xs)", True), ("np.zeros(self.xs.shape)", False)],
    ids=["alike", "floats"],
)
def test_inputs_of_integers_cut_nothing_off(tmp_path, made, told):
    of_x = ("carried = self.Wh.T @ da", "carried = self.Wh.T @ da\n            dxs[t] = self.Wx.T @ da")
    text = changed(
        network(f"{GRADIENTS}, dxs"), of_x, ("dbh, dby, carried", f"dxs = {made}\n        dbh, dby, carried")
    )
    record = checked(tmp_path, text)
    assert record.verdict == "conforms"
    assert ("inputs in an array of integers change dL/dx" in broken(record)) is told


def test_outputs_that_the_backward_pass_overwrites_are_told(tmp_path):
    returned = ("return np.array([", "self.ys = np.array(["), ("hs[1:]])", "hs[1:]])\n        return self.ys")
    right = checked(tmp_path, changed(network(GRADIENTS), *returned))
    assert "overwrites" not in broken(right)
    wrong = checked(tmp_path, changed(network(f"self.ys -= 1\n{GRADIENTS}"), *returned))
    assert wrong.verdict == "conforms"
    assert "it overwrites arrays of its caller's: forward's result; work on a copy" in broken(wrong)


def test_gradients_that_the_next_call_overwrites_are_told(tmp_path):
    buffer = "self.buffer = np.zeros((n_hidden, n_in))"
    end = "np.copyto(self.buffer, dWx)\nreturn {}, dWh, dWy, dbh, dby"
    wrong = checked(tmp_path, network(end.format("self.buffer"), attributes=buffer))
    assert wrong.verdict == "conforms"
    assert "a further call overwrites what it returned: backward's result[0]; return copies" in broken(wrong)
    right = checked(tmp_path, network(end.format("self.buffer.copy()"), attributes=buffer))
    assert broken(right) == ""


@pytest.mark.parametrize(("kept", "told_so"), [("h, c", False), ("c, h", True)])
def test_a_state_that_goes_on_until_it_is_set_back_goes_on_rightly(tmp_path, kept, told_so):
    start = "self.state or (np.zeros((xs.shape[1], len(self.U))),) * 2"
    text = changed(
        lstm("_=None", start, "np.array(hs)"),
        ("        return np.array(hs)", f"        self.state = {kept}\n        return np.array(hs)"),
        (
            "np.zeros(4 * n)\n",
            "np.zeros(4 * n)\n        self.reset_state()\n\n    def reset_state(self):\n        self.state = None\n",
        ),
    )
    record = checked(tmp_path, text)
    assert record.verdict == "conforms", record.headline
    said = "without reset_state() a further call starts neither from its own h_0 nor where the last one ended"
    assert (said in broken(record)) is told_so
