"""NaN, infinities and overflow: by which rule single elements are decided, and real runs with them."""

from dataclasses import replace

import numpy as np
import pytest
from support import planting
from support.planting import Judged, Shows

from conformance import Case, Problem, examine, load_subject, parse_id
from conformance.cases import FORMATS, materialise
from conformance.judge.comparison import Comparison, Phase
from conformance.judge.decision import decide
from conformance.judge.rounding import Precision

# The rule for NaN, infinities and overflow, element by element.

DOUBLE = Precision.of(FORMATS["f64"])
SINGLE = Precision.of(FORMATS["f32"])
NAN, INF = np.nan, np.inf


def decision(
    got: float,
    expected: float,
    *,
    bound: float = 0.5,
    terms: float = 1.0,
    precision: Precision = DOUBLE,
    phase: Phase = "forward",
) -> str:
    """Return the verdict on one element, beside a large one that agrees, of which its bound is a small part."""
    comparison = Comparison(
        phase=phase,
        quantity="h",
        layer=0,
        direction=0,
        axes=("t",),
        got=np.array([got, 1e3]),
        expected=np.array([expected, 1e3]),
        bound=np.array([bound, 0.0]),
        terms=np.array([terms, 1.0]),
    )
    return decide([comparison], precision)[0].verdict


@pytest.mark.parametrize(
    ("got", "expected", "verdict"),
    [
        (NAN, NAN, "agrees"),
        (INF, INF, "agrees"),
        (-INF, -INF, "agrees"),
        (1.0, 1.2, "agrees"),
        (NAN, 1.0, "differs"),
        (1.0, NAN, "differs"),
        (INF, -INF, "differs"),
        (INF, NAN, "differs"),
        (NAN, INF, "differs"),
        (INF, 1.0, "differs"),
        (1.0, INF, "differs"),
        (1.0, 1.6, "differs"),
    ],
)
def test_with_nan_or_infinite_inputs_nan_meets_nan_and_infinity_the_same_infinity(
    got: float, expected: float, verdict: str
) -> None:
    assert decision(got, expected) == verdict  # terms count finite factors only


@pytest.mark.parametrize(("got", "expected"), [(NAN, INF), (INF, NAN), (-INF, INF), (NAN, NAN)])
def test_in_a_gradient_any_of_them_may_meet_any_other(got: float, expected: float) -> None:
    assert decision(got, expected, phase="backward") == "agrees"
    assert decision(got, 1.0, phase="backward") == "differs"
    assert decision(1.0, expected, phase="backward") == "differs"


def test_where_the_bound_is_no_small_part_of_the_quantity_nothing_is_decided() -> None:
    for precision, largest in ((DOUBLE, 10.0), (SINGLE, 10.0), (Precision.of(FORMATS["f16"]), 500.0)):
        assert decision(1.0, 1.0, bound=largest, precision=precision) == "agrees"
        beyond = float(np.nextafter(largest, 2 * largest))
        assert decision(1.0, 1.0, bound=beyond, precision=precision) == "undecidable"
        assert decision(3 * largest, 1.0, bound=beyond, precision=precision) == "differs"


@pytest.mark.parametrize("got", [NAN, INF, -INF])
def test_with_finite_inputs_only_a_finite_value_agrees(got: float) -> None:
    for expected in (0.0, 1.0, -1e300):
        for bound in (0.0, 1.0, 1e308):  # however large the bound is
            assert decision(got, expected, bound=bound) == "differs"


@pytest.mark.parametrize("precision", [SINGLE, DOUBLE], ids=["f32", "f64"])
def test_where_a_correct_program_may_overflow_nothing_is_decided(precision: Precision) -> None:
    edge = precision.largest / 4
    for got in (INF, NAN, 1.0, -INF):
        for terms in (edge, 2 * edge, INF, NAN):
            assert decision(got, 1.0, terms=terms, precision=precision) == "undecidable"
    below = np.nextafter(edge, 0)
    assert decision(INF, 1.0, terms=below, precision=precision) == "differs"
    assert decision(1.0, 1.0, terms=below, precision=precision) == "agrees"


@pytest.mark.parametrize("got", [0.0, 1.0, NAN, INF])
def test_an_infinite_bound_decides_nothing(got: float) -> None:
    assert decision(got, 1.0, bound=INF) == "undecidable"


