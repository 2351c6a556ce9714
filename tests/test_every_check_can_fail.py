"""A planted fault in anything that is judged turns the verdict; NaN, infinities and shapes keep to their rule."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import planting
import pytest
from planting import Judged, Raises, Shows

from conformance import Case, Observation, Problem, Unsupported, examine, load_subject, parse_id
from conformance.cases import FORMATS, materialise
from conformance.judge.comparison import Comparison
from conformance.judge.decision import decide
from conformance.judge.rounding import Precision

FULL = "rnn-tanh-L2-bi-T4-len4.2.3-B3-I5-H6-f64-s0"
"""A case in which every quantity exists and every pair of sizes differs."""

FORWARD = {"h", "output", "h_n"}
WEIGHTS = ("dL/dW_ih", "dL/dW_hh", "dL/db_ih", "dL/db_hh")
QUANTITIES = {
    *FORWARD,
    "dL/dh",
    "dL/da",
    "dL/dh_0",
    "dL/dx",
    *WEIGHTS,
    *(f"{name} of a step" for name in WEIGHTS),
}


@pytest.fixture(scope="module")
def run() -> Judged:
    """Return a run of the subject that shows everything there is to show."""
    return planting.judged(parse_id(FULL), "reference")


def verdict_of(run: Judged, observation: Observation) -> str:
    return examine(run.case, Shows(observation)).verdict


def test_every_quantity_is_judged(run: Judged) -> None:
    assert {finding.comparison.quantity for finding in run.findings} == QUANTITIES
    assert verdict_of(run, run.observation) == "agrees"


@pytest.mark.parametrize("quantity", sorted(QUANTITIES))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -0.4321])
def test_one_wrong_element_of_any_quantity_differs(run: Judged, quantity: str, value: float) -> None:
    for finding in run.findings:
        if finding.comparison.quantity != quantity:
            continue
        index = tuple(map(int, np.argwhere(planting.decided(finding))[-1]))
        record = examine(run.case, Shows(planting.planted(run, finding, index, value)))
        assert record.verdict == "differs"
        assert planting.names(record, finding, index)
        assert quantity in record.reason


@pytest.mark.parametrize("quantity", sorted(QUANTITIES - {"output", "h_n"}))
def test_a_missing_sign_differs_in_any_quantity(run: Judged, quantity: str) -> None:
    finding = run.finding(quantity)
    index = tuple(map(int, np.argwhere(planting.decided(finding) & (finding.comparison.got != 0))[0]))
    flipped = planting.planted(run, finding, index, -planting.element(run, finding, index))
    assert verdict_of(run, flipped) == "differs"


def test_a_result_off_in_its_last_bit_differs_where_it_is_a_copy_of_a_state(run: Judged) -> None:
    for quantity in ("output", "h_n"):
        finding = run.finding(quantity)
        value = planting.element(run, finding, (0, 0, 0)[: len(finding.comparison.axes)])
        index = (0,) * len(finding.comparison.axes)
        assert verdict_of(run, planting.planted(run, finding, index, np.nextafter(value, 2))) == "differs"


def test_padding_that_is_not_zero_differs(run: Judged) -> None:
    outside = ~run.problem.active
    assert outside.any()
    t, row = map(int, np.argwhere(outside)[0])
    for quantity, value in (("output", 5e-324), ("dL/dx", 1e-12), ("output", np.nan), ("dL/dx", np.nan)):
        finding = run.finding(quantity)
        assert verdict_of(run, planting.planted(run, finding, (t, row, 0), value)) == "differs"


def test_what_stands_in_the_padding_of_inner_steps_does_not_matter(run: Judged) -> None:
    outside = ~run.problem.active[:, :, np.newaxis]
    fields = {
        field: {
            place: np.where(outside, np.nan, array)
            for place, array in getattr(run.observation, field).items()
        }
        for field in ("hidden", "d_hidden", "d_pre")
    }
    assert verdict_of(run, replace(run.observation, **fields)) == "agrees"


# Faults of whole subjects: torch itself, handed the wrong problem or showing the wrong thing.

Change = Callable[[Problem, Observation], Observation]


def swapped(arrays: dict, first: object, second: object) -> dict:
    return {**arrays, first: arrays[second], second: arrays[first]}


def with_weights(problem: Problem, change: Callable[[str, np.ndarray], np.ndarray]) -> Observation:
    weights = {name: change(name, w) for name, w in problem.weights.items()}
    return load_subject("torch").run(replace(problem, weights=weights))


FAULTS: dict[str, Change] = {
    "transposed W_hh": lambda p, _: with_weights(
        p, lambda name, w: w.T.copy() if "hh" in name and w.ndim == 2 else w
    ),
    "no b_hh": lambda p, _: with_weights(p, lambda name, w: 0 * w if "bias_hh" in name else w),
    "minus b_ih": lambda p, _: with_weights(p, lambda name, w: -w if "bias_ih" in name else w),
    "h_0 ignored": lambda p, _: load_subject("torch").run(replace(p, h_0=0 * p.h_0)),
    "output cotangent ignored": lambda p, _: load_subject("torch").run(replace(p, d_output=0 * p.d_output)),
    "h_n cotangent ignored": lambda p, _: load_subject("torch").run(replace(p, d_h_n=0 * p.d_h_n)),
    "doubled loss": lambda p, _: load_subject("torch").run(
        replace(p, d_output=2 * p.d_output, d_h_n=2 * p.d_h_n)
    ),
    "lengths ignored": lambda p, _: load_subject("torch").run(replace(p, lengths=None, x=np.nan_to_num(p.x))),
    "one step late": lambda _, o: replace(o, hidden={k: np.roll(h, 1, axis=0) for k, h in o.hidden.items()}),
    "output one step late": lambda _, o: replace(o, output=np.roll(o.output, 1, axis=0)),
    "gradients one step late": lambda _, o: replace(
        o, d_hidden={k: np.roll(h, 1, axis=0) for k, h in o.d_hidden.items()}
    ),
    "rows in reverse": lambda _, o: replace(o, d_x=o.d_x[:, ::-1]),
    "directions swapped inside": lambda _, o: replace(o, hidden=swapped(o.hidden, (0, 0), (0, 1))),
    "directions of the output swapped": lambda _, o: replace(o, output=np.roll(o.output, 6, axis=2)),
    "directions of gradients swapped": lambda _, o: replace(o, d_hidden=swapped(o.d_hidden, (1, 0), (1, 1))),
    "order of h_n": lambda _, o: replace(o, h_n=o.h_n[[0, 2, 1, 3]]),
    "order of dL/dh_0": lambda _, o: replace(o, d_h_0=o.d_h_0[[1, 0, 2, 3]]),
    "biases of the other direction": lambda _, o: replace(
        o, parameters=swapped(o.parameters, "bias_ih_l0", "bias_ih_l0_reverse")
    ),
    "gradient of W_hh transposed": lambda _, o: replace(
        o, parameters={**o.parameters, "weight_hh_l1": o.parameters["weight_hh_l1"].T}
    ),
    "mean over the batch": lambda _, o: replace(o, parameters={k: g / 3 for k, g in o.parameters.items()}),
    "last step's gradient left out": lambda _, o: replace(
        o, parameters={**o.parameters, "weight_hh_l0": 0 * o.parameters["weight_hh_l0"]}
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_whole_subject_differs(fault: str) -> None:
    case = parse_id(FULL)
    problem = materialise(case)
    wrong = FAULTS[fault](problem, load_subject("torch").run(problem))
    record = examine(case, Shows(wrong))
    assert record.verdict == "differs"
    assert record.first_divergence is not None
    assert any(quantity.verdict == "differs" for quantity in record.quantities)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_a_problem_with_another_data_is_never_taken_for_this_one(dtype: str) -> None:
    case = parse_id(f"rnn-relu-T5-B3-I4-H6-{dtype}-s0")
    other = load_subject("torch").run(materialise(replace(case, seed=1)))
    assert examine(case, Shows(other)).verdict == "differs"


# Shapes, names and precisions.


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda o: {"output": o.output[:, :1]}, "output has the shape (4, 1, 12) instead of (4, 3, 12)."),
        (lambda o: {"output": o.output.swapaxes(0, 1)}, "output has the shape (3, 4, 12)"),
        (lambda o: {"output": o.output[..., np.newaxis]}, "output has the shape (4, 3, 12, 1)"),
        (lambda o: {"h_n": o.h_n[:1]}, "h_n has the shape (1, 3, 6) instead of (4, 3, 6)."),
        (lambda o: {"h_n": o.h_n[0]}, "h_n has the shape (3, 6)"),
        (lambda o: {"d_x": o.d_x[:1]}, "d_x has the shape (1, 3, 5)"),
        (lambda _: {"d_h_0": np.zeros(())}, "d_h_0 has the shape ()"),
        (
            lambda _: {"parameters": {"bias_ih_l0": np.zeros(1)}},
            "['bias_ih_l0'] has the shape (1,) instead of (6,).",
        ),
        (lambda _: {"parameters": {"bias_hh_l1": np.zeros((3, 6))}}, "['bias_hh_l1'] has the shape (3, 6)"),
        (
            lambda _: {"parameters": {"weight_ih_l0": np.zeros((5, 6))}},
            "has the shape (5, 6) instead of (6, 5).",
        ),
        (
            lambda _: {"parameters": {"weight_ih": np.zeros((6, 5))}},
            "parameters['weight_ih'] belongs to nothing",
        ),
        (lambda _: {"step_parameters": {"bias_ih_l0": np.zeros(6)}}, "has the shape (6,) instead of (4, 6)."),
        (lambda _: {"step_parameters": {"bias_ih_l9": np.zeros((4, 6))}}, "belongs to nothing"),
        (lambda o: {"hidden": {(0, 0): o.hidden[0, 0][:, :1]}}, "hidden[(0, 0)] has the shape (4, 1, 6)"),
        (lambda o: {"hidden": {(2, 0): o.hidden[0, 0]}}, "hidden[(2, 0)] belongs to nothing"),
        (lambda o: {"d_hidden": {(0, 1): o.d_hidden[0, 1][:-1]}}, "d_hidden[(0, 1)] has the shape (3, 3, 6)"),
        (lambda o: {"d_pre": {(0, 2): o.d_hidden[0, 1]}}, "d_pre[(0, 2)] belongs to nothing"),
        (lambda o: {"output": o.output.astype(np.float32)}, "output is float32 instead of float64."),
        (lambda o: {"output": o.output.astype(object)}, "output is object instead of float64."),
        (lambda o: {"d_x": o.d_x.astype(np.longdouble)}, "instead of float64."),
        (lambda o: {"h_n": o.h_n.astype(complex)}, "h_n is complex128 instead of float64."),
        (lambda o: {"output": o.output.tolist()}, "output is a list instead of a plain NumPy array"),
        (lambda _: {"parameters": {"bias_ih_l0": 0.0}}, "instead of a plain NumPy array"),
    ],
)
def test_a_wrong_shape_name_or_precision_differs_and_nothing_is_broadcast(
    run: Judged, change: Callable[[Observation], dict], says: str
) -> None:
    record = examine(run.case, Shows(replace(run.observation, **change(run.observation))))
    assert record.verdict == "differs"
    assert says in record.reason


def test_broadcasting_never_happens_inside_the_judge_either() -> None:
    comparison = Comparison(
        phase="forward",
        quantity="h",
        layer=0,
        direction=0,
        axes=("t",),
        got=np.zeros(1),
        expected=np.zeros(3),
        bound=1.0,
    )
    with pytest.raises(ValueError, match=r"h has the shape \(1,\) where \(3,\) was expected"):
        decide([comparison], DOUBLE)


# What is not shown.


def test_an_empty_observation_never_agrees(run: Judged) -> None:
    record = examine(run.case, Shows(Observation()))
    assert record.verdict == "undecidable"
    assert record.reason == "The subject showed nothing that could be judged."
    assert {"output", "h_n", "dL/dx", "dL/dh_0", "dL/dweight_ih_l0"} <= set(record.not_shown)


def test_whatever_is_not_shown_is_said_to_be_missing(run: Judged) -> None:
    assert examine(run.case, Shows(run.observation)).not_shown == []
    for field, name in (("output", "output"), ("h_n", "h_n"), ("d_x", "dL/dx"), ("d_h_0", "dL/dh_0")):
        record = examine(run.case, Shows(replace(run.observation, **{field: None})))
        assert record.not_shown == [name]
    for field, said in (("parameters", "dL/d{}"), ("hidden", "h of {}"), ("d_hidden", "dL/dh of {}")):
        for key in getattr(run.observation, field):
            less = {k: v for k, v in getattr(run.observation, field).items() if k != key}
            record = examine(run.case, Shows(replace(run.observation, **{field: less})))
            assert record.not_shown == [said.format(key)]


def test_a_gradient_of_an_initial_state_that_was_not_given_is_not_missing() -> None:
    case = parse_id("rnn-tanh-T4-B3-I5-H6-noh0-f64-s0")
    assert examine(case, load_subject("torch-steps")).not_shown == []


# Subjects that don't answer.


def test_a_subject_that_raises_is_an_error_with_its_text() -> None:
    record = examine(parse_id(FULL), Raises(ZeroDivisionError("nothing by nothing")))
    assert record.verdict == "error"
    assert "ZeroDivisionError: nothing by nothing" in record.reason
    assert "line " in record.reason


def test_a_subject_that_declines_is_unsupported_with_its_reason() -> None:
    record = examine(parse_id(FULL), Raises(Unsupported("one layer only")))
    assert (record.verdict, record.reason) == ("unsupported", "one layer only")


@pytest.mark.parametrize("code", [0, 1, None, "text"])
def test_a_subject_that_exits_is_an_error_and_does_not_end_the_run(code: object) -> None:
    record = examine(parse_id(FULL), Raises(SystemExit(code)))
    assert record.verdict == "error"


def test_a_subject_cannot_change_the_problem() -> None:
    problem = materialise(parse_id(FULL))
    arrays = [
        problem.x,
        problem.h_0,
        problem.d_output,
        problem.d_h_n,
        problem.lengths,
        *problem.weights.values(),
    ]
    for array in arrays:
        assert not array.flags.writeable


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
) -> str:
    """Return the verdict on one element."""
    comparison = Comparison(
        phase="forward",
        quantity="h",
        layer=0,
        direction=0,
        axes=("t",),
        got=np.array([got]),
        expected=np.array([expected]),
        bound=np.array([bound]),
        terms=np.array([terms]),
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


@pytest.mark.parametrize("got", [NAN, INF, -INF])
def test_with_finite_inputs_only_a_finite_value_agrees(got: float) -> None:
    for expected in (0.0, 1.0, -1e300):
        for bound in (0.0, 1.0, 1e308):
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
def test_torch_is_never_accused_because_of_nan_or_infinite_data(
    nonlinearity: str, what: str, subject: str
) -> None:
    rng = np.random.default_rng(41)
    runner = load_subject(subject)
    for seed in range(3):
        for value in (np.nan, np.inf, -np.inf):
            text = f"rnn-{nonlinearity}-L2-bi-T4-B3-I3-H4-{('f32', 'f64')[seed % 2]}-s{seed}"
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
