"""A case id alone reproduces its case and its data, anywhere, any time; and each case has just one."""

from dataclasses import FrozenInstanceError, replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import SUITES, Case, UsageError, parse_id
from conformance.cases import FORMATS, identifier
from conformance.cases.case import DROPOUT, OF_C, POISONED, REGIMES, Cell, Cotangents, Dtype

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
    cell = draw(st.sampled_from(get_args(Cell))) if FORMATS[dtype].decides else "rnn"
    hidden_size, h_0, long = draw(size), draw(st.booleans()), cell == "lstm"
    cotangents = draw(st.sampled_from([c for c in get_args(Cotangents) if long or c != "c_n"]))
    c_0 = draw(st.booleans()) if long and h_0 else True
    bias = draw(st.booleans())
    lacking = {"bias_ih", "bias_hh"} if not bias else set[str]()
    lacking |= {"h_0"} if not h_0 else set()
    lacking |= {"d_output"} if cotangents in ("h_n", "c_n") else set()
    lacking |= {"d_h_n"} if cotangents in ("output", "last", "c_n") else set()
    regimes = [r for r in REGIMES if r not in OF_C or (long and h_0 and c_0)]
    regimes = [r for r in regimes if r not in POISONED or POISONED[r][1] not in lacking]
    return Case(
        cell=cell,
        nonlinearity=draw(st.sampled_from(["tanh", "relu"])) if cell == "rnn" else "tanh",
        proj_size=draw(st.integers(0, hidden_size - 1)) if long else 0,
        c_0=c_0,
        layers=layers,
        dropout=dropout,
        evaluation=dropout > 0 and draw(st.booleans()),
        bidirectional=draw(st.booleans()),
        bias=bias,
        steps=steps,
        lengths=lengths,
        batch=batch,
        layout=layout,
        input_size=draw(size),
        hidden_size=hidden_size,
        output_size=0 if headless else draw(st.integers(0, 9)),
        h_0=h_0,
        cotangents=cotangents,
        dtype=dtype,
        regime=draw(st.sampled_from(regimes) | gains),
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
    "": ("expected rnn|lstm|gru, got ''",),
    "gru-tanh-T7-B3-I4-H5-f64-s0": ("expected T<steps>, got 'tanh'",),
    "gru-T7-B3-I4-H5-proj2-f64-s0": ("expected f32|f64|f16|bf16, got 'proj2'",),
    "gru-T7-B3-I4-H5-noc0-f64-s0": ("expected f32|f64|f16|bf16, got 'noc0'",),
    "peephole-T7-B3-I4-H5-f64-s0": ("expected rnn|lstm|gru, got 'peephole'",),
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
    " rnn-tanh-T7-B3-I4-H5-f64-s0": ("expected rnn|lstm|gru, got ' rnn'",),
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
        (
            "rnn-tanh-T7-len8.3.1-B3-I4-H5-f64-s0",
            "from 1 to T = 7 for each of the B = 3 samples; got (8, 3, 1)",
        ),
        ("rnn-tanh-T7-len8.3.1-B3-I4-H5-f64-s0", "got (8, 3, 1)"),
        ("rnn-tanh-T7-B3-I4-H5-f64-gain0-s0", "got 'gain0'"),
        ("rnn-tanh-drop0.5-T7-B3-I4-H5-f64-s0", "0 in a network of one layer; got 0.5 with 1 layers"),
        ("rnn-tanh-L2-eval-T7-B3-I4-H5-f64-s0", "only with dropout"),
        ("rnn-tanh-T7-B3-I4-H5-f64-gain2.0-s0", "got 'gain2.0'"),
        ("rnn-tanh-T7-B3-I4-H5-f64-gain02-s0", "got 'gain02'"),
        ("gru-T7-B3-I4-H5-dcn-f64-s0", "for an lstm only; got gru"),
        ("lstm-T7-B3-I4-H5-noh0-noc0-f64-s0", "Without h_0 a case has no c_0 either"),
        (
            "lstm-T7-B3-I4-H5-proj5-f64-s0",
            "proj_size must be a whole number of at least 0 and below 5; got 5",
        ),
        ("lstm-T7-B3-I4-H5-bf16-s0", "for an rnn only; got lstm with tanh in bf16"),
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
        ({"layers": 2, "dropout": 0.4}, "dropout must be one of 0, 0.3, 0.5, 0.75, 1"),
    ],
)
def test_a_case_refuses_values_that_no_id_could_say(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        replace(parse_id("rnn-tanh-T7-B3-I4-H5-f64-s0"), **changes)
    assert says in str(caught.value)


def test_a_case_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        parse_id(EXAMPLE).steps = 8  # type: ignore[misc]
