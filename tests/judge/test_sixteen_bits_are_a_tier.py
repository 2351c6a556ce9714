"""float16 and bfloat16: the same bits for everyone, bounds of their own, and a say only where something differs."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from conformance import examine, load_subject, parse_id
from conformance.cases import FORMATS, materialise
from conformance.faults import Mutant, load_fault
from conformance.judge import Precision
from conformance.record.agreement import ALL, totals
from conformance.record.summary import EXIT_CONFORMS, EXIT_DISCREPANCY, EXIT_INCONCLUSIVE, exit_code
from conformance.runs.evidence import SCALES
from conformance.subjects.torch_modules import whole_module

BITS16 = ("f16", "bf16")
CASE = "rnn-tanh-L2-bi-T7-B3-I4-H5-{}-s0"
SUBJECTS = (
    "torch",
    "torch-steps",
    "torch-packed",
    "torch-functional",
    "torch-cells",
    "torch-double",
    "reference",
)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_torch_s(name):
    found, theirs = FORMATS[name], torch.finfo(getattr(torch, FORMATS[name].name))
    assert (2 * found.u, found.smallest_normal, found.largest) == (theirs.eps, theirs.tiny, theirs.max)
    assert found.eta == theirs.smallest_normal * theirs.eps


@pytest.mark.parametrize("name", FORMATS)
def test_numbers_are_rounded_as_torch_rounds_them(name):
    rng, found = np.random.default_rng(0), FORMATS[name]
    values = rng.uniform(-2, 2, 20_000) * 2.0 ** rng.uniform(-160, 126, 20_000)
    half_ways = (1 + found.u * np.arange(1, 9)) * found.smallest_normal
    edges = found.largest * np.array([1, 0.5, -0.9])
    if name != "f64":  # where there is anything between the largest number and infinity
        edges = np.append(edges, found.largest * np.array([1 + found.u / 2, 1 + found.u, -1 - 2 * found.u]))
    tiny = found.eta * np.array([0.25, 0.5, 0.75, 1, 1.5, 2.5])
    values = np.concatenate([values, half_ways, edges, tiny, [0.0, -0.0, np.inf, -np.inf, np.nan]])
    if name in BITS16:
        with np.errstate(over="ignore"):
            values = values.astype(np.float32).astype(
                np.float64
            )  # torch rounds float64 twice, by way of float32
    expected = torch.tensor(values).to(getattr(torch, found.name)).double().numpy()
    rounded = found.rounded(values)
    assert rounded.dtype == found.held
    np.testing.assert_array_equal(rounded, expected)
    assert np.array_equal(np.signbit(rounded[values == 0]), np.signbit(values[values == 0]))


@pytest.mark.parametrize("name", ["f32", "f64"])
def test_spacing_is_numpy_s(name):
    found = FORMATS[name]
    sizes = np.random.default_rng(1).uniform(0, 2, 1000) * 2.0 ** np.random.default_rng(2).uniform(
        -160, 120, 1000
    )
    sizes = found.rounded(np.concatenate([sizes, [0.0, 1.0, 2.0, found.eta, found.smallest_normal]]))
    sizes = sizes[sizes < found.largest / 2]
    assert np.array_equal(found.spacing(sizes.astype(float)), np.spacing(sizes).astype(float))


@pytest.mark.parametrize("dtype", BITS16)
def test_torch_gets_the_same_bits_and_computes_in_them(dtype):
    problem = materialise(parse_id(CASE.format(dtype)))
    wanted = getattr(torch, FORMATS[dtype].name)
    rnn = whole_module(problem)
    for name, parameter in rnn.named_parameters():
        assert parameter.dtype == wanted
        assert np.array_equal(parameter.detach().double().numpy(), problem.weights[name])
    shown = load_subject("torch").run(problem)
    for array in (shown.output, shown.d_x, *shown.parameters.values(), *shown.d_hidden.values()):
        assert np.array_equal(torch.tensor(array).to(wanted).float().numpy(), array)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("dtype", BITS16)
@pytest.mark.parametrize("case", [CASE, "rnn-relu-L2-drop0.5-T7-len3.7.5-B3-bf-I4-H5-noh0-{}-gain1-s0"])
def test_what_shows_its_steps_agrees(case, dtype, subject):
    assert examine(parse_id(case.format(dtype)), load_subject(subject)).verdict == "agrees"


@pytest.mark.parametrize("dtype", BITS16)
@pytest.mark.parametrize(
    "fault", ["tanh-prime-of-activated", "carry-not-transposed", "divided-by-batch", "h-t-for-h-previous"]
)
def test_a_real_difference_is_named(fault, dtype):
    record = examine(parse_id(CASE.format(dtype)), Mutant(load_fault(fault), inner_steps=True))
    assert record.verdict == "differs"


class TwoRoundingsOff:
    """torch, with one state off by twice what one rounding of a sum near it may be."""

    name, description = "off", "wrong on purpose"

    def run(self, problem):
        shown = load_subject("torch").run(problem)
        hidden = {place: array.copy() for place, array in shown.hidden.items()}
        hidden[1, 0][3, 1, 2] += 32 * problem.format.u
        return replace(shown, hidden=hidden)


@pytest.mark.parametrize("dtype", BITS16)
def test_a_single_wrong_state_is_named_where_it_is(dtype):
    record = examine(parse_id(CASE.format(dtype)), TwoRoundingsOff())
    assert record.verdict == "differs"
    assert "layer 1 forward, t = 3, row 1, unit 2" in record.first_divergence.where


def test_products_are_summed_in_float32_and_rounded_where_they_are_stored():
    """A sum of 4,096 ones would stand still at 256 in bfloat16 arithmetic, and at 2,048 in float16."""
    for dtype in (torch.bfloat16, torch.float16):
        ones = torch.ones(1, 4096, dtype=dtype)
        assert (ones @ ones.T).item() == ones.sum().item() == 4096


@pytest.mark.parametrize("dtype", BITS16)
def test_a_bound_counts_the_stored_sums_and_float32_s_roundings(dtype):
    precision = Precision.of(FORMATS[dtype])
    single = Precision.of(FORMATS["f32"])
    one = np.array(1.0)
    wide = single.of_sum(50, one) - 50 * single.eta
    expected = (1 + wide) * (1 + 3 * precision.u / (1 - 3 * precision.u)) - 1 + 50 * precision.eta
    assert precision.of_sum(50, one, stored=3) == pytest.approx(expected, rel=1e-12)
    assert single.of_sum(50, one, stored=3) == single.of_sum(50, one, stored=7)
    assert np.isposinf(precision.of_sum(5, one, stored=3000))


def test_added_rounds_after_every_step():
    ones = np.ones((600, 1), np.float32)
    assert Precision.of(FORMATS["bf16"]).added(ones) == 256
    assert Precision.of(FORMATS["f16"]).added(ones) == 600
    assert Precision.of(FORMATS["f32"]).added(ones) == 600


def code(*pairs):
    """Return the exit code of a run with these cases and subjects."""
    records = [examine(parse_id(CASE.format(dtype)), subject) for dtype, subject in pairs]
    return exit_code(SimpleNamespace(complete=True, cases=records, rulings=[]))


def test_what_they_leave_open_keeps_nothing_in_suspense_but_a_discrepancy_counts():
    right, black_box = load_subject("torch"), load_subject("torch-results")
    assert examine(parse_id(CASE.format("bf16")), black_box).verdict == "undecidable"
    assert code(("f64", right), ("bf16", black_box)) == EXIT_CONFORMS
    assert code(("bf16", black_box)) == EXIT_INCONCLUSIVE
    assert code(("f16", right)) == EXIT_CONFORMS
    assert code(("f64", right), ("bf16", TwoRoundingsOff())) == EXIT_DISCREPANCY


def test_reports_keep_them_apart():
    records = [examine(parse_id(CASE.format(dtype)), load_subject("torch")) for dtype in ("f64", *BITS16)]
    rows = totals(SimpleNamespace(cases=records, subjects=["torch"], scales=SCALES, totals=None)).agreements
    assert {(row.dtype, row.group) for row in rows} - {(dtype, ALL) for dtype in FORMATS} == {
        ("f64", "options"),
        ("f16", "16 bits"),
        ("bf16", "16 bits"),
    }
