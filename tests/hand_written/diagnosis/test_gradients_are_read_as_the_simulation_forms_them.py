"""A search reads gradients off very many loops at once; each way of doing so gives what the simulation gives."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from msgspec import structs

from conformance.cases import materialise, parse_id
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.faults import RIGHT, Choices, simulate
from conformance.faults.seams import alternatives
from conformance.hand_written.diagnosis.axes import Change
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.fit import SCREEN, Fit, fit, screened
from conformance.hand_written.diagnosis.forwards import scanned
from conformance.hand_written.diagnosis.heads import HeadReading, head_readings, mistakes
from conformance.hand_written.diagnosis.leaving import inner_fits
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reads import CELL, Former, filled, ways
from conformance.hand_written.diagnosis.setting import Setting
from conformance.subjects.observation import Observation

MANY = materialise(parse_id("rnn-tanh-T6-B3-I4-H5-O2-f64-gain1.2-s0"))
SQUARE = materialise(parse_id("rnn-tanh-T5-B2-I4-H4-O4-dout-f64-gain1.2-s0"))
SINGLE = materialise(parse_id("rnn-tanh-T6-single-I4-H5-O2-noh0-dout-f64-gain1.2-s0"))
BASES = (RIGHT, Choices(inputs="after", kept="before"))
ROUNDINGS = 1000 * 2.0**-53
"""Of the largest element: far more than sums of these few terms round."""


def material_of(problem, observation: Observation | None = None, rate: float | None = None) -> Material:
    return Material.of(Evidence(problem=problem, observation=observation or Observation(), rate=rate))


def same(got: np.ndarray, want: np.ndarray) -> bool:
    return got.shape == want.shape and bool(np.abs(got - want).max() <= ROUNDINGS * np.abs(want).max())


def parameters(choices: Choices, name: str, problem=MANY) -> np.ndarray:
    return simulate(problem, choices).parameters[name]


@pytest.mark.parametrize("base", BASES, ids=["right", "wrong forward"])
@pytest.mark.parametrize("name", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0"])
def test_every_way_of_forming_a_gradient_gives_what_the_simulation_gives(name: str, base: Choices) -> None:
    former = Former.of(scanned(material_of(MANY), base), base)
    shown = simulate(MANY, base)
    d_a, d_h = shown.d_pre[0, 0], shown.d_hidden[0, 0]
    for per_row in (False, True):
        for change in ways(CELL[name], rows=3, per_row=per_row, filled=True):
            (got,) = former.gradient(CELL[name], change, d_a[np.newaxis], d_h[np.newaxis])
            assert same(got, parameters(structs.replace(base, **change), name)), change


@pytest.mark.parametrize("equal", [False, True], ids=["within steps", "everywhere"])
def test_rows_lost_by_repeated_inputs_are_read_where_there_are_such(equal: bool) -> None:  # noqa: FBT001
    x = MANY.x.copy()
    x[:, 2] = x[:, 0]  # in every step
    if equal:
        x[4] = x[1]
    problem = replace(MANY, x=x)
    former = Former.of(scanned(material_of(problem), RIGHT), RIGHT)
    assert list(former.repeats) == (["last of a step", "last of all"] if equal else ["last of a step"])
    assert list(Former.of(scanned(material_of(MANY), RIGHT), RIGHT).repeats) == []
    shown = simulate(problem)
    loops = (shown.d_pre[0, 0][np.newaxis], shown.d_hidden[0, 0][np.newaxis])
    for how in former.repeats:
        target = parameters(Choices(repeats=how), "weight_ih_l0", problem)
        tried = former.fits("ih", target, *loops, None, 1)
        fitting = [change for change, fitted in tried if fitted.residual[0] <= ROUNDINGS]
        assert fitting == [{"repeats": how}]


def test_many_loops_are_read_at_once_as_one_by_one() -> None:
    former, rng = Former.of(scanned(material_of(MANY), RIGHT), RIGHT), np.random.default_rng(0)
    d_a, d_h = rng.standard_normal((2, 4, 6, 3, 5))
    for kind in ("ih", "hh", "b"):
        for change in ways(kind, rows=3, per_row=False, filled=True):
            together = former.gradient(kind, change, d_a, d_h)
            alone = [
                former.gradient(kind, change, *one)[0] for one in zip(d_a[:, None], d_h[:, None], strict=True)
            ]
            assert same(together, np.array(alone))


def test_the_ways_of_forming_a_gradient_are_all_combinations_the_right_one_first() -> None:
    formed = {kind: [{}, {f"formed_{kind}": "of dh"}] for kind in ("ih", "hh", "b")}
    reduced = {
        kind: [{}, {f"reduce_{kind}": "first step"}, {f"reduce_{kind}": "last step"}]
        for kind in ("ih", "hh", "b")
    }
    seams = {"ih": ["x_read"], "hh": ["h_read", "outer"], "b": []}
    lost = [{}, {"repeats": "last of all"}]
    by_row = {"rows": "per row"}
    rows = {
        (1, False): [{}],
        (2, False): [{}, {"rows": "first row"}],
        (3, False): [{}, {"rows": "first row"}],
        (3, True): [by_row],
    }
    for kind, read in seams.items():
        chosen = [[{}, *({seam: choice} for choice in alternatives(seam)[1:])] for seam in read]
        for (count, per_row), reduced_rows in rows.items():
            last = [*reduced_rows, {"bias_gradients": "per row"}] if per_row and kind == "b" else reduced_rows
            expected = [
                {key: value for part in parts for key, value in part.items()}
                for parts in product(formed[kind], *chosen, *[lost] * (kind == "ih"), reduced[kind], last)
            ]
            found = ways(kind, rows=count, per_row=per_row, repeats=("last of all",))
            key = lambda change: sorted(change.items())  # noqa: E731
            assert sorted(found, key=key) == sorted(expected, key=key)
            assert list(map(len, found)) == sorted(map(len, found))


def test_no_more_wrong_choices_are_tried_than_are_allowed_beside_the_shape() -> None:
    former = Former.of(scanned(material_of(MANY), RIGHT), RIGHT)
    shown = simulate(MANY)
    loops = (shown.d_pre[0, 0][np.newaxis], shown.d_hidden[0, 0][np.newaxis])
    for kind, name in (("ih", "weight_ih_l0"), ("hh", "weight_hh_l0"), ("b", "bias_hh_l0")):
        for by_row in (False, True):
            target = parameters(structs.replace(RIGHT, rows="per row") if by_row else RIGHT, name)
            for most in (None, 0, 1, 2):
                found = former.fits(kind, target, *loops, None, most)
                expected = ways(kind, rows=3, per_row=by_row)
                allowed = [c for c in expected if most is None or len(c) - by_row <= most]
                assert [change for change, _ in found] == allowed
                assert found[0][1].residual[0] <= ROUNDINGS
                assert found[0][1].factor[0] == pytest.approx(1)


def test_one_number_fills_a_gradient_to_half_of_its_digits_in_single_precision() -> None:
    half = float(np.finfo(np.float32).eps) ** 0.5
    for size in (0.25, -4.0):
        assert filled(np.full((2, 3), size))
        assert filled(size * np.array([1.0, 1 - half / 2]))
        assert not filled(size * np.array([1.0, 1 - 2 * half]))
    edge = next(size for size in np.arange(1, 2, 2.0**-20) if size - (size - half * size) == half * size)
    assert filled(np.array([edge, edge - half * edge]))
    assert not filled(np.zeros(3))
    assert not filled(np.ones(1))


def test_sums_over_units_are_of_biases_that_are_not_kept_by_row() -> None:
    for kind, per_row in product(("ih", "hh", "b"), (False, True)):
        found = ways(kind, rows=3, per_row=per_row, filled=True)
        summed = [change for change in found if change.get("bias_gradients") == "over units"]
        assert bool(summed) is (kind == "b" and not per_row)


def test_a_bias_summed_over_its_units_as_well_is_read_where_one_number_fills_it() -> None:
    former = Former.of(scanned(material_of(MANY), RIGHT), RIGHT)
    shown = simulate(MANY)
    loops = (shown.d_pre[0, 0][np.newaxis], shown.d_hidden[0, 0][np.newaxis])
    wrong = {"bias_gradients": "over units"}
    for choices, read in ((Choices(**wrong), [wrong]), (RIGHT, [{}])):
        found = former.fits("b", parameters(choices, "bias_ih_l0"), *loops, None, 1)
        assert [change for change, fitted in found if fitted.residual[0] <= ROUNDINGS] == read
        assert (wrong in [change for change, _ in found]) is (choices != RIGHT)


def test_one_row_is_not_told_from_the_first() -> None:
    former = Former.of(scanned(material_of(SINGLE), RIGHT), RIGHT)
    shown = simulate(SINGLE)
    loops = (shown.d_pre[0, 0][np.newaxis], shown.d_hidden[0, 0][np.newaxis])
    found = former.fits("b", parameters(RIGHT, "bias_ih_l0", SINGLE), *loops, None)
    assert [change for change, _ in found if "rows" in change] == []


def test_what_was_cut_off_of_a_gradient_does_not_count() -> None:
    former = Former.of(scanned(material_of(MANY), RIGHT), RIGHT)
    shown = simulate(MANY)
    loops = (shown.d_pre[0, 0][np.newaxis], shown.d_hidden[0, 0][np.newaxis])
    target = parameters(RIGHT, "weight_ih_l0")
    limit = float(np.median(np.abs(target)))
    for given, near in ((limit, True), (None, False)):
        found = former.fits("ih", np.clip(target, -limit, limit), *loops, given, 0)
        assert bool(found[0][1].residual[0] <= ROUNDINGS) is near


LEAVING: list[tuple[str, Change]] = [
    ("d_x", {}),
    ("d_x", {"d_x": "without slope"}),
    ("d_x", {"d_x": "before the loop"}),
    ("d_x", {"update": "before", "rate": 0.05}),
    ("d_h_0", {}),
    ("d_h_0", {"d_h_0": "first step missing"}),
    ("d_h_0", {"d_h_0": "zeros"}),
    ("d_hidden", {}),
    ("d_pre", {}),
]


def left_by(problem, choices: Choices) -> dict[str, np.ndarray]:
    return dict(material_of(problem, simulate(problem, choices)).inner)


@pytest.mark.parametrize("problem", [MANY, SQUARE], ids=["oblong", "square"])
@pytest.mark.parametrize(
    "loop",
    [
        *({}, {"carry": "none"}, {"derivative": "first unit"}, {"entry": "late"}),
        *({"update": "inside"}, {"update": "inside, later"}),
    ],
    ids=str,
)
def test_everything_that_leaves_a_loop_is_what_the_simulation_lets_out(loop: Change, problem) -> None:
    material = material_of(problem, rate=0.05)
    setting = Setting.of(material, RIGHT)
    loop = loop | ({"rate": 0.05} if "update" in loop else {})
    plans = np.concatenate([p for count in range(2) for p in setting.axes.plans(count)])
    (row,) = (
        n for n, plan in enumerate(plans) if setting.axes.choices(plan) == structs.replace(RIGHT, **loop)
    )
    plans = np.array([plans[row], plans[0]])
    if loop:
        assert not np.array_equal(*plans)
    found = setting.tables.run(plans)
    expected = [*LEAVING, *([("d_x", {"d_x": "untransposed"})] if problem is SQUARE else [])]
    if "update" in loop:
        expected = [(name, change) for name, change in expected if "update" not in change]
    for name in ("d_x", "d_h_0", "d_hidden", "d_pre"):
        wanted = [change for leaving, change in expected if leaving == name]
        for change in wanted:
            target = left_by(problem, structs.replace(RIGHT, **{**loop, **change}))[name]
            tried = inner_fits(name, target, setting.tables, plans, found, 0.05)
            assert sorted(map(str, (c for c, _ in tried))) == sorted(map(str, wanted))
            fitted = next(fitted for made, fitted in tried if made == change)
            assert fitted.residual[0] <= ROUNDINGS, (name, change)
            assert np.isnan(fitted.factor[0]) if not target.any() else fitted.factor[0] == pytest.approx(1)


def test_without_a_learning_rate_nothing_is_updated_before_it_is_passed_down() -> None:
    material = material_of(MANY)
    setting = Setting.of(material, RIGHT)
    plans = next(iter(setting.axes.plans(0)))
    found = setting.tables.run(plans)
    tried = inner_fits("d_x", simulate(MANY).d_x, setting.tables, plans, found, None)
    assert [change for change, _ in tried] == [{}, {"d_x": "without slope"}, {"d_x": "before the loop"}]


AS_WALKED: Change = {"reduce_head": "as walked", "reduce_head_bias": "as walked"}
HEADS: list[Change] = [
    {},
    {"head_loss": "softmax"},
    {"head_loss": "squared error"},
    {"head_read": "before"},
    {"head_read": "last"},
    {"head_loss": "times softmax'"},
    {"head_loss": "times sigmoid'", "head_read": "last"},
    {"head_loss": "times tanh'"},
    {"head_loss": "times y (1 - y)"},
    {"head_loss": "times 1 - y²"},
    {"reduce_head": "first step"},
    {"reduce_head": "last step"},
    {"reduce_head_bias": "first step"},
    {"reduce_head": "first step", "reduce_head_bias": "last step"},
    {"head_read": "before", "reduce_head": "first step", "reduce_head_bias": "first step"},
    {"head_bias": "over units"},
    {"head_loss": "softmax", "head_read": "last"},
    {"head_bias": "per row"},
    {"head_bias": "per row", "head_read": "before"},
    *({"head_entry": "as entered", "entry": how} for how in alternatives("entry")[1:]),
    AS_WALKED | {"steps": "first skipped"},
    AS_WALKED | {"steps": "last skipped"},
    AS_WALKED | {"truncation": "last steps", "reach": 2},
    AS_WALKED | {"truncation": "last steps", "reach": 4},
]
ALIKE = {
    "last only": {"reduce_head": "last step", "reduce_head_bias": "last step"},
    "sum at last": {"head_read": "last"},
}
"""Entries whose head's gradients are those of a simpler mistake."""


