"""A planted fault in anything that is judged turns the verdict; NaN, infinities and shapes keep to their rule."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support import planting
from support.planting import Judged, Raises, Shows

from conformance import Observation, Problem, Unsupported, examine, load_subject, parse_id
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
        decide([comparison], Precision.of(FORMATS["f64"]))


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
    assert re.search(r"support/planting\.py:\d+ in run: `raise self\.error`", record.reason)


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
