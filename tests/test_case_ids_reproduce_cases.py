"""A case id alone reproduces its case and its data, anywhere, any time; and each case has just one."""

import hashlib
import math
import os
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from typing import get_args

import numpy as np
import planting
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import SUITES, Case, Problem, UsageError, parse_id
from conformance.cases import FORMATS, identifier, materialise
from conformance.cases.case import DROPOUT, REGIMES, Cotangents, Dtype

EXAMPLE = "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw any case there is, sizes within reason."""
    steps, size = draw(st.integers(1, 2000)), st.integers(1, 300)
    layout = draw(st.sampled_from(["time-first", "batch-first", "unbatched"]))
    batch = 1 if layout == "unbatched" else draw(st.integers(1, 6))
    lengths: tuple[int, ...] = ()
    if layout != "unbatched" and draw(st.booleans()):
        drawn = draw(st.lists(st.integers(1, steps), min_size=batch, max_size=batch))
        drawn[draw(st.integers(0, batch - 1))] = steps
        lengths = tuple(drawn)
    gains = st.integers(1, 9999).map(lambda n: f"gain{n / 100:g}")
    layers, dtype = draw(st.integers(1, 12)), draw(st.sampled_from(get_args(Dtype)))
    headless = lengths or not FORMATS[dtype].decides
    dropout = draw(st.sampled_from(DROPOUT)) if layers > 1 else 0.0
    return Case(
        nonlinearity=draw(st.sampled_from(["tanh", "relu"])),
        layers=layers,
        dropout=dropout,
        evaluation=dropout > 0 and draw(st.booleans()),
        bidirectional=draw(st.booleans()),
        bias=draw(st.booleans()),
        steps=steps,
        lengths=lengths,
        batch=batch,
        layout=layout,
        input_size=draw(size),
        hidden_size=draw(size),
        output_size=0 if headless else draw(st.integers(0, 9)),
        h_0=draw(st.booleans()),
        cotangents=draw(st.sampled_from(get_args(Cotangents))),
        dtype=dtype,
        regime=draw(st.sampled_from(REGIMES) | gains),
        seed=draw(st.integers(0, 10**18 - 1)),
    )


@given(cases())
def test_any_case_comes_back_from_its_id(case: Case) -> None:
    assert parse_id(case.id) == case
    assert parse_id(case.id).id == case.id == str(case)


@given(cases(), cases())
def test_two_cases_share_an_id_only_if_they_are_equal(one: Case, other: Case) -> None:
    assert (one.id == other.id) == (one == other)


def test_every_case_of_the_suites_comes_back_from_its_id() -> None:
    for suite in SUITES.values():
        found = suite.cases()
        assert len({case.id for case in found}) == len(found)
        for case in (*found, *suite.cases(seed=5)):
            assert parse_id(case.id) == case


def test_the_standard_suite_is_large_and_holds_the_smoke_suite() -> None:
    smoke, standard = ({case.id for case in SUITES[name].cases()} for name in ("smoke", "standard"))
    assert len(standard) >= 600
    assert smoke < standard
    assert [case.id for case in SUITES["standard"].cases()] == [
        case.id for case in SUITES["standard"].cases()
    ]


def test_a_seed_changes_every_case_of_a_suite_and_nothing_else() -> None:
    for case, other in zip(SUITES["smoke"].cases(), SUITES["smoke"].cases(seed=9), strict=True):
        assert replace(other, seed=0) == case != other


def test_the_documented_example_is_the_shortest_form_of_what_it_says() -> None:
    case = parse_id(EXAMPLE)
    assert case == Case(
        nonlinearity="tanh",
        layers=2,
        bidirectional=True,
        steps=7,
        batch=3,
        input_size=4,
        hidden_size=5,
        dtype="f64",
    )
    assert case.id == EXAMPLE == identifier.EXAMPLE