@pytest.mark.parametrize("change", HEADS, ids=str)
@pytest.mark.parametrize("constant", [1.0, -0.25])
def test_a_head_is_read_as_the_simulation_makes_it(change: Change, constant: float) -> None:
    gradients = simulate(MANY, structs.replace(RIGHT, **change)).parameters
    shown = {name: constant * gradients[name] for name in (HEAD_WEIGHT, HEAD_BIAS)}
    material = material_of(MANY, Observation(parameters=shown))
    found = head_readings(material, scanned(material, RIGHT), RIGHT)
    assert ALIKE.get(change.get("entry", ""), change) in [reading.change for reading in found]
    assert len({mistakes(reading.change) for reading in found}) == 1
    for reading in found:
        assert reading.factors == pytest.approx(dict.fromkeys(shown, constant))


def test_a_bias_of_the_head_that_was_dropped_says_nothing_and_one_that_is_wrong_rules_out() -> None:
    right = simulate(MANY).parameters
    shown = {HEAD_WEIGHT: right[HEAD_WEIGHT], HEAD_BIAS: 0 * right[HEAD_BIAS]}

    def read(parameters: dict[str, np.ndarray]) -> list[HeadReading] | None:
        material = material_of(MANY, Observation(parameters=parameters))
        return head_readings(material, scanned(material, RIGHT), RIGHT)

    (reading,) = read(shown)
    assert (reading.change, reading.factors[HEAD_BIAS]) == ({}, 0.0)
    assert read(shown | {HEAD_BIAS: np.array([1.0, 2.0])}) == []
    assert read(shown | {HEAD_WEIGHT: right[HEAD_WEIGHT] ** 2}) == []
    assert read(shown | {HEAD_WEIGHT: 0 * right[HEAD_WEIGHT]})[0].factors == {
        HEAD_WEIGHT: 0.0,
        HEAD_BIAS: 0.0,
    }
    assert read({"weight_ih_l0": right["weight_ih_l0"]}) is None
    (alone,) = read({HEAD_WEIGHT: right[HEAD_WEIGHT]})
    assert alone.factors == pytest.approx({HEAD_WEIGHT: 1.0})


