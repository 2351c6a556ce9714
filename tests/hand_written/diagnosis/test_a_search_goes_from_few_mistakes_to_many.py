"""The search: what decides, how deep it goes, and what it keeps of loops that explain some gradients."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from conformance.cases import materialise, parse_id
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.faults import RIGHT, Choices, simulate
from conformance.faults.seams import alternatives
from conformance.hand_written.budget import Budget
from conformance.hand_written.diagnosis import Evidence, diagnose
from conformance.hand_written.diagnosis import search as searching
from conformance.hand_written.diagnosis.assembly import SPARE, Partial, assembled
from conformance.hand_written.diagnosis.axes import axes_of
from conformance.hand_written.diagnosis.diagnose import _nearest_miss
from conformance.hand_written.diagnosis.forwards import scanned
from conformance.hand_written.diagnosis.material import CLIPS, Material
from conformance.hand_written.diagnosis.reproduction import Reproduction
from conformance.hand_written.diagnosis.search import BLOCK, MOST, Searched, _blocks, search
from conformance.hand_written.diagnosis.setting import TELLING, Setting
from conformance.subjects.observation import Observation

PROBLEM = materialise(parse_id("rnn-tanh-T6-B3-I4-H5-O2-noh0-dout-f64-gain1.2-s0"))
NAMES_OF_CELL = ("bias_ih_l0", "bias_hh_l0", "weight_ih_l0", "weight_hh_l0")
NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", HEAD_WEIGHT, HEAD_BIAS)


def material_of(
    choices: Choices = RIGHT, *, without: tuple[str, ...] = (), factor: float = 1.0, **inner: bool
) -> Material:
    full = simulate(PROBLEM, choices, factor=factor)
    parameters = {name: g for name, g in full.parameters.items() if name not in without}
    shown = {name: getattr(full, name) for name, wanted in inner.items() if wanted}
    return Material.of(Evidence(problem=PROBLEM, observation=Observation(parameters=parameters, **shown)))


def setting_of(choices: Choices = RIGHT, **options: object) -> Setting:
    return Setting.of(material_of(choices, **options), RIGHT)


def test_material_is_laid_out_as_the_simulation_is() -> None:
    bf = materialise(parse_id("rnn-tanh-T6-B3-bf-I4-H5-O2-f64-s0"))
    full = simulate(bf)
    found = Material.of(Evidence(problem=bf, observation=full, rate=0.5, single=True))
    assert np.array_equal(found.states, full.hidden[0, 0])
    assert np.array_equal(found.y, full.y.swapaxes(0, 1))
    assert np.array_equal(found.h_n, full.h_n[0])
    assert np.array_equal(found.inner["d_x"], full.d_x.swapaxes(0, 1))
    assert np.array_equal(found.inner["d_h_0"], full.d_h_0[0])
    assert np.array_equal(found.inner["d_hidden"], full.d_hidden[0, 0])
    assert np.array_equal(found.inner["d_pre"], full.d_pre[0, 0])
    assert list(found.inner) == ["d_x", "d_h_0", "d_hidden", "d_pre"]
    assert (found.rate, found.single) == (0.5, True)
    assert np.array_equal(found.seen, bf.head.d_y.swapaxes(0, 1))
    assert np.array_equal(found.d_h_n, bf.d_h_n[0])
    assert np.array_equal(found.weights.b_hh, bf.weights["bias_hh_l0"])
    output = Material.of(Evidence(problem=bf, observation=Observation(output=full.output)))
    assert np.array_equal(output.states, full.hidden[0, 0])
    nothing = Material.of(Evidence(problem=bf, observation=Observation()))
    assert (nothing.states, nothing.y, nothing.h_n, nothing.inner, nothing.parameters) == (
        None,
        None,
        None,
        {},
        {},
    )
    unbiased = materialise(parse_id("rnn-tanh-nobias-T6-B3-I4-H5-f64-s0"))
    weights = Material.of(Evidence(problem=unbiased, observation=Observation())).weights
    assert (weights.b_ih, weights.b_hh) == (None, None)
    whole = Material.of(
        Evidence(problem=bf, observation=Observation(parameters={"a": np.ones(2, np.float32)}))
    )
    assert whole.parameters["a"].dtype == np.float64
    single = Material.of(Evidence(problem=bf, observation=Observation(d_x=full.d_x.astype(np.float32))))
    assert single.inner["d_x"].dtype == np.float64
    for early, used in ((True, 0.5), (False, None)):
        known = Material.of(Evidence(problem=bf, observation=full, rate=0.5, early=early, crossed=early))
        assert (known.early_rate, known.crossed) == (used, early)


def test_the_largest_element_is_a_limit_where_it_is_one_exactly_and_the_norm_is_that_of_all() -> None:
    for value in (*CLIPS, 2.0):
        parameters = {"a": np.array([0.5, -value]), "b": np.array([[0.25]])}
        material = Material.of(Evidence(problem=PROBLEM, observation=Observation(parameters=parameters)))
        assert material.limit == (value if value in CLIPS else None)
        assert material.norm == pytest.approx(np.sqrt(0.25 + value**2 + 0.0625))
    for parameters in ({}, {"a": np.zeros(0)}, {"a": np.full(3, 0.5)}, {"a": np.array([1.0, np.nan])}):
        shown = Observation(parameters=parameters)
        assert Material.of(Evidence(problem=PROBLEM, observation=shown)).limit is None


def test_gradients_of_biases_come_first_but_for_those_that_are_zero() -> None:
    setting = setting_of(d_x=True, d_hidden=True)
    assert setting.names == ("bias_ih_l0", "bias_hh_l0", "weight_ih_l0", "weight_hh_l0", "d_x", "d_hidden")
    dropped = setting_of(Choices(bias_gradients="b_ih dropped"))
    assert dropped.names == ("bias_hh_l0", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0")
    assert dropped.dropped("bias_ih_l0")
    assert not dropped.dropped("bias_hh_l0")
    assert dropped.deciding == ("bias_hh_l0", "weight_ih_l0", "weight_hh_l0")
    assert dropped.blind == frozenset()


def test_where_no_gradient_of_a_bias_tells_anything_its_seams_are_blind() -> None:
    blind = frozenset({"reduce_b", "formed_b"})
    assert setting_of(without=("bias_ih_l0", "bias_hh_l0")).blind == blind
    assert setting_of(Choices(bias_gradients="both dropped")).blind == blind
    assert setting_of(without=("bias_ih_l0",)).blind == frozenset()


def test_a_gradient_decides_with_three_numbers_that_are_not_all_zero() -> None:
    tiny = materialise(parse_id("rnn-tanh-T4-B2-I4-H2-noh0-dout-f64-s0"))
    observation = Observation(parameters=simulate(tiny).parameters)
    setting = Setting.of(Material.of(Evidence(problem=tiny, observation=observation)), RIGHT)
    assert TELLING == 3
    assert setting.names[:2] == ("bias_ih_l0", "bias_hh_l0")
    assert setting.deciding == ("weight_ih_l0", "weight_hh_l0")
    three = materialise(parse_id("rnn-tanh-T4-B2-I4-H3-noh0-dout-f64-s0"))
    enough = Observation(parameters=simulate(three).parameters)
    assert (
        Setting.of(Material.of(Evidence(problem=three, observation=enough)), RIGHT).deciding == NAMES_OF_CELL
    )
    zeros = {name: 0 * g for name, g in observation.parameters.items()}
    nothing = Setting.of(
        Material.of(Evidence(problem=tiny, observation=Observation(parameters=zeros))), RIGHT
    )
    assert nothing.deciding == ("weight_ih_l0", "weight_hh_l0")


@pytest.mark.parametrize("factor", [1.0, -0.25])
def test_loops_run_with_the_constant_and_the_loss_of_the_head(factor: float) -> None:
    setting = setting_of(Choices(head_loss="softmax"), factor=factor)
    assert setting.factor == pytest.approx(factor)
    assert setting.head_explained
    assert [dict(a) for a in setting.axes["head_loss"].alternatives] == [{"head_loss": "softmax"}]
    without = setting_of(factor=factor, without=(HEAD_WEIGHT, HEAD_BIAS))
    assert (without.factor, without.heads, without.head_explained) == (1.0, (), True)
    assert len(without.axes["head_loss"].alternatives) == len(alternatives("head_loss"))
    found = setting.tables.run(next(iter(setting.axes.plans(0))))
    want = simulate(PROBLEM, Choices(head_loss="softmax"), factor=factor).d_hidden[0, 0]
    np.testing.assert_allclose(found.d_h[0], want, rtol=1e-9, atol=1e-12)


def test_a_head_whose_gradients_are_zeros_tells_no_constant() -> None:
    full = simulate(PROBLEM)
    zeros = {name: 0 * g if name.startswith("head") else g for name, g in full.parameters.items()}
    dead = replace(PROBLEM, head=replace(PROBLEM.head, d_y=0 * PROBLEM.head.d_y))  # any constant would do
    for problem in (PROBLEM, dead):
        material = Material.of(Evidence(problem=problem, observation=Observation(parameters=zeros)))
        setting = Setting.of(material, RIGHT)
        assert setting.heads
        assert setting.factor == 1.0


def test_a_setting_is_of_its_forward_pass() -> None:
    base = Choices(activation="sigmoid")
    material = material_of(base)
    setting = Setting.of(material, base)
    assert setting.axes["derivative"] == axes_of(PROBLEM, None, base)["derivative"]
    assert setting.axes["derivative"] != axes_of(PROBLEM, None)["derivative"]
    assert setting.scan is setting.tables.scan is setting.former.scan
    assert np.array_equal(setting.scan.states, scanned(material, base).states)


def test_what_the_head_passes_back_after_an_update_is_of_the_states_that_the_update_read() -> None:
    wrong = Choices(head_read="before", head_carry="updated", rate=0.5)
    full = simulate(PROBLEM, wrong)
    shown = Observation(parameters=full.parameters)
    setting = Setting.of(Material.of(Evidence(problem=PROBLEM, observation=shown, rate=0.5)), RIGHT)
    plans = np.concatenate(list(setting.axes.plans(1)))
    loop = structs.replace(wrong, head_read="own")
    at = [n for n, plan in enumerate(plans) if setting.axes.choices(plan) == loop]
    found = setting.tables.run(plans[at])
    np.testing.assert_allclose(found.d_h[0], full.d_hidden[0, 0], rtol=1e-9, atol=1e-12)


def test_the_gradient_of_a_reshaped_input_is_read_in_the_shape_that_the_loop_gives() -> None:
    problem = materialise(parse_id("rnn-tanh-T4-B3-bf-I4-H5-noh0-dout-f64-gain1.2-s0"))
    for inputs in (how for how in alternatives("inputs") if how.startswith(("own", "reshaped"))):
        base = Choices(inputs=inputs)
        full = simulate(problem, base)
        shown = Observation(d_x=full.d_x, d_hidden=full.d_hidden)
        setting = Setting.of(Material.of(Evidence(problem=problem, observation=shown)), base)
        plans = next(iter(setting.axes.plans(0)))
        for name in ("d_x", "d_hidden"):
            right, *_ = setting.fits(name, plans, setting.tables.run(plans))
            assert right[1].residual[0] < 1e-12, (inputs, name)


def test_a_gradient_fits_as_far_as_it_was_not_cut_off_and_in_no_more_ways_than_asked_for() -> None:
    full = simulate(PROBLEM, factor=20.0)
    clipped = {name: np.clip(g, -1, 1) for name, g in full.parameters.items()}
    material = Material.of(
        Evidence(problem=PROBLEM, observation=Observation(parameters=clipped, d_x=full.d_x), rate=0.5)
    )
    assert material.limit == 1
    setting = Setting.of(
        structs.replace(material, call=structs.replace(material.call, d_output=20 * material.seen)), RIGHT
    )
    plans = next(iter(setting.axes.plans(0)))
    loops = setting.tables.run(plans)
    for name in NAMES_OF_CELL:
        right, *others = setting.fits(name, plans, loops, 1)
        assert right[0] == {}
        assert right[1].residual[0] < 1e-12
        assert {len(change) for change, _ in others} == {1}
        assert max(len(change) for change, _ in setting.fits(name, plans, loops)) > 1
    updated = [change for change, _ in setting.fits("d_x", plans, loops) if "update" in change]
    assert updated == [{"update": "before", "rate": 0.5}]


def test_a_head_that_nothing_explains_is_said_to_be_so() -> None:
    material = material_of()
    wrong = structs.replace(
        material, parameters={**material.parameters, HEAD_WEIGHT: np.arange(10.0).reshape(2, 5)}
    )
    setting = Setting.of(wrong, RIGHT)
    assert (setting.heads, setting.head_explained) == ((), False)
    found = search(setting)
    assert found.hypotheses == []
    assert {each.choices for each in found.partial} >= {RIGHT}
    assert found.tried < sum(len(p) for count in range(4) for p in setting.axes.plans(count))


def test_a_right_network_is_found_without_a_single_mistake() -> None:
    found = search(setting_of())
    assert found.fewest == 0
    assert {h.faults for h in found.hypotheses if h.cost == 0} == {()}
    assert found.tried == 1
    assert found.matches == dict.fromkeys(setting_of().deciding, 1)
    assert Searched().fewest == MOST


def test_one_mistake_is_found_in_the_second_round_and_nothing_deeper_is_tried() -> None:
    setting = setting_of(Choices(carry="untransposed"))
    found = search(setting)
    plans = [sum(len(p) for p in setting.axes.plans(count)) for count in range(2)]
    assert found.tried == sum(plans)
    assert found.fewest == 1
    assert {h.faults for h in found.hypotheses if h.cost == 1} == {("carry-not-transposed",)}
    assert set(found.nearest) == set(setting.deciding)
    assert all(miss > 2.0**-26 for miss in found.nearest.values())


def test_nothing_of_a_backward_pass_leaves_the_forward_pass_to_be_named() -> None:
    problem = materialise(parse_id("rnn-tanh-T4-B2-I4-H5-f64-s0"))
    wrong = Choices(activation="sigmoid")
    shown = Observation(hidden=simulate(problem, wrong).hidden)
    found = diagnose(Evidence(problem=problem, observation=shown))
    assert found.explained
    assert found.faults
    assert found.choices == wrong


def test_progress_is_told_and_the_search_ends_at_the_depth_it_was_given() -> None:
    told: list[str] = []
    material = material_of()
    odd = {**material.parameters, "weight_hh_l0": np.arange(25.0).reshape(5, 5) ** 2}
    setting = Setting.of(structs.replace(material, parameters=odd), RIGHT)
    found = search(setting, told.append, deepest=1)
    assert found.hypotheses == []
    assert found.tried == sum(len(p) for count in range(2) for p in setting.axes.plans(count))
    assert told[0] == "tried 1 backward loops, now with 0 mistakes"
    assert told[-1] == f"tried {found.tried:,} backward loops, now with 1 mistakes"


def test_a_search_whose_budget_is_spent_tells_what_it_has_and_how_far_it_came() -> None:
    material = material_of()
    odd = {**material.parameters, "weight_hh_l0": np.arange(25.0).reshape(5, 5) ** 2}
    setting = Setting.of(structs.replace(material, parameters=odd), RIGHT)
    found = search(setting, budget=Budget(most=0))
    assert (found.tried, found.stopped, found.hypotheses) == (0, 0, [])
    assert search(setting, deepest=1).stopped is None
    one_loop = simulate(PROBLEM).hidden[0, 0].size
    budget = Budget(most=one_loop)
    assert search(setting, budget=budget, deepest=1).stopped == 1
    assert budget.spent == one_loop
    assert search(setting, budget=Budget(most=one_loop + 1), deepest=1).stopped is None
    shown = Observation(hidden=simulate(PROBLEM).hidden, parameters=odd)
    told = diagnose(Evidence(problem=PROBLEM, observation=shown), budget=Budget(most=0))
    assert not told.explained
    assert told.known[-1] == (
        "The search was stopped after 0 backward loops: sets of 0 mistakes weren't all tried."
    )


def test_plans_run_in_blocks_that_are_not_too_large_and_lose_none() -> None:
    sizes = [3, BLOCK - 3, 1, 2 * BLOCK + 5, 7]
    parts = [np.arange(size)[:, np.newaxis] + 10 * BLOCK * n for n, size in enumerate(sizes)]
    blocks = list(_blocks(iter(parts)))
    assert np.array_equal(np.concatenate(blocks), np.concatenate(parts))
    assert all(len(block) <= BLOCK for block in blocks)
    assert len(blocks[0]) == BLOCK
    assert len(blocks) == 5
    assert list(_blocks(iter([]))) == []


def test_the_gradient_that_the_fewest_loops_explain_decides() -> None:
    setting = setting_of()
    found = Searched(matches={"bias_ih_l0": 3, "bias_hh_l0": 3, "weight_ih_l0": 2, "weight_hh_l0": 2})
    assert searching._most_telling(setting, found) == ("weight_ih_l0",)


def test_a_loop_that_explains_one_gradient_is_kept_with_what_each_takes() -> None:
    material = material_of(Choices(h_read="own", carry="none"))
    odd = {**material.parameters, "weight_ih_l0": np.arange(20.0).reshape(5, 4) ** 2}
    setting = Setting.of(structs.replace(material, parameters=odd), RIGHT)
    plans = np.concatenate(list(setting.axes.plans(1)))
    at = [n for n, plan in enumerate(plans) if setting.axes.choices(plan) == Choices(carry="none")]
    found = setting.tables.run(plans[at])
    whole, partial = assembled(setting, plans[at], found, "bias_ih_l0", 7)
    assert whole == []
    (part,) = partial
    assert part.choices == Choices(carry="none")
    assert part.readings == {"bias_ih_l0": {}, "bias_hh_l0": {}, "weight_hh_l0": {"h_read": "own"}}
    assert part.with_reading("weight_hh_l0") == Choices(carry="none", h_read="own")
    assert SPARE == 1


def test_all_gradients_together_make_hypotheses_of_no_more_faults_than_allowed() -> None:
    wrong = Choices(carry="none", h_read="own", head_bias="doubled")
    setting = setting_of(wrong, factor=0.5)
    plans = np.concatenate(list(setting.axes.plans(1)))
    at = [n for n, plan in enumerate(plans) if setting.axes.choices(plan) == Choices(carry="none")]
    found = setting.tables.run(plans[at])
    (whole, partial) = assembled(setting, plans[at], found, "bias_ih_l0", 7)
    assert partial == []
    best = min(whole, key=lambda h: h.cost)
    assert best.choices == wrong
    assert best.scale == pytest.approx(0.5)
    assert best.cost == len(best.faults) == 3
    assert assembled(setting, plans[at], found, "bias_ih_l0", 2) == ([], [])
    odd = setting_of(wrong, factor=0.3)
    (first, *_) = sorted(
        assembled(odd, plans[at], odd.tables.run(plans[at]), "bias_ih_l0", 7)[0], key=lambda h: h.cost
    )
    assert first.cost == 4  # a constant that no sizes make counts as one


def test_the_nearest_miss_is_told_in_noise_of_the_gradient_that_decided() -> None:
    reproduction = Reproduction(distances={}, noise={"a": 2.0, "b": 0.5, "c": 0.0})
    searched = [Searched(nearest={"a": 8.0, "b": 3.0, "c": 1e-9}), Searched(nearest={"b": np.inf, "d": 1e-9})]
    assert _nearest_miss(searched, reproduction) == 4.0
    assert _nearest_miss([Searched(nearest={"a": np.inf})], reproduction) is None
    assert _nearest_miss([], reproduction) is None
    assert _nearest_miss([Searched(nearest={"a": 8.0, "b": 1.0})], reproduction) == 2.0


def test_a_diagnosis_tells_the_constant_its_name_and_how_far_gradients_reach() -> None:
    def found(choices: Choices, factor: float):
        full = simulate(PROBLEM, choices, factor=factor)
        return diagnose(Evidence(problem=PROBLEM, observation=replace(full, step_parameters={})))

    cut = found(Choices(truncation="segments", reach=3), 1 / 6)
    assert cut.explained
    assert (cut.choices.truncation, cut.choices.reach) == ("segments", 3)
    assert cut.known == ("Gradients are cut off after 3 steps.",)
    assert (cut.scale, cut.scale_name) == (pytest.approx(1 / 6), "1/T")
    assert cut.residual is not None
    assert cut.residual < 30
    right = found(RIGHT, 0.3)
    assert (right.faults, right.scale_name, right.known) == ((), "", ())
    assert right.scale == pytest.approx(0.3)
    assert right.choices == RIGHT
    assert right.by_parameter == {}


def test_a_wrong_forward_pass_is_told_where_no_gradient_can_be() -> None:
    wrong = Choices(kept="before")
    full = simulate(PROBLEM, wrong)
    odd = {name: np.arange(float(g.size)).reshape(g.shape) ** 2 for name, g in full.parameters.items()}
    found = diagnose(Evidence(problem=PROBLEM, observation=Observation(hidden=full.hidden, parameters=odd)))
    assert not found.explained
    assert found.forward == wrong
    assert found.known == ("Its forward pass alone is reproduced by states-shifted.",)
    assert found.nearest_miss is None


def test_a_partial_reading_is_what_it_says() -> None:
    part = Partial(choices=Choices(carry="none"), readings={"a": {"h_read": "last"}})
    assert part.with_reading("a") == Choices(carry="none", h_read="last")
