"""tanh' may be formed from h or from the pre-activation: whoever does the latter is right as well, and told so."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from conformance import Observation, examine, load_subject, parse_id
from conformance.cases import FORMATS, materialise
from conformance.examination.premises import NONE, Premises
from conformance.judge import Comparison, Precision, decide, local_check, slopes_may_be_from_a
from conformance.judge.elman_bounds import pre_gradient
from conformance.judge.known import Arithmetic, Known
from conformance.judge.slopes import units_of_slope

CASE = parse_id("rnn-tanh-T12-B16-I9-H31-noh0-dout-f32-s0")
F32 = Precision.of(FORMATS["f32"])
FROM_A = Precision.of(FORMATS["f32"], slopes=True)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


FROM_H = {
    "1 - h²": lambda g, h, _: g * (1 - h * h),
    "(1 - h)(1 + h)": lambda g, h, _: g * ((1 - h) * (1 + h)),
    "g - g h²": lambda g, h, _: g - g * h * h,
    "(g + g h)(1 - h)": lambda g, h, _: (g + g * h) * (1 - h),
}
OTHERS = {
    "g / cosh²": lambda g, _, a: g / np.cosh(a) ** 2,
    "g (1 / cosh)²": lambda g, _, a: g * (1 / np.cosh(a)) ** 2,
    "g 4 σ(2a) σ(-2a)": lambda g, _, a: g * (4 * (sigmoid(2 * a) * sigmoid(-2 * a))),
}


class Written:
    """One layer in one direction from h_0 = 0, with a formula of one's own for dL/da; every step is shown."""

    name, description, library = "written", "for this test alone", "numpy"

    def __init__(self, formula: Callable):
        self.formula = formula

    def run(self, problem):
        w, x, d_y = problem.weights, problem.x, problem.d_output
        steps, batch, hidden = d_y.shape
        h, carried = np.zeros((batch, hidden), d_y.dtype), np.zeros((batch, hidden), d_y.dtype)
        hs, pre, d_h, d_a = (np.zeros_like(d_y) for _ in range(4))
        for t in range(steps):
            pre[t] = x[t] @ w["weight_ih_l0"].T + w["bias_ih_l0"] + h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
            hs[t] = h = np.tanh(pre[t])
        for t in reversed(range(steps)):
            d_h[t] = d_y[t] + carried
            d_a[t] = self.formula(d_h[t], hs[t], pre[t])
            carried = d_a[t] @ w["weight_hh_l0"]
        return Observation(
            output=hs, h_n=h[np.newaxis], hidden={(0, 0): hs}, d_hidden={(0, 0): d_h}, d_pre={(0, 0): d_a},
            d_x=d_a @ w["weight_ih_l0"],
        )  # fmt: skip


@pytest.mark.parametrize("name", FROM_H)
def test_formulas_of_h_agree_without_a_word(name: str) -> None:
    record = examine(CASE, Written(FROM_H[name]))
    assert (record.verdict, record.reason) == ("agrees", "")


@pytest.mark.parametrize("name", OTHERS)
def test_formulas_of_the_pre_activation_agree_and_are_told(name: str) -> None:
    record = examine(CASE, Written(OTHERS[name]))
    assert record.verdict == "agrees"
    told = r"Another formula for tanh' than of h, within [12]\.\d bounds of those and within its own\."
    assert re.fullmatch(told, record.reason)


@pytest.mark.parametrize("name", FROM_H | OTHERS)
def test_what_is_off_by_more_than_its_own_bound_is_not_excused_by_another(name: str) -> None:
    formula = (FROM_H | OTHERS)[name]
    record = examine(CASE, Written(lambda g, h, a: formula(g, h, a) * np.float32(1 + 4e-6)))
    assert record.verdict == "differs"
    assert record.first_divergence.quantity == "dL/da"
    assert record.reason.startswith("Beyond what rounding explains")


def test_the_bound_of_other_formulas_is_that_of_the_derivation() -> None:
    h, slope = np.array([0.5, -0.875, 0.0, 1.0]), np.array([0.75, 0.234375, 1.0, 0.0])
    assert units_of_slope(F32, h).tolist() == pytest.approx([3.0, 2.34375, 4.0, 2.0], rel=1e-15)
    expected = [2 * 3 * x * x + 20 * s for x, s in zip(h, slope, strict=True)]
    assert units_of_slope(FROM_A, h).tolist() == pytest.approx(expected, rel=1e-15)
    far = Precision.of(FORMATS["f32"], tanh=6, slopes=True)
    assert units_of_slope(far, h)[3] == 12
    assert units_of_slope(far, np.array([2.0]))[0] == 2 * 6 * 4 + 20 * 3  # f' < 0 of a wrong state
    d_h = np.array([2.0, -3.0, 1.0, 1.0])
    bounds = 1.01 * FROM_A.u * np.abs(d_h) * expected + 2 * FROM_A.eta
    assert pre_gradient(FROM_A, "tanh", h, d_h).tolist() == pytest.approx(bounds.tolist(), rel=1e-15)
    t = Arithmetic(FROM_A).slope_of_tanh(Known.exactly(h))
    assert t.error.tolist() == pytest.approx((1.01 * FROM_A.u * np.array(expected) + 2 * FROM_A.eta).tolist())


def test_what_t_is_off_itself_comes_on_top() -> None:
    t = Arithmetic(F32).slope_of_tanh(Known(np.array([0.5, 0.0]), np.array([0.25, 0.5])))
    assert t.value.tolist() == [0.75, 1.0]
    own = 1.01 * F32.u * np.array([3.0, 4.0])
    assert t.error.tolist() == pytest.approx((own + np.array([0.25 + 0.0625, 0.25])).tolist(), rel=1e-15)


