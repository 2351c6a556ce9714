"""The standard suite asks about the sizes, values and layouts at which kernels go wrong; right programs pass there."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from conformance import SUITES, Case, Observation, Problem, examine, load_subject, parse_id
from conformance.cases import crossings, kernels, materialise
from conformance.cases.case import ARRAYS, POISONED
from conformance.errors import UsageError
from refrnn import Array

SMOKE, STANDARD = SUITES["smoke"].cases(), SUITES["standard"].cases()


@dataclass
class Wrong:
    """The reference's results, wrong on some problems only: there every gradient of a parameter is halved."""

    where: Callable[[Problem], bool]
    name: str = "wrong-somewhere"
    description: str = "wrong under one condition"

    def run(self, problem: Problem) -> Observation:
        shown = load_subject("reference").run(problem)
        halved = {name: gradient / 2 for name, gradient in shown.parameters.items()}
        return replace(shown, parameters=halved) if self.where(problem) else shown


def poisons(*names: str) -> Callable[[Problem], bool]:
    return lambda problem: any(
        (array := getattr(problem, name)) is not None and not np.isfinite(array).all() for name in names
    )


CONDITIONS: dict[str, Callable[[Problem], bool]] = {
    "H above 64": lambda p: p.case.hidden_size > 64,
    "H of 512": lambda p: p.case.hidden_size == 512,
    "I above 40": lambda p: p.case.input_size > 40,
    "a fourth layer": lambda p: p.case.layers > 3,
    "a fifth layer": lambda p: p.case.layers > 4,
    "B above 64": lambda p: p.case.batch > 64,
    "B above 130": lambda p: p.case.batch > 130,
    "B above 64 with lengths": lambda p: p.case.batch > 64 and p.lengths is not None,
    "T above 1,000": lambda p: p.case.steps > 1000,
    "T of a chunk and a step": lambda p: p.case.steps == 33,
    "weights in another order": lambda p: not p.weights["weight_hh_l0"].flags.c_contiguous,
    "x in another order": lambda p: not p.x.flags.c_contiguous,
    "h_0 in another order": lambda p: p.h_0 is not None and not p.h_0.flags.c_contiguous,
    "large weights": lambda p: bool(np.abs(p.weights["weight_hh_l0"]).max() > 300),
    "padding behind all samples": lambda p: p.lengths is not None and p.lengths.max() < p.case.steps,
    "a head on two directions": lambda p: p.head is not None and p.case.bidirectional,
    "a head without h_0": lambda p: p.head is not None and p.h_0 is None,
    "a head without biases": lambda p: p.head is not None and not p.case.bias,
    "a head and T above 7": lambda p: p.head is not None and p.case.steps > 7,
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_fault_under_one_condition_is_caught_by_the_standard_suite_in_both_precisions(
    condition: str,
) -> None:
    wrong = Wrong(CONDITIONS[condition])
    for dtype in ("f64", "f32"):
        met = (
            case
            for case in STANDARD
            if case.dtype == dtype and case.cell == "rnn" and _meets(case, condition)
        )
        assert any(examine(case, wrong).verdict == "differs" for case in met), dtype


GATED: dict[str, Callable[[Problem], bool]] = {
    "H above 64": lambda p: p.case.hidden_size > 64,
    "I above 128": lambda p: p.case.input_size > 128,
    "I of 1": lambda p: p.case.input_size == 1,
    "B above 64": lambda p: p.case.batch > 64,
    "T of a chunk and a step": lambda p: p.case.steps == 33,
    "padding behind all samples": CONDITIONS["padding behind all samples"],
    "an infinity in W_hh": lambda p: bool(np.isinf(p.weights["weight_hh_l0"]).any()),
    "more values than 16 bits count": lambda p: p.case.steps * p.case.batch * p.case.hidden_size > 1 << 16,
    "more samples than 16 bits count with a sign": lambda p: p.case.batch >= 1 << 15,
}


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("condition", GATED)
def test_a_fault_under_one_condition_is_caught_in_gated_cells_too(condition: str, cell: str) -> None:
    wrong = Wrong(GATED[condition])
    met = (case for case in STANDARD if case.cell == cell and wrong.where(problem(case)))
    assert any(examine(case, wrong).verdict == "differs" for case in met)


@dataclass
class MultipliedPadding:
    """The reference, but what the loss sends to the padding is multiplied with 0, not left out."""

    name: str = "multiplied-padding"
    description: str = "0 · NaN in the padding reaches every gradient of its sample"

    def run(self, problem: Problem) -> Observation:
        shown = load_subject("reference").run(problem)
        if problem.d_output is None or problem.lengths is None:
            return shown
        seen = problem.layout.time_major(problem.d_output)
        product = np.where(problem.active[..., np.newaxis], 0, seen * 0).sum(axis=(0, 2))  # (B,), 0 or NaN
        d_x = problem.layout.time_major(shown.d_x) + product[:, np.newaxis]
        return replace(shown, d_x=problem.layout.restored(d_x))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_padding_of_a_cotangent_that_is_read_is_found_out(cell: str) -> None:
    wrong = MultipliedPadding()
    met = [
        case
        for case in STANDARD
        if case.cell == cell and case.regime in ("nandout", "infdout") and case.lengths
    ]
    assert any(examine(case, wrong).verdict == "differs" for case in met)
    padded = replace(met[0], regime="default")
    assert examine(padded, wrong).verdict == "agrees"


problem = cache(materialise)


def _meets(case: Case, condition: str) -> bool:
    return CONDITIONS[condition](problem(case))


@pytest.mark.parametrize(
    "condition", ["H above 64", "I above 40", "a fourth layer", "weights in another order", "large weights"]
)
def test_the_smoke_suite_asks_about_the_most_frequent_of_them(condition: str) -> None:
    assert any(_meets(case, condition) for case in SMOKE)


def test_sizes_stand_on_both_sides_of_every_place_where_kernels_change_path() -> None:
    cases = list(kernels.thresholds())
    for dtype in ("f64", "f32"):
        own = [case for case in cases if case.dtype == dtype]
        assert {case.hidden_size for case in own} >= set(kernels.WIDTHS)
        assert {case.input_size for case in own} >= set(kernels.WIDTHS)
        assert {case.batch for case in own} >= set(kernels.BATCHES)
        assert {case.steps for case in own} >= set(kernels.LENGTHS)


@pytest.mark.parametrize("regime", POISONED)
def test_one_number_of_one_array_is_not_finite(regime: str) -> None:
    case = parse_id(f"rnn-tanh-L2-bi-T7-len7.3.5-B3-I4-H5-f64-{regime}-s0")
    given = materialise(case)
    arrays = {"h_0": given.h_0, "d_output": given.d_output, "d_h_n": given.d_h_n, "x": given.x}
    arrays |= dict(given.weights)
    bad = {name: spoilt(given, name, array) for name, array in arrays.items()}
    name = POISONED[regime][1]
    assert {key: n for key, n in bad.items() if n} == {name if name in arrays else f"{name}_l0": 1}
    assert regime in {case.regime for case in STANDARD}


def spoilt(problem: Problem, name: str, array: Array) -> int:
    """Count what isn't finite outside the padding of x."""
    sequence = name in ("x", "d_output")
    values = problem.layout.time_major(array)[problem.active] if sequence else array
    return int((~np.isfinite(values)).sum())


@pytest.mark.parametrize("subject", ["torch", "torch-steps", "reference"])
@pytest.mark.parametrize("crossing", [kernels.poisoned, kernels.uneven, kernels.gated])
def test_right_programs_agree_where_values_have_rules_of_their_own(
    crossing: Callable[[], list[Case]], subject: str
) -> None:
    for case in crossing():
        assert examine(case, load_subject(subject)).verdict == "agrees", case.id


def test_a_regime_of_an_array_that_is_not_given_is_refused() -> None:
    whole = parse_id("rnn-tanh-T7-B3-I4-H5-f64-s0")
    missing = {
        "nanh0": {"h_0": False},
        "infbih": {"bias": False},
        "nanbhh": {"bias": False},
        "infdout": {"cotangents": "h_n"},
        "nandhn": {"cotangents": "last"},
    }
    assert {regime[3:] for regime in missing} == set(ARRAYS) - {"wih", "whh"}
    for regime, change in missing.items():
        with pytest.raises(UsageError, match=regime):
            replace(whole, regime=regime, **change)


@pytest.mark.parametrize("case", list(crossings.half()), ids=str)
def test_every_case_in_16_bits_is_decided(case: Case) -> None:
    assert examine(case, load_subject("reference")).verdict == "agrees"