MALFORMED = {
    "": ("expected rnn, got ''",),
    "gru-tanh-T7-B3-I4-H5-f64-s0": ("expected rnn, got 'gru'",),
    "rnn-sigmoid-T7-B3-I4-H5-f64-s0": ("expected tanh|relu, got 'sigmoid'",),
    "rnn-tanh-B3-I4-H5-f64-s0": ("expected T<steps>, got 'B3'",),
    "rnn-tanh-T0-B3-I4-H5-f64-s0": ("expected T<steps>, got 'T0'",),
    "rnn-tanh-T07-B3-I4-H5-f64-s0": ("expected T<steps>, got 'T07'",),
    "rnn-tanh-bi-L2-T7-B3-I4-H5-f64-s0": ("expected T<steps>, got 'L2'",),
    "rnn-tanh-T7-I4-H5-f64-s0": ("expected B<batch>|single, got 'I4'",),
    "rnn-tanh-T7-B3-H5-f64-s0": ("expected I<input size>, got 'H5'",),
    "rnn-tanh-T7-B3-I4-f64-s0": ("expected H<hidden size>, got 'f64'",),
    "rnn-tanh-T7-B3-I4-H5-s0": ("expected f32|f64|f16|bf16, got 's0'",),
    "rnn-tanh-T7-B3-I4-H5-f8-s0": ("expected f32|f64|f16|bf16, got 'f8'",),
    "rnn-tanh-T7-B3-I4-H5-f64": ("expected s<seed>, got the end",),
    "rnn-tanh-T7-B3-I4-H5-f64-s-1": ("expected s<seed>, got 's'",),
    "rnn-tanh-T7-B3-I4-H5-f64-s00": ("expected s<seed>, got 's00'",),
    "rnn-tanh-T7-B3-I4-H5-f64-s0-s1": ("expected the end of the id, got 's1'",),
    "rnn-tanh-T7-B3-I4-H5-f64-s0\n": (r"expected s<seed>, got 's0\n'",),
    " rnn-tanh-T7-B3-I4-H5-f64-s0": ("expected rnn, got ' rnn'",),
    "rnn-tanh-T7-B3-I4-H5-f64-huge-s0": ("expected s<seed>, got 'huge'",),
    "rnn-tanh-T7-B3-I4-H5-f64-default-s0": ("expected s<seed>, got 'default'",),
}


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_id_is_told_what_was_expected_what_was_given_and_how_ids_look(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_id(text)
    message = str(caught.value)
    for part in (f"Case id {text!r}", *MALFORMED[text], "T<steps>", f"Example: {EXAMPLE}"):
        assert part in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rnn-tanh-T7-single-bf-I4-H5-f64-s0", "either 'single' (unbatched) or 'bf'"),
        ("rnn-tanh-T7-len7-single-I4-H5-f64-s0", "no lengths; got B = 1, lengths (7,)"),
        ("rnn-tanh-T7-len7.3-B3-I4-H5-f64-s0", "got (7, 3)"),
        ("rnn-tanh-T7-len6.3.1-B3-I4-H5-f64-s0", "the longest T = 7; got (6, 3, 1)"),
        ("rnn-tanh-T7-len8.3.1-B3-I4-H5-f64-s0", "got (8, 3, 1)"),
        ("rnn-tanh-T7-B3-I4-H5-f64-gain0-s0", "got 'gain0'"),
        ("rnn-tanh-drop0.5-T7-B3-I4-H5-f64-s0", "0 in a network of one layer; got 0.5 with 1 layers"),
        ("rnn-tanh-L2-eval-T7-B3-I4-H5-f64-s0", "only with dropout"),
        ("rnn-tanh-T7-B3-I4-H5-f64-gain2.0-s0", "got 'gain2.0'"),
        ("rnn-tanh-T7-B3-I4-H5-f64-gain02-s0", "got 'gain02'"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_id(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "rnn-tanh-L1-T7-B3-I4-H5-f64-s0",  # a default spelled out
        "rnn-tanh-T1\u0662-B3-I4-H5-f64-s0",  # a digit of another script
        "rnn-tanh-T7-B3-I4-H5-f64-gain\u0662-s0",
        "rnn-tanh-T7-B3-I4-H5-f64-s1\u0662",
    ],
)
def test_a_second_spelling_of_a_case_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_id(text)


def test_a_number_beyond_all_measure_is_refused_as_wrong_usage() -> None:
    with pytest.raises(UsageError):
        parse_id(f"rnn-tanh-T{'9' * 5000}-B3-I4-H5-f64-s0")


@given(st.text(alphabet="rntahelu-LTBIHsf0123469dobigz.\u0662", max_size=40))
def test_any_text_is_a_case_with_that_very_id_or_refused(text: str) -> None:
    try:
        case = parse_id(text)
    except UsageError:
        return
    assert case.id == text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1 and below 1,000,000,000; got 0."),
        ({"batch": 2.0}, "batch must be a whole number of at least 1 and below 1,000,000,000; got 2.0."),
        ({"layers": True}, "layers must be a whole number of at least 1 and below 1,000,000,000; got True."),
        ({"hidden_size": "5"}, "got '5'"),
        (
            {"seed": -1},
            "seed must be a whole number of at least 0 and below 1,000,000,000,000,000,000; got -1.",
        ),
        ({"nonlinearity": "gelu"}, "nonlinearity must be one of tanh, relu; got 'gelu'."),
        ({"dtype": "float64"}, "dtype must be one of f32, f64, f16, bf16; got 'float64'."),
        ({"layout": "bf"}, "layout must be one of"),
        ({"cotangents": "none"}, "cotangents must be one of"),
        ({"regime": "gain"}, "regime must be one of"),
        ({"regime": "gain-1"}, "regime must be one of"),
        ({"lengths": (7.0, 3, 1)}, "7.0"),
        ({"lengths": (7, True, 1)}, "True"),
        ({"lengths": [7, 3, 1]}, "[7, 3, 1]"),
        ({"regime": None}, "regime must be one of"),
        ({"dtype": "bf16", "output_size": 2}, "an output head is in f32 or f64; got O = 2 in bf16"),
        ({"layers": 2, "dropout": 0.3}, "dropout must be one of 0, 0.5, 0.75, 1"),
    ],
)
def test_a_case_refuses_values_that_no_id_could_say(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        replace(parse_id("rnn-tanh-T7-B3-I4-H5-f64-s0"), **changes)
    assert says in str(caught.value)


def test_a_case_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        parse_id(EXAMPLE).steps = 8  # type: ignore[misc]


# The data.

SAMPLE = (
    "rnn-tanh-L2-bi-T7-len7.3.1-B3-bf-I4-H5-f64-s0",
    "rnn-relu-T7-single-I4-H5-f32-zeros-s3",
    "rnn-tanh-T5-B3-I4-H16-noh0-dhn-f32-gain10-s0",
    "rnn-tanh-nobias-T5-B3-I4-H16-dout-f64-saturated-s0",
    "rnn-tanh-L3-drop0.75-T7-len7.3.1-B3-I4-H5-dstrided-f64-s0",
    "rnn-tanh-L2-T7-B3-I4-H5-dexpanded-f32-s0",
)


def arrays_of(problem: Problem) -> dict[str, np.ndarray]:
    names = ("x", "h_0", "d_output", "d_h_n", "lengths", "masks")
    named = {name: getattr(problem, name) for name in names}
    return {name: array for name, array in (named | dict(problem.weights)).items() if array is not None}


def fingerprint(text: str) -> str:
    digest = hashlib.sha256()
    for name, array in arrays_of(materialise(parse_id(text))).items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def test_the_data_are_the_same_in_every_process() -> None:
    here = [fingerprint(text) for text in SAMPLE]
    program = (
        f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r})\n"  # noqa: PTH120 - a line of a program
        "from test_case_ids_reproduce_cases import SAMPLE, fingerprint\n"
        "print(*[fingerprint(text) for text in reversed(SAMPLE)])\n"
    )
    for seed in ("0", "12345"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == here[::-1]


def test_the_data_depend_on_nothing_global() -> None:
    first = [fingerprint(text) for text in SAMPLE]
    np.random.seed(1)  # noqa: NPY002 - the very thing that must not matter
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    assert [fingerprint(text) for text in SAMPLE] == first
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002 - nor be touched


def test_the_data_of_a_known_case_have_not_changed() -> None:
    """Recorded: another value here means that every published id now stands for other data."""
    problem = materialise(parse_id(EXAMPLE))
    assert float(problem.x[0, 0, 0]).hex() == RECORDED["x"]
    assert float(problem.weights["weight_hh_l1_reverse"][4, 4]).hex() == RECORDED["weight_hh_l1_reverse"]


RECORDED = {"x": "-0x1.b56b65b746bb8p+0", "weight_hh_l1_reverse": "0x1.f9f757b98c4e8p-5"}


def test_every_part_of_the_id_draws_other_data() -> None:
    one = materialise(parse_id(EXAMPLE))
    for change in (
        {"seed": 1},
        {"dtype": "f32"},
        {"regime": "gain1"},
        {"h_0": False},
        {"nonlinearity": "relu"},
    ):
        other = materialise(replace(parse_id(EXAMPLE), **change))
        assert not np.array_equal(one.x, other.x.astype(np.float64))
        assert not np.allclose(one.x, other.x, atol=1e-3)  # not the same draws rounded, either


@pytest.mark.parametrize("text", SAMPLE)
def test_no_array_can_be_changed_and_all_have_the_precision_of_the_case(text: str) -> None:
    problem = materialise(parse_id(text))
    for name, array in arrays_of(problem).items():
        assert not array.flags.writeable, name
        assert array.dtype == problem.dtype or name in ("lengths", "masks")


def test_the_shapes_are_those_of_the_layout() -> None:
    shapes = {
        "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0": ((7, 3, 4), (4, 3, 5), (7, 3, 10)),
        "rnn-tanh-L2-bi-T7-B3-bf-I4-H5-f64-s0": ((3, 7, 4), (4, 3, 5), (3, 7, 10)),
        "rnn-tanh-L2-bi-T7-single-I4-H5-f64-s0": ((7, 4), (4, 5), (7, 10)),
    }
    for text, (x, state, output) in shapes.items():
        problem = materialise(parse_id(text))
        assert (problem.x.shape, problem.h_0.shape, problem.d_h_n.shape) == (x, state, state)
        assert problem.d_output.shape == output


def test_what_the_id_leaves_out_is_not_there() -> None:
    problem = materialise(parse_id("rnn-tanh-nobias-T7-B3-I4-H5-noh0-dout-f64-s0"))
    assert problem.h_0 is None
    assert problem.d_h_n is None
    assert not any("bias" in name for name in problem.weights)
    assert materialise(parse_id("rnn-tanh-T7-B3-I4-H5-dhn-f64-s0")).d_output is None


def test_nan_fills_the_padding_and_nothing_else() -> None:
    for text in (SAMPLE[0], SAMPLE[0].replace("-bf", "")):
        problem = materialise(parse_id(text))
        empty = np.isnan(problem.layout.time_major(problem.x))
        assert np.array_equal(empty, np.broadcast_to(~problem.active[:, :, np.newaxis], empty.shape))
        assert problem.active.sum(axis=0).tolist() == [7, 3, 1]


def test_the_data_are_not_degenerate() -> None:
    for case in SUITES["smoke"].cases():
        if not FORMATS[case.dtype].decides:
            continue  # in 16 bits some numbers come twice
        problem = materialise(case)
        expanded = ("d_output", "d_h_n") if case.cotangents == "expanded" else ()
        for name, array in arrays_of(problem).items():
            skipped = name in ("lengths", "masks", *expanded) or (name == "x" and case.regime == "ids")
            values = np.array([]) if skipped else array[np.isfinite(array)]
            distinct = np.unique(values[values != 0]).size
            assert distinct >= 0.99 * np.count_nonzero(values), (case.id, name)
        if case.bias and case.regime not in ("zeros", "negzero"):
            assert not np.any(problem.weights["bias_ih_l0"] == problem.weights["bias_hh_l0"])


# What the regimes promise.


def test_ids_are_one_hot_and_come_again() -> None:
    x = materialise(parse_id("rnn-tanh-T7-B3-I4-H5-f64-ids-s0")).x
    assert np.array_equal(np.sort(x, axis=-1), np.broadcast_to([0.0, 0.0, 0.0, 1.0], x.shape))
    assert any(len(np.unique(step, axis=0)) < 3 for step in x)


@pytest.mark.parametrize("gain", [0.5, 1, 2, 10])
def test_a_gain_is_about_the_spectral_radius_of_the_recurrent_weights(gain: float) -> None:
    """The largest of n eigenvalues lies beyond the circle by about √(log n / 4n): 6 % for n = 400; 15 % is allowed."""
    size = 400
    assert math.sqrt(math.log(size) / (4 * size)) < 0.15 / 2
    problem = materialise(parse_id(f"rnn-tanh-T1-B1-I4-H{size}-f64-gain{gain:g}-s0"))
    radius = np.abs(np.linalg.eigvals(problem.weights["weight_hh_l0"])).max()
    assert gain * 0.85 < radius < gain * 1.15


def test_default_weights_lie_within_torchs_own_range_and_fill_it() -> None:
    problem = materialise(parse_id("rnn-tanh-T1-B1-I20-H25-f64-s0"))
    for name, w in problem.weights.items():
        assert np.abs(w).max() <= 1 / math.sqrt(25), name
        assert np.abs(w).max() > 0.8 / math.sqrt(25), name


def test_most_saturated_states_are_those_of_a_pre_activation_beyond_ten() -> None:
    for dtype in ("f32", "f64"):
        run = planting.judged(parse_id(f"rnn-tanh-T20-B3-I4-H16-{dtype}-saturated-s0"), "torch")
        beyond = np.tanh(run.problem.dtype.type(10))
        assert np.mean(np.abs(run.observation.output) >= beyond) > 0.5
    assert (
        run.problem.dtype.type(1) - beyond < 5e-9
    )  # 1 − tanh(10) = 4.1e-9, less than float32 can tell from 1


def test_tiny_states_are_nearly_linear() -> None:
    run = planting.judged(parse_id("rnn-tanh-L2-bi-T20-B3-I4-H16-f64-tiny-s0"), "torch")
    for h in run.observation.hidden.values():
        assert 0 < np.abs(h).max() < 0.01


def test_zeros_has_a_unit_whose_pre_activation_is_exactly_zero_and_torch_passes_no_gradient_through_it() -> (
    None
):
    run = planting.judged(parse_id("rnn-relu-L2-bi-T5-B3-I4-H16-f32-zeros-s0"), "torch")
    for place in run.problem.places:
        w = run.problem.weights_at(place)
        assert all(not array[0].any() for array in w.values())
        assert not run.observation.hidden[place][..., 0].any()
        assert run.observation.d_hidden[place][..., 0].any()
        assert not run.observation.d_pre[place][..., 0].any()
        assert run.observation.hidden[place][..., 1:].any()


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_subnormal_states_are_smaller_than_any_normal_number(dtype: str) -> None:
    run = planting.judged(parse_id(f"rnn-tanh-L2-bi-T20-B3-I4-H16-{dtype}-subnormal-s0"), "torch")
    for h in run.observation.hidden.values():
        assert 0 < np.abs(h).max() < np.finfo(h.dtype).smallest_normal
    assert np.abs(run.problem.weights["weight_hh_l0"]).max() > 0.1


def test_negative_zeros_stand_in_x_and_h_0_and_reach_a_unit_at_its_kink() -> None:
    problem = materialise(parse_id("rnn-relu-T7-B3-I4-H5-f64-negzero-s0"))
    for values in (problem.x, problem.h_0):
        zeros = values == 0
        assert zeros.mean() == pytest.approx(0.5, abs=0.1)
        assert np.signbit(values[zeros]).all()
    assert not problem.weights["weight_ih_l0"][0].any()


@pytest.mark.parametrize("regime", ["nan", "inf"])
@pytest.mark.parametrize("lengths", ["", "-len2.7.5"])
def test_a_special_value_stands_at_one_step_of_the_first_sample(regime: str, lengths: str) -> None:
    problem = materialise(parse_id(f"rnn-tanh-T7{lengths}-B3-bf-I4-H5-f64-{regime}-s0"))
    special = ~np.isfinite(problem.layout.time_major(problem.x)) & problem.active[:, :, np.newaxis]
    (place,) = np.argwhere(special)
    assert place.tolist() == [1 if lengths else 3, 0, 0]
