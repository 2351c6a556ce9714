"""What loops explain of single gradients is put together to sets of faults, and pruned where it can't be one."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from msgspec import structs

from conformance.cases import materialise, parse_id
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.faults import RIGHT, Choices, simulate
from conformance.hand_written.diagnosis import Evidence, assembly
from conformance.hand_written.diagnosis import search as searching
from conformance.hand_written.diagnosis.assembly import (
    Hypothesis,
    Partial,
    _hypotheses,
    _read,
    _Row,
    assembled,
    hypotheses_of,
)
from conformance.hand_written.diagnosis.cover import covers
from conformance.hand_written.diagnosis.fit import Fit
from conformance.hand_written.diagnosis.heads import HeadReading
from conformance.hand_written.diagnosis.loops import Found
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.search import Searched, _tried, search
from conformance.hand_written.diagnosis.setting import Setting
from conformance.subjects.observation import Observation

PROBLEM = materialise(parse_id("rnn-tanh-T5-B3-I4-H5-O2-noh0-dout-f64-gain1.2-s0"))
HEAD = (HEAD_WEIGHT, HEAD_BIAS)
BIASES = ("bias_ih_l0", "bias_hh_l0")


def setting_of(
    choices: Choices = RIGHT,
    *,
    base: Choices = RIGHT,
    without: tuple[str, ...] = (),
    odd: tuple[str, ...] = (),
    factor: float = 1.0,
) -> Setting:
    """Return the search in what a network shows, `odd` gradients of it being like nothing."""
    full = simulate(PROBLEM, choices, factor=factor)
    shown = {name: g for name, g in full.parameters.items() if name not in without}
    shown |= {name: np.arange(float(shown[name].size)).reshape(shown[name].shape) ** 2 for name in odd}
    material = Material.of(Evidence(problem=PROBLEM, observation=Observation(parameters=shown)))
    return Setting.of(material, base)


def put_together(
    setting: Setting, loop: Choices, first: str, bound: int
) -> tuple[list[Hypothesis], list[Partial]]:
    """Return what one loop, among all with a mistake or none, leads to."""
    plans = np.concatenate([*setting.axes.plans(0), *setting.axes.plans(1)])
    at = [n for n, plan in enumerate(plans) if setting.axes.choices(plan, setting.base) == loop]
    return assembled(setting, plans[at], setting.tables.run(plans[at]), first, bound)


WRONG = Choices(carry="none", h_read="own")
LOOP = Choices(carry="none")


@pytest.mark.parametrize(
    ("broad", "read"), [(0, {"weight_hh_l0"}), (1, {"weight_hh_l0"}), (2, {"weight_hh_l0", "weight_ih_l0"})]
)
def test_the_gradient_that_loops_explain_is_read_first_and_others_if_they_are_few(
    broad: int, read: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "BROAD", broad)
    _, (partial,) = put_together(setting_of(WRONG, odd=BIASES), LOOP, "weight_hh_l0", 7)
    assert set(partial.readings) == read


def test_a_loop_is_dropped_once_its_gradients_need_more_faults_than_allowed() -> None:
    setting = setting_of(WRONG, odd=("weight_ih_l0",))
    assert put_together(setting, LOOP, "bias_ih_l0", 1) == ([], [])
    whole, (partial,) = put_together(setting, LOOP, "bias_ih_l0", 2)
    assert whole == []
    assert partial.with_reading("weight_hh_l0") == WRONG


def test_as_many_faults_as_allowed_are_found_and_no_more() -> None:
    setting = setting_of(WRONG)
    for bound, costs in ((1, set()), (2, {2})):
        assert {h.cost for h in put_together(setting, LOOP, "bias_ih_l0", bound)[0]} == costs


def test_loops_that_need_more_faults_than_allowed_leave_others_as_many_as_before() -> None:
    setting = setting_of(LOOP, factor=0.37)  # a constant without a name counts as one
    plans = np.concatenate(list(setting.axes.plans(1)))
    at = [n for n, plan in enumerate(plans) if setting.axes.choices(plan) == LOOP] * 2
    for bound, costs in ((1, set()), (2, {2})):
        whole, _ = assembled(setting, plans[at], setting.tables.run(plans[at]), "bias_ih_l0", bound)
        assert {h.cost for h in whole} == costs


def test_hypotheses_and_partial_readings_keep_the_forward_pass() -> None:
    base = Choices(kept="before")
    wrong = structs.replace(WRONG, kept="before")
    whole, _ = put_together(
        setting_of(wrong, base=base), structs.replace(LOOP, kept="before"), "bias_ih_l0", 7
    )
    assert wrong in [h.choices for h in whole]
    odd = setting_of(wrong, base=base, odd=("weight_ih_l0",))
    _, (partial,) = put_together(odd, structs.replace(LOOP, kept="before"), "bias_ih_l0", 7)
    assert partial.choices == structs.replace(LOOP, kept="before")


def test_gradients_that_leave_the_loop_are_read_as_well() -> None:
    problem = materialise(parse_id("rnn-tanh-T4-B2-I2-H3-O2-f64-gain1.2-s0"))
    wrong = Choices(carry="none", d_x="before the loop", d_h_0="first step missing")
    full = simulate(problem, wrong)
    shown = Observation(parameters=full.parameters, d_x=full.d_x, d_h_0=full.d_h_0)
    setting = Setting.of(Material.of(Evidence(problem=problem, observation=shown)), RIGHT)
    whole, _ = put_together(setting, LOOP, "bias_ih_l0", 7)
    assert min(whole, key=lambda h: h.cost).choices == wrong


def test_a_gradient_that_is_dropped_says_nothing_of_the_loop() -> None:
    wrong = structs.replace(LOOP, bias_gradients="b_ih dropped")
    whole, partial = put_together(setting_of(wrong), LOOP, "bias_hh_l0", 7)
    assert min(whole, key=lambda h: h.cost).choices == wrong
    assert partial == []


def test_a_reading_comes_near_in_half_of_the_digits() -> None:
    for off, missing in ((2.0**-26, False), (2.0**-25, True)):
        row = _Row(choices=RIGHT, pairs=frozenset())
        fitted = Fit(residual=np.array([9.0, off]), factor=np.array([1.0, 3.0]))
        _read(row, "a", [({"x_read": "own"}, fitted)], 1, dropped=False, single=False)
        assert row.missing is missing
        assert row.readings == ({} if missing else {"a": [({"x_read": "own"}, 3.0)]})


def test_a_row_keeps_what_all_readings_of_each_gradient_have_in_common() -> None:
    row = _Row(choices=LOOP, pairs=frozenset({("carry", "none")}))
    near = Fit(residual=np.zeros(1), factor=np.ones(1))
    both = [({"h_read": "own"}, near), ({"h_read": "own", "outer": "inner"}, near)]
    _read(row, "weight_hh_l0", both, 0, dropped=False, single=False)
    _read(row, "weight_ih_l0", [({"x_read": "last"}, near)], 0, dropped=False, single=False)
    assert row.pairs == {("carry", "none"), ("h_read", "own"), ("x_read", "last")}


def row_of(**readings: list) -> _Row:
    return _Row(choices=RIGHT, pairs=frozenset(), readings=readings)


def test_a_matrix_divided_by_the_norm_of_another_is_told_by_that_norm() -> None:
    wrong = Choices(clip="over another's norm")
    whole, _ = put_together(setting_of(wrong), RIGHT, "bias_ih_l0", 7)
    assert wrong in [h.choices for h in whole if h.cost == 1]
    without, _ = put_together(setting_of(wrong, without=("weight_ih_l0",)), RIGHT, "bias_ih_l0", 7)
    assert [h.choices for h in without if "norm" in h.choices.clip] == []


def test_without_gradients_of_the_head_those_of_the_cell_are_enough() -> None:
    whole, partial = put_together(setting_of(WRONG, without=HEAD), LOOP, "bias_ih_l0", 7)
    assert WRONG in [h.choices for h in whole]
    assert partial == []


def test_what_is_wrong_about_the_head_belongs_to_the_hypothesis() -> None:
    wrong = structs.replace(WRONG, head_read="last")
    whole, _ = put_together(setting_of(wrong), LOOP, "bias_ih_l0", 7)
    assert {h.choices.head_read for h in whole} == {"last"}


def test_a_reading_of_the_head_that_does_not_go_with_the_loop_is_passed_over() -> None:
    late = HeadReading(change={"entry": "late", "head_entry": "as entered"}, factors={})
    plain = HeadReading(change={}, factors={})
    setting = structs.replace(setting_of(), heads=(late, plain))
    found = [h.choices for h in _hypotheses(setting, row_of(bias_ih_l0=[({}, 1.0)]), 7)]
    assert RIGHT in found
    assert {choices.entry for choices in found} == {"given"}


def test_readings_that_contradict_each_other_are_passed_over() -> None:
    row = row_of(
        weight_ih_l0=[({"rows": "first row"}, 1.0), ({}, 1.0)], weight_hh_l0=[({"rows": "mean"}, 1.0)]
    )
    assert {h.choices.rows for h in _hypotheses(setting_of(without=HEAD), row, 7)} == {"mean"}


def test_readings_that_need_more_faults_than_allowed_are_not_put_together() -> None:
    row = row_of(
        weight_ih_l0=[({}, 1.0), ({"x_read": "last"}, 1.0)], weight_hh_l0=[({"outer": "inner"}, 1.0)]
    )
    for most, read in ((0, set()), (1, {"own"}), (2, {"own", "last"})):
        assert {h.choices.x_read for h in _hypotheses(setting_of(without=HEAD), row, most)} == read


def test_readings_are_put_together_as_long_as_they_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MOST_READINGS", 1)
    row = row_of(weight_ih_l0=[({}, 1.0), ({"x_read": "last"}, 1.0)])
    assert {h.choices.x_read for h in _hypotheses(setting_of(without=HEAD), row, 7)} == {"own"}


def test_faults_are_named_by_what_is_seen_of_them() -> None:
    choices = Choices(reduce_ih="first step", reduce_hh="first step")
    setting = setting_of(without=BIASES)
    found = [h.faults for h in hypotheses_of(setting, choices, 1.0)]
    assert found == covers(choices, frozenset({"reduce_b", "formed_b"})) != covers(choices)


# One block of loops.


def tried(*residuals: list[float], found: Searched, parts: list[object]) -> list[tuple]:
    """Try loops whose gradients come so near, and return what was asked to be put together."""
    asked: list[tuple] = []
    count = len(residuals[0])
    fits = [({}, Fit(residual=np.array(r), factor=np.ones(count))) for r in residuals]
    loops = Found(d_h=np.arange(count), d_a=np.arange(count), d_h_0=np.arange(count))
    setting = SimpleNamespace(
        tables=SimpleNamespace(run=lambda _: loops),
        material=SimpleNamespace(single=False),
        fits=lambda *_: fits,
    )

    def together(_: object, plans: np.ndarray, chosen: Found, first: str, bound: int) -> tuple[list, list]:
        asked.append((plans.tolist(), chosen.d_h.tolist(), first, bound))
        return [], parts

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(searching, "assembled", together)
        _tried(setting, np.arange(10, 10 + count), ("a",), 1, found)
    return asked


def test_loops_that_come_near_are_put_together_and_the_nearest_of_the_others_is_noted() -> None:
    found = Searched(matches={"a": 0})
    assert tried([2.0**-26, 2.0**-25, 0.5, np.inf], found=found, parts=["p"]) == [([10], [0], "a", 7)]
    assert (found.matches, found.nearest, found.partial) == ({"a": 1}, {"a": 2.0**-25}, ["p"])
    tried([0.0, 0.25, 0.0], [1.0, 0.5, 0.5], found=found, parts=["q", "r"])
    assert (found.matches, found.nearest, found.partial) == ({"a": 3}, {"a": 2.0**-25}, ["p", "q", "r"])
    assert tried([1.0, 2.0**-24], found=found, parts=[]) == []
    assert (found.matches, found.nearest, found.tried) == ({"a": 3}, {"a": 2.0**-25}, 9)


def test_fewer_mistakes_of_the_deciding_gradient_are_tried_the_more_the_loop_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int | None]] = []
    fits = Setting.fits

    def asking(self: Setting, name: str, plans: np.ndarray, loops: Found, most: int | None = None) -> list:
        if most is not None:
            asked.append((int((plans > 0).sum(axis=1).max()), most))
        return fits(self, name, plans, loops, most)

    monkeypatch.setattr(Setting, "fits", asking)
    search(setting_of(odd=("weight_hh_l0", "bias_hh_l0"), without=HEAD), deepest=2)
    assert set(asked) == {(0, 2), (1, 1), (2, 1)}


def test_gradients_may_overflow_in_a_search() -> None:
    weights = {**PROBLEM.weights, "weight_hh_l0": np.sign(PROBLEM.weights["weight_hh_l0"]) * 1e80}
    problem = replace(PROBLEM, weights=weights)
    shown = Observation(parameters=simulate(problem, Choices(derivative="one")).parameters)
    material = Material.of(Evidence(problem=problem, observation=shown))
    assert search(Setting.of(material, RIGHT), deepest=1).tried > 1