def test_a_gradient_of_the_head_by_itself_is_read_for_both() -> None:
    first = {"reduce_head": "first step", "reduce_head_bias": "first step"}
    shown = {HEAD_WEIGHT: simulate(MANY, Choices(**first)).parameters[HEAD_WEIGHT]}
    material = material_of(MANY, Observation(parameters=shown))
    (reading,) = head_readings(material, scanned(material, RIGHT), RIGHT)
    assert reading.change == first


def test_all_readings_of_a_head_with_the_fewest_mistakes_are_kept() -> None:
    last = materialise(parse_id("rnn-tanh-T5-B2-I3-H4-O2-dlast-f64-gain1.2-s0"))
    alike = [{"head_entry": "as entered", "entry": how} for how in ("late, wrapping", "reversed")]
    shown = simulate(last, structs.replace(RIGHT, **alike[0])).parameters
    material = material_of(last, Observation(parameters=shown))
    found = [reading.change for reading in head_readings(material, scanned(material, RIGHT), RIGHT)]
    assert all(change in found for change in alike)


@pytest.mark.parametrize("limit", [1, 5])
def test_a_head_whose_gradients_were_clipped_is_read_by_what_is_left_of_them(limit: int) -> None:
    right = simulate(MANY).parameters
    factor = limit / float(np.median(np.abs(right[HEAD_WEIGHT])))  # of which half is left
    shown = {name: np.clip(factor * g, -limit, limit) for name, g in right.items()}
    material = material_of(MANY, Observation(parameters=shown))
    (reading,) = head_readings(material, scanned(material, RIGHT), RIGHT)
    assert reading.change == {}
    assert reading.factors[HEAD_WEIGHT] == pytest.approx(factor)


