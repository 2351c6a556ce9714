"""`TimeMajor`: a problem of any cell and layout as most libraries want it, and their results taken back."""

import numpy as np
import pytest

from conformance import TimeMajor
from conformance.cases import materialise, parse_id
from conformance.subjects.reference import observe

IDS = (
    "rnn-tanh-T4-len2.4-B2-bf-I3-H5-f64-s0",
    "gru-bi-T4-B2-I3-H5-noh0-f64-s0",
    "lstm-L2-T4-len2.4-B2-bf-I3-H5-proj2-f64-s0",
    "lstm-nobias-T4-single-I3-H5-noc0-f64-s0",
)


@pytest.mark.parametrize("case", IDS)
def test_arrays_are_batches_with_nothing_missing(case):
    problem = materialise(parse_id(case))
    case, plain = problem.case, TimeMajor.of(problem)
    P, H, count = case.proj_size or case.hidden_size, case.hidden_size, len(problem.places)
    assert plain.x.shape == (4, case.batch, 3)
    assert plain.d_output.shape == (4, case.batch, case.directions * P)
    assert plain.h_0.shape == plain.d_h_n.shape == (count, case.batch, P)
    assert (plain.c_0 is None) == (plain.d_c_n is None) == (case.cell != "lstm")
    if plain.c_0 is not None:
        assert plain.c_0.shape == plain.d_c_n.shape == (count, case.batch, H)
        assert np.any(plain.c_0) == (problem.c_0 is not None)
    assert not np.any(plain.x[~plain.active[..., 0]])
    assert all(array.flags.writeable for array in (plain.x, plain.h_0, plain.d_output, plain.d_h_n))
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[case.cell]
    biases = [w for name, w in problem.weights_at(problem.places[-1]).items() if "bias" in name]
    assert np.array_equal(plain.bias_at(problem.places[-1]), sum(biases, np.zeros(gates * H)))


@pytest.mark.parametrize("case", IDS)
def test_results_are_taken_back_into_the_layout_of_the_problem(case):
    problem = materialise(parse_id(case))
    layout, right = problem.layout, observe(problem, np.float64)

    def sequence(values):
        return layout.time_major(values)

    def state(values):
        return None if values is None else layout.batched_state(values)

    shown = TimeMajor.of(problem).shown(
        output=sequence(right.output),
        h_n=state(right.h_n),
        c_n=state(right.c_n),
        d_x=sequence(right.d_x),
        d_h_0=state(right.d_h_0),
        d_c_0=state(right.d_c_0),
    )
    left_out = {f"d_{letter}_0" for letter in "hc" if getattr(problem, f"{letter}_0") is None}
    for name in ("output", "h_n", "c_n", "d_x", "d_h_0", "d_c_0"):
        mine, theirs = getattr(shown, name), getattr(right, name)
        if name in left_out or theirs is None:
            assert mine is None, name
        else:
            assert np.array_equal(mine, theirs, equal_nan=True), name
