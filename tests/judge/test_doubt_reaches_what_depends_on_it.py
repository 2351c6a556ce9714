"""Where noise is large, and in all that depends on what is lost in it, black boxes are neither accused nor cleared."""

import math
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest

from conformance.cases import FORMATS, Problem, materialise, parse_id
from conformance.judge import Precision, end_to_end, results
from conformance.judge.end_to_end import (
    MEANINGLESS,
    THRESHOLD,
    Allowance,
    allowances,
    compared,
    end_to_end_check,
    greatest_noise,
    may_overflow,
)
from conformance.judge.noise import Noise, noises
from conformance.subjects.observation import Observation
from conformance.subjects.reference import observe

ONE = materialise(parse_id("rnn-tanh-T5-B2-I4-H3-O2-f64-s0"))
BOTH = materialise(parse_id("rnn-tanh-bi-T5-B2-I4-H3-f64-s0"))
AMOUNT = 2.0**-20
"""Noise of every result, a small part of it even at THRESHOLD units."""

LARGE = math.nextafter(MEANINGLESS, 1)


def noise_beside(problem: Problem, **relative: tuple[object, float]) -> dict[str, Noise]:
    """Return noise of every result, small but where `relative` says otherwise: (index, size) by name."""
    found: dict[str, Noise] = {}
    for name, result in results(problem, observe(problem, np.float64)).items():
        size = np.full(result.value.shape, MEANINGLESS)
        for start, (index, large) in relative.items():
            if name.startswith(start):
                size[index] = large
        found[name] = Noise(value=np.full(result.value.shape, AMOUNT), relative=size)
    return found


def allowed(problem: Problem, **relative: tuple[object, float]) -> dict[str, Allowance]:
    with mock.patch.object(end_to_end, "noise_of", return_value=noise_beside(problem, **relative)):
        return allowances(problem, observe(problem, np.float64))


@pytest.mark.parametrize("problem", [ONE, BOTH], ids=["one direction", "both"])
def test_nothing_is_in_doubt_where_noise_is_small(problem: Problem) -> None:
    for allowance in allowed(problem).values():
        assert not allowance.doubtful.any()
        assert allowance.relative == MEANINGLESS
        assert (allowance.bound == THRESHOLD * AMOUNT).all()


@pytest.mark.parametrize("size", [LARGE, math.inf, math.nan])
def test_a_step_that_is_lost_takes_all_that_follows_it_with_it(size: float) -> None:
    one = allowed(ONE, output=((2, 1, 0), size))
    assert one["output"].doubtful.all(axis=(1, 2)).tolist() == [False, False, True, True, True]
    assert not one["output"].doubtful[:2].any()
    assert all(a.doubtful.all() for name, a in one.items() if name != "output")
    both = allowed(BOTH, output=((2, 1, 0), size))
    assert all(a.doubtful.all() for a in both.values())


@pytest.mark.parametrize("size", [LARGE, math.inf, math.nan])
def test_a_lost_final_state_leaves_the_steps_before_it(size: float) -> None:
    one = allowed(ONE, h_n=((0, 1), size))
    assert one["output"].doubtful.all(axis=(1, 2)).tolist() == [False] * 4 + [True]
    assert not one["output"].doubtful[:4].any()
    assert all(a.doubtful.all() for name, a in one.items() if name != "output")
    assert all(a.doubtful.all() for a in allowed(BOTH, h_n=((0, 1), size)).values())


@pytest.mark.parametrize("problem", [ONE, BOTH], ids=["one direction", "both"])
def test_doubt_is_told_by_step(problem: Problem) -> None:
    lost = {name: noise.relative > MEANINGLESS for name, noise in noise_beside(problem).items()}
    assert end_to_end._inherited_doubt(problem, lost).shape == (5, 1, 1)


def test_a_lost_gradient_is_in_doubt_alone() -> None:
    found = allowed(ONE, weight_ih=((1, 2), LARGE))
    doubtful = found.pop("weight_ih_l0").doubtful
    assert doubtful[1, 2]
    assert doubtful.sum() == 1
    assert not any(a.doubtful.any() for a in found.values())


def test_rows_that_are_not_all_numbers_have_no_small_noise() -> None:
    for exact, replay in (
        (math.inf, math.inf),
        (math.inf, 1.0),
        (1.0, math.inf),
        (math.nan, 1.0),
        (1.0, math.nan),
    ):
        true = np.array([[[exact, 1.0], [1.0, 1.0]]])
        replays = np.stack([np.array([[[replay, 1.0], [1.0, 1.0]]]), np.ones((1, 2, 2))])
        with np.errstate(all="ignore"):
            (noise,) = noises(replays, true, (1,), 2.0**-53, 0.0)
        assert end_to_end._is_large(noise, FORMATS["f64"]).tolist() == [[True, True], [False, False]]


def test_the_greatest_noise_is_that_of_the_noisiest_result_and_infinite_where_it_is_no_number() -> None:
    found = allowed(ONE, h_n=((0, 0), 0.5), weight_hh=((0, 0), 0.25))
    assert greatest_noise(found) == 0.5
    assert greatest_noise(allowed(ONE, h_n=((0, 0), math.nan))) == math.inf
    assert greatest_noise({}) == 0


