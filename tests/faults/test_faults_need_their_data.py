"""Data that hide a fault: there the mutant is the right network bit by bit, and one step beyond it isn't."""

import numpy as np
import pytest

from conformance import Observation, Unsupported, parse_id
from conformance.cases import materialise
from conformance.faults import Mutant, load_fault, simulate

DEEP = "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0"

NEEDS = {
    "h_0 given": (
        "rnn-tanh-L2-bi-T7-B3-I4-H5-noh0-f64-s0",
        "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0",
        ["h-0-ignored", "h-0-of-first-layer-for-all", "h-0-overwritten", "h-previous-zero-at-first", "dh-0-missing"],
    ),
    "no h_0 given": (DEEP, "rnn-tanh-L2-bi-T7-B3-I4-H5-noh0-f64-s0", ["state-leaks-between-calls"]),
    "biases": (
        "rnn-tanh-nobias-T7-B3-I4-H5-f64-s0",
        "rnn-tanh-T7-B3-I4-H5-f64-s0",
        ["b-ih-unused", "b-hh-unused", "biases-unused", "b-ih-twice", "b-hh-twice", "only-first-step-survives-in-bias",
         "b-ih-gradient-dropped", "b-hh-gradient-dropped", "bias-gradients-dropped", "bias-gradients-doubled",
         "bias-gradients-per-example"],
    ),
    "tanh": (
        "rnn-relu-T7-B3-I4-H5-f64-s0",
        "rnn-tanh-T7-B3-I4-H5-f64-s0",
        ["tanh-prime-of-activated", "tanh-prime-of-pre-activation"],
    ),
    "relu": ("rnn-tanh-T7-B3-I4-H5-f64-s0", "rnn-relu-T7-B3-I4-H5-f64-s0", ["tanh-prime-for-relu"]),
    "a relu unit at exactly 0": (
        "rnn-relu-T7-B3-I4-H5-f64-s0",
        "rnn-relu-T7-B3-I4-H5-f64-zeros-s0",
        ["relu-prime-one-at-zero"],
    ),
    "B > 1": (
        "rnn-tanh-T7-B1-I4-H5-f64-s0",
        "rnn-tanh-T7-B2-I4-H5-f64-s0",
        ["divided-by-batch", "first-row-only", "first-row-slope-for-all", "scale-mean-over-batch"],
    ),
    "T > 1": (
        "rnn-tanh-T1-B3-I4-H5-f64-s0",
        "rnn-tanh-T2-B3-I4-H5-f64-s0",
        ["state-not-carried", "x-one-step-early", "states-share-one-array", "slope-of-last-state",
         "slope-of-next-state", "slope-of-previous-state-wrapping", "output-gradient-at-every-step",
         "output-gradient-one-step-early", "output-gradient-last-only", "output-gradient-accumulated",
         "h-n-gradient-at-every-step", "carry-replaces-output-gradient", "x-of-last-step", "x-of-next-step",
         "x-of-previous-step-wrapping", "h-two-steps-back", "only-first-step-survives",
         "only-last-step-survives", "divided-by-steps", "scale-mean-over-steps", "loop-runs-forwards"],
    ),
    "T > 4": (
        "rnn-tanh-T4-B3-I4-H5-f64-s0",
        "rnn-tanh-T5-B3-I4-H5-f64-s0",
        ["truncation-in-segments", "truncation-in-windows", "truncation-to-last-steps"],
    ),
    "large gradients": (
        "rnn-tanh-T1-B1-I4-H5-dout-f64-tiny-s0",
        "rnn-tanh-T7-B3-I4-H5-f64-gain10-s0",
        ["clip-value-5", "clip-norm-5", "carry-clipped-at-1", "carry-norm-clipped-at-1", "scaled-by-another-norm"],
    ),
    "a cotangent of output": (
        "rnn-tanh-T7-B3-I4-H5-dhn-f64-s0",
        "rnn-tanh-T7-B3-I4-H5-dout-f64-s0",
        ["output-gradient-at-every-step", "output-gradient-one-step-early", "output-gradient-one-step-late",
         "output-gradient-last-only", "output-gradient-accumulated", "carry-replaces-output-gradient",
         "cotangent-overwritten"],
    ),
    "a cotangent of h_n": (
        "rnn-tanh-T7-B3-I4-H5-dout-f64-s0",
        "rnn-tanh-T7-B3-I4-H5-dhn-f64-s0",
        ["h-n-gradient-ignored", "h-n-gradient-at-every-step"],
    ),
    "both cotangents": (
        "rnn-tanh-T7-B3-I4-H5-dhn-f64-s0",
        "rnn-tanh-T7-B3-I4-H5-f64-s0",
        ["h-n-gradient-replaces-output"],
    ),
    "float64": ("rnn-tanh-T7-B3-I4-H5-f32-s0", "rnn-tanh-T7-B3-I4-H5-f64-s0", ["float32-buffers", "x-nudged"]),
    "T and B > 1": (
        "rnn-tanh-T7-B1-I4-H5-f64-s0",
        "rnn-tanh-T7-B2-I4-H5-f64-s0",
        ["batch-first-reshaped", "time-first-reshaped"],
    ),
    "two layers": (
        "rnn-tanh-bi-T7-B3-I10-H5-f64-s0",
        "rnn-tanh-L2-bi-T7-B3-I10-H5-f64-s0",
        ["layer-reads-x", "layers-share-w-hh", "layers-share-one-cell", "h-0-of-first-layer-for-all", "d-below-missing",
         "output-gradient-at-every-layer", "h-n-top-layer-first", "h-n-directions-first"],
    ),
    "two directions": (
        "rnn-tanh-L2-T7-B3-I4-H5-f64-s0",
        DEEP,
        ["reverse-not-reversed", "reverse-output-not-turned-back", "reverse-with-forward-weights",
         "directions-swapped", "h-n-from-last-output", "h-n-directions-first", "d-below-forward-only",
         "d-below-mean"],
    ),
    "lengths": (
        "rnn-tanh-T7-B3-I4-H5-f64-s0",
        "rnn-tanh-T7-len3.7.5-B3-I4-H5-f64-s0",
        ["lengths-ignored", "h-n-from-last-output"],
    ),
    "I = H": ("", "rnn-tanh-T7-B3-I5-H5-f64-s0", ["carry-through-input-weights", "dx-not-transposed"]),
}  # fmt: skip
"""For each property of the data: a case without it, a case with it, and the faults that it alone brings to light.

Without I = H two of them have no meaning at all."""

PAIRS = [(need, fault_id) for need, (*_, ids) in NEEDS.items() for fault_id in ids]


def results(shown: Observation) -> dict[str, np.ndarray | None]:
    named = {"output": shown.output, "h_n": shown.h_n, "d_x": shown.d_x, "d_h_0": shown.d_h_0}
    return {**named, **shown.parameters}


def same_bits(case_id: str, fault_id: str) -> bool:
    problem = materialise(parse_id(case_id))
    shown, right = results(Mutant(load_fault(fault_id)).run(problem)), results(simulate(problem))
    return all(np.array_equal(shown[name], right[name]) for name in right if right[name] is not None)


@pytest.mark.parametrize(("need", "fault_id"), PAIRS)
def test_without_it_the_fault_changes_nothing(need: str, fault_id: str) -> None:
    without, _, _ = NEEDS[need]
    if not without:
        with pytest.raises(Unsupported, match="square"):
            same_bits(DEEP, fault_id)
    else:
        assert same_bits(without, fault_id)


@pytest.mark.parametrize(("need", "fault_id"), PAIRS)
def test_with_it_the_fault_shows(need: str, fault_id: str) -> None:
    _, with_it, _ = NEEDS[need]
    assert not same_bits(with_it, fault_id)
