"""The judge's bounds, number for number, as docs/derivations.md writes them; computed here in exact arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
from oracles.local_check import sums

from conformance.cases import FORMATS, materialise, parse_id
from conformance.judge import Precision, local_check
from conformance.judge import elman_bounds as bounds
from conformance.judge.flow import Flow, gradient_sum, magnitude
from conformance.judge.rounding import _gamma
from conformance.subjects import load_subject

U = {
    "f64": Fraction(2) ** -53,
    "f32": Fraction(2) ** -24,
    "f16": Fraction(2) ** -11,
    "bf16": Fraction(2) ** -8,
}
ETA = {"f64": 2.0**-1074, "f32": 2.0**-149, "f16": 2.0**-24, "bf16": 2.0**-133}
RECOMPUTED = Fraction(2) ** -53
ROUNDINGS = 20 * float(RECOMPUTED)
"""Relative: what evaluating one of these formulas in float64 may cost; where 1 is subtracted, of that 1."""


def gamma(n: int, u: Fraction) -> Fraction:
    return n * u / (1 - n * u)


def of_sum(name: str, n: int, terms: float, stored: int) -> float:
    u = U[name] + RECOMPUTED
    factor = gamma(n, u)
    if name in ("f16", "bf16"):  # summed in float32, rounded where stored
        factor = (1 + gamma(n, U["f32"] + RECOMPUTED)) * (1 + gamma(stored, u)) - 1
    return float(factor * Fraction(terms)) + n * ETA[name]


def close(found: np.ndarray, expected: list[float], name: str) -> None:
    one = ROUNDINGS * 4 if name in ("f16", "bf16") else 0  # times terms of at most 4
    np.testing.assert_allclose(found, expected, rtol=ROUNDINGS, atol=one)


@pytest.mark.parametrize("name", U)
def test_sums(name: str) -> None:
    p, terms = Precision.of(FORMATS[name]), np.array([0.0, 0.75, 3.0])
    close(p.of_sum(5, terms), [of_sum(name, 5, t, 1) for t in terms], name)
    close(p.of_sum(9, terms, stored=4), [of_sum(name, 9, t, 4) for t in terms], name)
    close(bounds.pre_activation(p, terms, fan_in=7), [of_sum(name, 10, t, 3) for t in terms], name)
    flow = Flow(value=np.zeros(3), terms=terms, inherited=np.array([0.5, 0.25, 0.0]))
    expected = [of_sum(name, 8, t + e, 2) + e for t, e in zip(terms, flow.inherited, strict=True)]
    close(gradient_sum(p, flow, products=6, addends=2, stored=2), expected, name)
    close(gradient_sum(p, flow, products=8, stored=2), expected, name)


def test_sums_of_as_many_terms_as_a_unit_has_parts_have_no_bound() -> None:
    p, terms = Precision.of(FORMATS["f32"]), np.ones(2)
    assert np.isinf(p.of_sum(2**24, terms)).all()
    assert np.isfinite(p.of_sum(2**24 - 1, terms)).all()
    assert _gamma(2**24, 2.0**-24) == math.inf
    sixteen = Precision.of(FORMATS["bf16"])
    assert np.isinf(sixteen.of_sum(1, terms, stored=2**8)).all()
    assert np.isfinite(sixteen.of_sum(1, terms, stored=2**7)).all()


@pytest.mark.parametrize("name", U)
def test_states(name: str) -> None:
    p = Precision.of(FORMATS[name])
    a, epsilon = np.array([0.5, -0.25, 0.125, 1.5]), np.array([0.25, 0.125, 0.5, 0.0])
    nearest = np.maximum(np.abs(a) - epsilon, 0)
    expected = epsilon / np.cosh(nearest) ** 2 + 3 * p.u * np.tanh(np.abs(a)) + ETA[name]
    close(bounds.state(p, "tanh", a, epsilon), expected, name)
    saturated = bounds.state(p, "tanh", np.array([1000.0]), np.array([0.5]))
    close(saturated, [3 * p.u + ETA[name]], name)  # no exponential of it may overflow
    edge = np.array([1.0, 0.0, -0.5, -1.0, -2.0])
    assert bounds.state(p, "relu", edge, np.ones(5)).tolist() == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("name", U)
def test_gradients_of_pre_activations(name: str) -> None:
    p = Precision.of(FORMATS[name])
    h, d_h = np.array([0.5, -0.875, 0.0, 2.0]), np.array([2.0, -3.0, 0.0, 1.0])
    factors = [max(4 * abs(1 - x * x), abs(x) * (1 + abs(x)) + 3 * abs(1 - x * x)) for x in h]
    expected = [1.01 * p.u * abs(d) * f + 2 * ETA[name] for d, f in zip(d_h, factors, strict=True)]
    close(bounds.pre_gradient(p, "tanh", h, d_h), expected, name)
    assert not bounds.pre_gradient(p, "relu", h, d_h).any()


@pytest.mark.parametrize("name", U)
def test_the_precision_of_a_comparison_is_that_of_both_sides(name: str) -> None:
    p = Precision.of(FORMATS[name])
    assert p.u == float(U[name] + RECOMPUTED)
    assert p.eta == ETA[name]
    assert p.subject == (np.float64 if name == "f64" else np.float32)


def test_sums_step_by_step_are_rounded_at_every_step() -> None:
    parts = np.array([[2048.0], [1.0], [1.0]])  # 2049 lies between two numbers of float16
    assert Precision.of(FORMATS["f16"]).added(parts).tolist() == [2048.0]
    assert Precision.of(FORMATS["f16"]).added(parts[::-1]).tolist() == [2050.0]
    assert Precision.of(FORMATS["f32"]).added(parts).tolist() == [2050.0]
    big = np.array([[2.0**24], [1.0], [1.0]])
    assert Precision.of(FORMATS["f32"]).added(big).tolist() == [2.0**24]
    assert Precision.of(FORMATS["f64"]).added(big).tolist() == [2.0**24 + 2]
    assert Precision.of(FORMATS["f16"]).added(np.array([[1 + 2.0**-12], [2.0**-11]])).tolist() == [1.0]


def test_flows_carry_value_terms_and_what_they_inherit() -> None:
    one = Flow.given(np.array([-2.0, math.inf, math.nan]))
    assert one.terms.tolist() == [2.0, 0.0, 0.0]
    assert one.inherited.tolist() == [0.0, 0.0, 0.0]
    other = Flow(value=np.array([1.0, 2, 3]), terms=np.array([4.0, 5, 6]), inherited=np.array([7.0, 8, 9]))
    total = Flow.summed([one, other, other])
    assert total.value[0] == 0.0
    assert (total.terms.tolist(), total.inherited.tolist()) == ([10.0, 10, 12], [14.0, 16, 18])
    turned = other.mapped(lambda values: values[::-1])
    assert turned.value.tolist() == [3.0, 2, 1]
    assert (turned.terms.tolist(), turned.inherited.tolist()) == ([6.0, 5, 4], [9.0, 8, 7])
    assert magnitude(np.array([-1.5, 2.0])).tolist() == [1.5, 2.0]


CASES = [
    "rnn-relu-L2-bi-T7-B3-I4-H5-f64-s0",
    "rnn-relu-L2-bi-T7-B3-I4-H5-bf16-s0",
    "rnn-relu-L2-T7-B3-I4-H5-dout-f64-s0",
    "rnn-relu-L2-T7-B3-I4-H5-dout-bf16-s0",
    "rnn-relu-L3-bi-T6-B2-bf-I4-H5-dhn-f64-s0",
    "rnn-relu-L3-bi-T6-B2-bf-I4-H5-dhn-bf16-s0",
    "rnn-relu-T7-B3-I4-H5-O2-f64-s0",
]


@pytest.mark.parametrize("text", CASES)
def test_every_sum_of_the_local_check_is_bounded_by_its_own_terms(text: str) -> None:
    problem = materialise(parse_id(text))
    p, case = Precision.of(problem.format), problem.case
    findings = local_check(problem, load_subject("reference").run(problem))
    told = {f.comparison.quantity for f in findings}
    assert told >= {"h", "output", "h_n", "dL/dh", "dL/da", "dL/dx", "dL/dW_ih", "dL/dW_ih of a step"}
    for c in (f.comparison for f in findings):
        if c.scale == "copy":
            assert c.bound == 0
        elif c.quantity == "dL/da":
            assert not c.bound.any()  # relu chooses
        else:  # of relu nothing is inherited
            n, stored = sums(case, c.quantity, c.layer)
            expected = p.of_sum(n, c.terms, stored=stored)
            chosen = (c.bound != 0) if c.quantity == "h" else np.ones(c.bound.shape, np.bool_)
            assert chosen.any()
            np.testing.assert_array_equal(c.bound[chosen], expected[chosen], c.quantity)
