"""A check of a network behind an explicit adapter: its verdict, its words and its exit code."""

from dataclasses import replace

import numpy as np
import pytest

from conformance import Observation
from conformance.hand_written.checking.adapter import adapted
from conformance.hand_written.checking.checkup import checked
from conformance.hand_written.report.text import check_text
from conformance.hand_written.request import Request
from conformance.record.check import decode_check, encode_check

ASKED = Request(target="here.py:Network", reproduce="conformance check here.py:Network")


class Network:
    """One tanh layer whose parts can be made wrong."""

    name = "network"
    description = "a layer with hand-written BPTT"

    def slope(self, h):
        return 1 - h**2

    def activation(self, a):
        return np.tanh(a)

    def shown(self, observation):
        return observation

    def run(self, problem):
        W, U, b, c = problem.weights.values()
        x = problem.x
        h = [np.zeros((x.shape[1], len(b))) if problem.h_0 is None else problem.h_0[0]]
        for x_t in x:
            h.append(self.activation(x_t @ W.T + b + h[-1] @ U.T + c))
        dW, dU, db, carried, d_hidden = 0, 0, 0, 0, []
        if problem.d_h_n is not None:
            carried = problem.d_h_n[0]
        for t in reversed(range(len(x))):
            dh = problem.d_output[t] + carried
            da = dh * self.slope(h[t + 1])
            dW, dU, db = dW + da.T @ x[t], dU + da.T @ h[t], db + da.sum(0)
            carried = da @ U
            d_hidden.insert(0, dh)
        gradients = dict(zip(problem.weights, (dW, dU, db, db), strict=True))
        found = Observation(
            output=np.array(h[1:]), d_hidden={(0, 0): np.array(d_hidden)}, parameters=gradients
        )
        return self.shown(found)


class ActivatedTwice(Network):
    def slope(self, h):
        return 1 - np.tanh(h) ** 2


class ForwardOnly(Network):
    def shown(self, observation):
        return Observation(output=observation.output)


class Averaged(Network):
    def shown(self, observation):
        rows = observation.output.shape[1]
        return Observation(
            output=observation.output, parameters={n: g / rows for n, g in observation.parameters.items()}
        )


class InSinglePrecision(Network):
    def shown(self, observation):
        low = {name: g.astype(np.float32) for name, g in observation.parameters.items()}
        return Observation(output=observation.output, parameters=low)


class Sigmoid(Network):
    def activation(self, a):
        return 1 / (1 + np.exp(-a))


class ConsistentSigmoid(Sigmoid):
    def slope(self, h):
        return h * (1 - h)


class LosesTheCarry(Network):
    """Passes nothing back from step t + 1."""

    def run(self, problem):
        steps = [super(LosesTheCarry, self).run(one) for one in one_step_each(problem, super().run(problem))]
        names = list(problem.weights)
        summed = {name: sum(step.parameters[name] for step in steps) for name in names}
        return Observation(output=np.concatenate([step.output for step in steps]), parameters=summed)


def one_step_each(problem, found):
    """Yield the problem of every single step, from the state that the network had before it."""
    for t in range(len(problem.x)):
        before = found.output[t - 1 : t] if t else problem.h_0
        yield replace(problem, x=problem.x[t : t + 1], d_output=problem.d_output[t : t + 1], h_0=before)


class IgnoresItsStart(Network):
    """Takes h_0 and starts from zeros."""

    def run(self, problem):
        given = problem.h_0
        found = super().run(replace(problem, h_0=None))
        return found if given is None else replace(found, d_h_0=None)


class ForgetsItsStart(Network):
    """Starts from h_0, and multiplies δ of the first step with zeros in dW_hh."""

    def run(self, problem):
        found = super().run(problem)
        if problem.h_0 is None:
            return found
        _, W_hh, *_ = problem.weights
        d_a = found.d_hidden[0, 0][0] * self.slope(found.output[0])
        lost = d_a.T @ problem.h_0[0]
        return replace(found, parameters={**found.parameters, W_hh: found.parameters[W_hh] - lost})


class ShowsNothing(Network):
    def shown(self, _):
        return Observation()


class Raises(Network):
    def run(self, _):
        raise KeyError("W_hx")


def check(network, case=None):
    return checked([adapted(network, case)], ASKED)


@pytest.mark.parametrize(
    ("network", "verdict", "code"),
    [
        (Network(), "conforms", 0),
        (ForwardOnly(), "forward-conforms", 0),
        (Averaged(), "conforms-up-to-a-constant", 0),
        (InSinglePrecision(), "conforms", 0),
        (ActivatedTwice(), "differs", 1),
        (Sigmoid(), "another-network", 1),
        (ConsistentSigmoid(), "another-network", 0),
        (ShowsNothing(), "undecided", 5),
        (Raises(), "failed", 5),
    ],
)
def test_every_network_gets_its_verdict_and_exit_code(network, verdict, code):
    record = check(network)
    assert (record.verdict, record.exit_code) == (verdict, code), record.headline


def test_a_mismatch_is_told_in_the_order_of_the_grammar():
    lines = check_text(check(ActivatedTwice())).splitlines()
    order = [
        "DIFFERS  network differs",
        "first divergent step: backward pass, dL/dh, layer 0 forward, t = 5",
        "dL/dh     differs",
        "reproduce: conformance check here.py:Network",
    ]
    places = [next(n for n, line in enumerate(lines) if line.startswith(start)) for start in order]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] == len(lines) - 1


def test_dl_dh_is_split_into_what_came_from_the_output_and_from_the_next_step():
    record = check(ActivatedTwice())
    for step in record.split:
        assert float(step.from_output) + float(step.from_next) == pytest.approx(
            float(step.expected), abs=1e-15
        )
    last, *others = record.split
    assert float(last.from_next) == 0
    assert not last.wrong_itself
    assert all(step.wrong_itself for step in others)
    assert record.inherited == "t = 5 … 0 are wrong, each by itself"


def test_a_constant_is_named_by_the_size_it_comes_from():
    scale = check(Averaged()).scale
    assert scale is not None
    assert scale.name == "1/B"


def test_low_precision_is_told_and_not_accused():
    record = check(InSinglePrecision())
    assert "to single precision" in record.headline
    kept = next(c for c in record.contracts if c.id == "precision-kept")
    assert kept.holds is False
    assert "lower precision" in kept.sentence


def test_code_that_raises_is_told_with_the_line_that_raised():
    record = check(Raises())
    assert "KeyError: 'W_hx'" in record.headline
    assert "test_checks_tell_what_is_wrong.py" in record.headline


def test_a_record_survives_the_trip_through_json():
    for network in (Network(), ActivatedTwice(), Raises()):
        record = check(network)
        assert decode_check(encode_check(record)) == record


@pytest.mark.parametrize(
    ("network", "fault"),
    [(IgnoresItsStart(), "h-0-ignored"), (ForgetsItsStart(), "h-previous-zero-at-first")],
)
def test_what_goes_wrong_only_from_another_start_is_told_as_that(network, fault):
    record = check(network)
    assert (record.verdict, record.exit_code) == ("differs", 1)
    assert "from h_0 = 0 only" in record.headline
    assert fault in {f.id for f in record.diagnosis.faults}
    assert "noh0" not in record.case


def test_a_single_step_tells_the_cell_from_the_loop():
    def caught(network):
        return next(part.sentence for part in check(network).parts if part.id == "cell")

    assert caught(ActivatedTwice()).endswith("wrong already there")
    assert caught(LosesTheCarry()).endswith(
        "the mistake is in what passes from step to step, or in the use of W_hh"
    )
