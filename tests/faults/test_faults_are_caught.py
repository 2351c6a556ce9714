"""Every fault is seen by the smoke suite in float64, nearly all in float32, and none where the fault does nothing."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import SUITES, Case, Unsupported, UsageError, examine, parse_id
from conformance.cases import materialise
from conformance.faults import CATALOGUE, Choices, Fault, Mutant, choices_of, load_fault, simulate
from conformance.faults.seams import SEAMS, alternatives
from conformance.judge import malformed

PER_SAMPLE = ("batch-not-summed", "bias-gradients-per-example", "head-bias-gradient-per-example")
"""What gives gradients a shape of their own."""

SMOKE = [case for case in SUITES["smoke"].cases() if case.cell == "rnn" and case.steps <= 50]
EVERY = pytest.mark.parametrize("fault", CATALOGUE.values(), ids=list(CATALOGUE))

NOT_IN_FLOAT32 = ("float32-buffers",)
"""What float32 can't show in principle."""

NO_CASE_IN_FLOAT32 = ("relu-prime-one-at-zero", "state-leaks-between-calls")
"""What needs a unit at the kink, or no h_0: the suite has such cases in float64."""


def catching(fault: Fault, dtype: str) -> list[Case]:
    """Return the first case of the smoke suite in which the judge sees the fault, if there is one."""
    for case in SMOKE:
        if case.dtype == dtype and examine(case, Mutant(fault)).verdict == "differs":
            return [case]
    return []


@EVERY
def test_the_smoke_suite_catches_the_fault_in_float64(fault: Fault) -> None:
    assert catching(fault, "f64")


@EVERY
def test_the_smoke_suite_catches_the_fault_in_float32(fault: Fault) -> None:
    caught = bool(catching(fault, "f32"))
    assert caught or fault.id in NOT_IN_FLOAT32 + NO_CASE_IN_FLOAT32
    assert not (caught and fault.id in NOT_IN_FLOAT32)


@EVERY
def test_a_mutant_shows_arrays_of_the_right_kind_wherever_it_runs(fault: Fault) -> None:
    shapes_wrong = fault.id in PER_SAMPLE
    ran = 0
    for case in SMOKE[::5]:
        problem = materialise(case)
        try:
            complaints = malformed(problem, Mutant(fault).run(problem))
        except Unsupported:
            continue
        ran += 1
        assert complaints == [] or shapes_wrong, complaints
    assert ran > 0 or fault.id in ("carry-through-input-weights", "dx-not-transposed")


@pytest.mark.parametrize(
    ("fault_id", "case_id", "reason"),
    [
        ("slope-of-last-state", "rnn-tanh-T7-len3.7.5-B3-I4-H5-f64-s0", "slope_at = 'last': which steps"),
        ("carry-through-input-weights", "rnn-tanh-T7-B3-I4-H5-f64-s0", "only where it is square"),
        ("dx-not-transposed", "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0", "only where it is square"),
        ("layer-reads-x", "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0", r"here I = 4 and D·H = 10\."),
    ],
)
def test_what_a_fault_leaves_open_is_refused_with_the_reason(
    fault_id: str, case_id: str, reason: str
) -> None:
    record = examine(parse_id(case_id), Mutant(load_fault(fault_id)))
    assert record.verdict == "unsupported"
    assert re.search(reason, record.reason), record.reason