def test_a_head_goes_with_loops_that_share_its_choices() -> None:
    plain = HeadReading(change={"head_read": "last"}, factors={})
    assert plain.goes_with(RIGHT)
    assert plain.goes_with(Choices(entry="late"))
    assert not plain.goes_with(Choices(head_loss="softmax"))
    softmax = HeadReading(change={"head_loss": "softmax"}, factors={})
    assert softmax.goes_with(Choices(head_loss="softmax"))
    assert not softmax.goes_with(RIGHT)
    late = HeadReading(change={"entry": "late", "head_entry": "as entered"}, factors={})
    assert late.goes_with(Choices(entry="late"))
    assert not late.goes_with(RIGHT)
    walked = HeadReading(change={"truncation": "last steps", "reach": 3}, factors={})
    assert walked.goes_with(Choices(truncation="last steps", reach=3))
    assert not walked.goes_with(Choices(truncation="last steps", reach=2))
    assert not walked.goes_with(Choices(truncation="windows", reach=3))


# How near one array times a constant comes to another.


def fitted(candidates: list, target: list, limit: float | None = None) -> Fit:
    return fit(np.array(candidates, np.float64), np.array(target, np.float64), limit)


def test_a_multiple_fits_with_its_factor_and_nothing_else_does() -> None:
    found = fitted([[2.0, 4.0], [-1.0, -2.0], [0.0, 0.0], [1e-200, 2e-200], [1e200, 2e200]], [1.0, 2.0])
    assert found.residual.tolist() == [0, 0, np.inf, 0, 0]
    np.testing.assert_allclose(found.factor, [0.5, -1.0, np.nan, 1e200, 1e-200], rtol=4 * 2.0**-53)
    off = fitted([[3.0, 4.0]], [4.0, 3.0])  # by least squares 24/25 of it, off by (28/25, −21/25)
    np.testing.assert_allclose(off.residual, [28 / 25 / 4])
    np.testing.assert_allclose(off.factor, [24 / 25])