# Overflow on the way.


def test_a_sum_may_overflow_from_a_quarter_of_the_largest_number_on() -> None:
    single = Precision.of(FORMATS["f32"])
    weights = {name: np.zeros_like(w) for name, w in ONE.weights.items()}
    weights["weight_hh_l0"] = np.full((3, 3), -1 / 3)  # a growth of 3
    problem = replace(ONE, weights=weights)
    edge = single.largest / 16
    shown = {
        "hidden": lambda v: Observation(hidden={(0, 0): v}),
        "d_hidden": lambda v: Observation(d_hidden={(0, 0): v}),
        "step_parameters": lambda v: Observation(step_parameters={"weight_ih_l0": v}),
        "parameters": lambda v: Observation(parameters={"weight_ih_l0": v}),
        "d_x": lambda v: Observation(d_x=v),
        "d_h_0": lambda v: Observation(d_h_0=v),
    }
    for name, observation in shown.items():
        for value, overflows in (
            (edge, True),
            (-edge, True),
            (edge * (1 - 2.0**-20), False),
            (math.nan, True),
        ):
            values = np.array([0.0, value, 1.0])
            assert may_overflow(problem, observation(values), single) is overflows, (name, value)
    assert not may_overflow(problem, Observation(), single)
    heavy = replace(problem, weights={"weight_hh_l0": np.full((3, 3), single.largest)})
    assert not may_overflow(heavy, Observation(d_x=np.zeros(2)), single)


def test_nothing_is_decided_where_a_correct_program_may_overflow() -> None:
    with mock.patch.object(end_to_end, "may_overflow", return_value=True):
        assert all(a.doubtful.all() for a in allowed(ONE).values())


# What is judged, and what is left to the local check.


def test_a_result_that_the_local_check_decided_is_left_to_it_where_this_one_cannot_decide() -> None:
    exact = observe(ONE, np.float64)
    found = allowed(ONE, weight_ih=((1, 2), LARGE), weight_hh=((0, 0), LARGE))
    verdicts = {
        f.comparison.quantity: f.verdict
        for f in end_to_end_check(ONE, exact, exact, found, {"weight_ih_l0", "h_n (0, 0)"})
    }
    assert verdicts["dL/dW_hh"] == "undecidable"
    assert "dL/dW_ih" not in verdicts
    assert verdicts["h_n"] == verdicts["dL/db_ih"] == "agrees"
    assert len(verdicts) == len(found) - 1


def test_a_result_is_compared_in_units_of_its_noise_under_its_own_name() -> None:
    exact = observe(BOTH, np.float64)
    found = allowed(BOTH)
    wrong = replace(
        exact, h_n=exact.h_n + np.array([0.0, THRESHOLD * AMOUNT * 1.5])[:, np.newaxis, np.newaxis]
    )
    findings = end_to_end_check(BOTH, wrong, exact, found, ())
    (first,) = [f for f in findings if f.verdict == "differs"]
    assert (first.comparison.quantity, first.comparison.layer, first.comparison.direction) == ("h_n", 0, 1)
    assert first.comparison.scale == "noise"
    assert first.comparison.axes == ("row", "unit")
    assert first.comparison.phase == "forward"
    assert first.worst_share == pytest.approx(1.5)
    whole = next(f.comparison for f in findings if f.comparison.quantity == "dL/dx")
    assert (whole.layer, whole.direction, whole.phase, whole.axes) == (
        None,
        None,
        "backward",
        ("t", "row", "input"),
    )
    single = replace(exact, d_x=exact.d_x.astype(np.float32))
    compared = next(
        f for f in end_to_end_check(BOTH, single, exact, found, ()) if f.comparison.quantity == "dL/dx"
    )
    assert compared.comparison.got.dtype == compared.comparison.expected.dtype == np.float64


def test_a_comparison_under_a_law_tells_the_law() -> None:
    name, result = next(iter(results(ONE, observe(ONE, np.float64)).items()))
    allowance = allowed(ONE)[name]
    law = compared(result, result.value, result.value, allowance, relation="a law", scale="copy")
    assert (law.relation, law.scale) == ("a law", "copy")
    plain = compared(result, result.value, result.value, allowance)
    assert (plain.relation, plain.scale) == ("", "noise")


def test_nothing_is_allowed_in_padding_and_noise_everywhere_else() -> None:
    problem = materialise(parse_id("rnn-tanh-T4-len2.4-B2-I3-H3-f64-s0"))
    allowed = allowances(problem, observe(problem, np.float64))
    for name in ("output", "dL/dx"):
        bound = np.broadcast_to(allowed[name].bound, (4, 2, 3))
        assert (bound[problem.active] > 0).all()
        assert not bound[~problem.active].any()
    others = [allowance.bound for name, allowance in allowed.items() if name not in ("output", "dL/dx")]
    assert others
    assert all((bound > 0).all() for bound in others)