def test_the_first_divergence_of_a_mutant_is_where_its_fault_is() -> None:
    case = parse_id("rnn-tanh-L2-T7-B3-I4-H5-f64-s0")
    first = {
        "sigmoid-for-tanh": ("h", "layer 0 forward, t = 0, row 0, unit 0"),
        "recurrence-transposed": ("h", "layer 0 forward, t = 0, row 0, unit 0"),
        "h-n-top-layer-first": ("h_n", "layer 0 forward, row 0, unit 0"),
        "h-n-gradient-ignored": ("dL/dh", "layer 1 forward, t = 6, row 0, unit 0"),
        "carry-not-transposed": ("dL/dh", "layer 1 forward, t = 5, row 0, unit 0"),
        "tanh-prime-of-activated": ("dL/da", "layer 1 forward, t = 6, row 0, unit 0"),
        "truncation-in-segments": ("dL/dh", "layer 1 forward, t = 3, row 0, unit 0"),
        "dh-0-one-step-short": ("dL/dh_0", "layer 1 forward, row 0, unit 0"),
        "h-t-for-h-previous": ("dL/dW_hh of a step", "layer 1 forward, t = 6, unit 0, source 0"),
        "divided-by-steps": ("dL/dW_ih", "layer 1 forward, unit 0, input 0"),
        "d-below-missing": ("dL/dh", "layer 0 forward, t = 6, row 0, unit 0"),
    }
    for fault_id, place in first.items():
        found = examine(case, Mutant(load_fault(fault_id))).first_divergence
        assert found is not None
        assert (found.quantity, found.where) == place


small = st.builds(
    lambda layers, both, bias, steps, batch, layout, h_0, relu, seed: Case(
        nonlinearity="relu" if relu else "tanh",
        layers=layers,
        bidirectional=both,
        bias=bias,
        steps=steps,
        batch=1 if layout == "unbatched" else batch,
        layout=layout,
        input_size=4,
        hidden_size=4 if seed % 2 else 2,
        h_0=h_0,
        dtype="f64",
        seed=seed,
    ),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
    st.integers(1, 7),
    st.integers(1, 3),
    st.sampled_from(["time-first", "batch-first", "unbatched"]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)


@given(small, st.sets(st.sampled_from(list(CATALOGUE)), max_size=5))
def test_combinations_of_faults_run(case: Case, ids: set[str]) -> None:
    try:
        choices = choices_of([CATALOGUE[fault_id] for fault_id in sorted(ids)])
    except UsageError:
        return
    problem = materialise(case)
    try:
        observation = simulate(problem, choices)
    except Unsupported:
        return
    wrong = malformed(problem, observation)
    assert wrong == [] or {*PER_SAMPLE} & ids, wrong


@given(small, st.data())
def test_any_choices_at_all_seams_at_once_run(case: Case, data: st.DataObject) -> None:
    drawn = {seam: data.draw(st.sampled_from(alternatives(seam)), label=seam) for seam in SEAMS}
    drawn |= {"rows": "summed", "bias_gradients": "own"} if data.draw(st.booleans()) else {}
    problem = materialise(case)
    try:
        observation = simulate(problem, Choices(**drawn, reach=data.draw(st.integers(1, 8))))
    except Unsupported:
        return
    assert observation.output.shape == problem.layout.shape(
        case.steps, case.batch, case.directions * case.hidden_size
    )


@given(small, st.integers(1, 8))
def test_truncation_is_exact_as_far_as_it_reaches(case: Case, reach: int) -> None:
    problem = materialise(case)
    right = simulate(problem)
    for kind in ("segments", "windows", "last steps"):
        cut = simulate(problem, Choices(truncation=kind, reach=reach))
        same = np.array_equal(cut.d_x, right.d_x)
        assert same or reach < case.steps, kind
        assert np.array_equal(cut.output, right.output)


@given(small, st.sampled_from([1, 5]))
def test_clipping_by_value_cuts_off_what_is_larger_and_nothing_else(case: Case, limit: int) -> None:
    problem = materialise(case)
    right, cut = simulate(problem), simulate(problem, Choices(clip=f"value {limit}"))
    for name, gradient in right.parameters.items():
        np.testing.assert_array_equal(cut.parameters[name], np.clip(gradient, -limit, limit))


@given(small, st.floats(1e-3, 10))
def test_the_error_of_an_early_update_grows_with_the_learning_rate(case: Case, rate: float) -> None:
    problem = materialise(case)
    right = simulate(problem).d_x
    once, twice = (simulate(problem, Choices(update="before", rate=r)).d_x for r in (rate, 2 * rate))
    if case.layers == 1:
        np.testing.assert_allclose(twice - right, 2 * (once - right), rtol=1e-6, atol=1e-9 * (1 + rate))