def test_zeros_are_met_by_zeros_alone_and_nothing_by_what_is_not_a_number() -> None:
    found = fitted([[0.0, 0.0], [0.0, 1e-300]], [0.0, 0.0])
    assert found.residual.tolist() == [0.0, np.inf]
    assert np.isnan(found.factor).all()
    wrong = fitted([[np.nan, 1.0], [np.inf, 1.0], [1.0, 1.0]], [1.0, 1.0])
    assert wrong.residual.tolist() == [np.inf, np.inf, 0.0]
    assert np.isnan(wrong.factor).tolist() == [True, True, False]
    right_angle = fitted([[1.0, 0.0]], [0.0, 1.0])
    assert right_angle.residual.tolist() == [np.inf]


def test_elements_that_were_cut_off_are_left_out() -> None:
    assert fitted([[2.0, 40.0, -90.0]], [1.0, 5.0, -5.0], 5.0).residual.tolist() == [0.0]
    assert fitted([[2.0, 4.0, 40.0]], [1.0, 3.0, 5.0], 5.0).residual[0] > 0.1
    nothing = fitted([[2.0, 40.0]], [5.0, 5.0], 5.0)  # may be anything
    assert nothing.residual.tolist() == [0.0]
    assert np.isnan(nothing.factor).all()


def test_what_is_off_by_half_of_its_digits_is_not_looked_at_again() -> None:
    assert {False: 2.0**-26, True: np.finfo(np.float32).eps ** 0.5} == SCREEN
    found = Fit(residual=np.array([0.0, 2.0**-26, 2.0**-25, np.inf]), factor=np.ones(4))
    assert screened(found, single=False).tolist() == [0, 1]
    assert screened(found, single=True).tolist() == [0, 1, 2]


def test_sums_over_units_are_tried_of_biases_alone_and_where_one_number_fills_them():
    over = {"bias_gradients": "over units"}
    assert over in ways("b", rows=3, per_row=False, filled=True)
    assert over not in ways("b", rows=3, per_row=False, filled=False)
    assert over not in ways("b", rows=3, per_row=True, filled=True)
    assert not any("bias_gradients" in way for way in ways("ih", rows=3, per_row=False, filled=True))