def test_premises_reach_the_bounds() -> None:
    problem = materialise(parse_id("rnn-relu-T7-B3-I4-H5-f32-subnormal-s0"))
    shown = load_subject("reference").run(problem)
    usual, flushing = (
        {f.comparison.quantity: f.comparison.bound for f in local_check(problem, shown, flushes=flushes)}
        for flushes in (False, True)
    )
    assert flushing["h"].max() > usual["h"].max()
    assert Precision.of(FORMATS["f32"], flushes=True).eta == 2.0**-126
    assert F32.eta == 2.0**-149


@pytest.mark.parametrize("tanh", [3.0, 7.0, 8.0])
def test_no_state_gives_another_formula_more_of_the_usual_bound_than_is_tried(tanh: float) -> None:
    h = np.linspace(-1, 1, 2001)
    usual, other = (
        units_of_slope(Precision.of(FORMATS["f32"], tanh=tanh, slopes=s), h) for s in (False, True)
    )
    assert (other >= usual).all()
    assert (other / usual).max() <= max(tanh, 20 / 3)
    assert (other / usual).max() > max(tanh, 20 / 3) - 1.5


def test_gated_cells_may_form_it_from_the_pre_activation_too() -> None:
    problem = materialise(parse_id("gru-T7-B3-I4-H5-f32-s0"))
    shown = load_subject("reference").run(problem)
    usual, other = (
        {f.comparison.quantity: f.comparison.bound for f in local_check(problem, shown, slopes=slopes)}
        for slopes in (False, True)
    )
    assert (other["dL/da_n"] > usual["dL/da_n"]).all()
    assert (other["dL/dx"] > usual["dL/dx"]).all()
    assert (other["n"] == usual["n"]).all()


def found(shares: list[float], **changes: object):
    parts = {
        "phase": "backward", "quantity": "dL/da", "layer": 0, "direction": 0, "axes": ("t",), "terms": 1.0,
        "got": np.array(shares), "expected": np.zeros(len(shares)), "bound": 1.0,
    }  # fmt: skip
    return decide([Comparison(**(parts | changes))], F32)


def test_another_formula_is_tried_only_where_it_may_explain_all_that_differs() -> None:
    forward = found([0.5, 9.5], phase="forward", quantity="h", bound=10.0)
    assert slopes_may_be_from_a([*forward, *found([0.5, 6.6, 6.6])], 3)
    assert not slopes_may_be_from_a([*forward, *found([0.5, 6.6, 6.7])], 3)
    assert slopes_may_be_from_a(found([7.9, 8.0]), 8)
    assert not slopes_may_be_from_a(found([7.9, 8.1]), 8)
    assert not slopes_may_be_from_a([*found([2.0, 2.0]), *found([6.7, 6.7])], 3)
    assert slopes_may_be_from_a(found([1.5, 1.5], quantity="dL/dc"), 3)
    assert not slopes_may_be_from_a(found([1.5, 1.5], quantity="dL/dh"), 3)
    assert not slopes_may_be_from_a([*found([1.5, 1.5], quantity="dL/dh"), *found([1.5, 1.5])], 3)
    for after in ("dL/dW_hh", "dL/db_ih", "dL/dx"):
        assert slopes_may_be_from_a([*found([1.5, 1.5]), *found([1.5, 1.5], quantity=after)], 3)
        assert not slopes_may_be_from_a([*found([0.9, 0.9]), *found([1.5, 1.5], quantity=after)], 3)
    assert not slopes_may_be_from_a(found([1.5, 1.5], scale="noise"), 3)
    assert not slopes_may_be_from_a(found([1.5, 1.5, np.nan]), 3)


def test_what_is_off_in_one_place_alone_is_no_formula() -> None:
    assert slopes_may_be_from_a([*found([0.0, 0.6]), *found([0.1, 1.2])], 3)
    assert not slopes_may_be_from_a([*found([0.0, 0.5]), *found([0.1, 1.2])], 3)
    assert not slopes_may_be_from_a([*found([0.1, 1.2]), *found([0.9, 0.9], quantity="dL/dh")], 3)
    assert not slopes_may_be_from_a(found([1.2]), 3)
    other_shape = found([[0.9]], axes=("t", "unit"), expected=np.zeros((1, 1)))
    assert slopes_may_be_from_a([*found([1.2]), *other_shape], 3)
    left_out = found([0.5, 1.2, 0.6], judged=np.array([True, True, False]))
    assert not slopes_may_be_from_a(left_out, 3)


def test_premises_are_added_one_after_the_other_and_told() -> None:
    problem = materialise(CASE)
    more = NONE.further(found([0.7, 1.23]), problem, 3)
    assert more == Premises(slopes=1.23)
    assert more.further(found([0.7, 1.23]), problem, 3) is None
    assert more.sentences == [
        "Another formula for tanh' than of h, within 1.3 bounds of those and within its own."
    ]
    flushed = found([0.0, 2.0], expected=np.array([1e-40, 0.0]), bound=np.array([1e-45, 1.0]))
    both = more.further(flushed, problem, 3)
    assert both == Premises(flushes=True, slopes=1.23)
    assert both.sentences == ["Subnormal numbers are taken for 0, and allowed to be.", *more.sentences]
    assert NONE.further(flushed, problem, 3) == Premises(flushes=True)
    assert NONE.sentences == []
    relu = materialise(replace(CASE, nonlinearity="relu"))
    assert NONE.further(found([1.23, 1.23]), relu, 3) is None