def test_a_bound_that_is_nan_excuses_nothing() -> None:
    assert decision(1.0, 1.0000001, bound=NAN) == "differs"
    assert decision(1.0, 1.0, bound=NAN) == "agrees"


def test_the_bound_itself_is_within_the_bound_and_the_next_number_is_not() -> None:
    assert decision(1.5, 1.0, bound=0.5) == "agrees"
    assert decision(float(np.nextafter(1.5, 2)), 1.0, bound=0.5) == "differs"
    assert decision(0.0, 0.0, bound=0.0) == "agrees"
    assert decision(5e-324, 0.0, bound=0.0) == "differs"


def test_minus_zero_is_zero() -> None:
    assert decision(-0.0, 0.0, bound=0.0) == "agrees"


# Real runs with a NaN or an infinity among their data, which torch answers rightly by definition.


def poisoned_problem(text: str, what: str, value: float, rng: np.random.Generator) -> Problem:
    problem = materialise(parse_id(text))
    kept = problem.weights[what] if what in problem.weights else getattr(problem, what)
    array = kept.copy()
    array[tuple(rng.integers(size) for size in array.shape)] = value
    if what in problem.weights:
        return replace(problem, weights={**problem.weights, what: array})
    return replace(problem, **{what: array})


@pytest.mark.parametrize("subject", ["torch", "torch-steps"])
@pytest.mark.parametrize(
    "what", ["x", "h_0", "d_output", "d_h_n", "weight_ih_l0", "weight_hh_l1", "bias_hh_l0_reverse"]
)
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("lengths", ["", "-len2.4.1"])
def test_torch_is_never_accused_because_of_nan_or_infinite_data(
    lengths: str, nonlinearity: str, what: str, subject: str
) -> None:
    rng = np.random.default_rng(41)
    runner = load_subject(subject)
    for seed in range(3):
        for value in (np.nan, np.inf, -np.inf):
            text = f"rnn-{nonlinearity}-L2-bi-T4{lengths}-B3-I3-H4-{('f32', 'f64')[seed % 2]}-s{seed}"
            problem = poisoned_problem(text, what, value, rng)
            findings = planting.findings_on(problem, runner)
            assert [f.first for f in findings if f.verdict == "differs"] == [], (text, value)


OVERFLOWING = (
    "rnn-relu-T100-B2-I4-H6-f32-gain10-s0",
    "rnn-relu-T60-B3-I4-H3-f32-gain10-s0",
    "rnn-relu-L2-bi-T200-B2-I4-H16-f32-gain5-s1",
    "rnn-relu-T800-B2-I4-H16-f64-gain5-s2",
    "rnn-tanh-T600-B2-I4-H16-f32-gain10-s2",
)


@pytest.mark.parametrize("subject", ["torch", "torch-steps", "reference"])
@pytest.mark.parametrize("text", OVERFLOWING)
def test_no_subject_is_accused_because_numbers_grew_beyond_the_largest(text: str, subject: str) -> None:
    record = examine(parse_id(text), load_subject(subject))
    assert record.verdict in ("agrees", "undecidable"), record.first_divergence


def test_a_wrong_element_is_still_found_beside_poisoned_samples() -> None:
    """Poison in one sample excuses nothing in another."""
    rng = np.random.default_rng(43)
    case: Case = parse_id("rnn-tanh-T5-B3-I4-H6-f64-s0")
    problem = materialise(case)
    x = problem.x.copy()
    x[2, 1, 0] = np.nan
    problem = replace(problem, x=x)
    observation = load_subject("torch").run(problem)
    for quantity in ("h", "dL/dh", "dL/dx"):
        clean = Judged(case, problem, observation, planting.findings_on(problem, Shows(observation)))
        finding = clean.finding(quantity)
        index = (int(rng.integers(5)), 2, int(rng.integers(4)))
        value = planting.off_by(
            planting.element(clean, finding, index), 2 * planting.bound_at(finding, index), 1
        )
        wrong = planting.planted(clean, finding, index, value)
        firsts = [f.first for f in planting.findings_on(problem, Shows(wrong)) if f.verdict == "differs"]
        assert firsts
        assert firsts[0].quantity == quantity
        assert tuple(firsts[0].index.values()) == index
