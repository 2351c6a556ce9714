"""Where no set of faults fits, each gradient is told for what it is: right, a multiple, zeros, or wrong by so much."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import Case, materialise, parse_id
from conformance.faults import RIGHT, Choices, simulate
from conformance.hand_written.diagnosis.equivalents import constant_of, proportional
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.facts import facts, forward_facts
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reproduction import Reproduction, reproduced, results
from conformance.judge import THRESHOLD
from conformance.subjects.observation import Observation

PROBLEM = materialise(parse_id("rnn-tanh-T6-B3-I4-H5-O2-f64-gain1.2-s0"))
RIGHT_RUN = simulate(PROBLEM)
BATCH_FIRST = materialise(parse_id("rnn-tanh-T6-B3-bf-I4-H5-f64-gain1.2-s0"))


def material_of(observation: Observation, problem=PROBLEM, *, single: bool = False) -> Material:
    return Material.of(Evidence(problem=problem, observation=observation, single=single))


def told(*, single: bool = False, **gradients: np.ndarray) -> list[str]:
    parameters = {name.replace("head_", "head."): g for name, g in gradients.items()}
    return list(facts(material_of(Observation(parameters=parameters), single=single), None))


def right(name: str) -> np.ndarray:
    return RIGHT_RUN.parameters[name]


def test_right_gradients_are_listed_by_their_names() -> None:
    every = {name.replace("head.", "head_"): g for name, g in RIGHT_RUN.parameters.items()}
    assert told(**every) == ["Right: dL/dW_ih, dL/dW_hh, dL/db_ih, dL/db_hh, dL/dW_y, dL/db_y."]
    assert told() == ["No gradient was shown."]
    assert told(weight_elsewhere=np.ones(2)) == ["No gradient was shown."]


def test_gradients_of_inputs_and_initial_states_are_told_in_the_layout_of_the_problem() -> None:
    shown = simulate(BATCH_FIRST)
    material = material_of(Observation(d_x=shown.d_x, d_h_0=shown.d_h_0), BATCH_FIRST)
    assert list(facts(material, None)) == ["Right: dL/dx, dL/dh_0."]
    wrong = material_of(Observation(d_x=-shown.d_x, d_h_0=2 * shown.d_h_0), BATCH_FIRST)
    assert list(facts(wrong, None)) == [
        "dL/dx is the right one times -1.",
        "dL/dh_0 is the right one times 2.",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g: g[:, :3], "dL/dW_ih has the shape (5, 3); expected (5, 4)."),
        (lambda g: g * np.nan, "dL/dW_ih isn't finite in 20 / 20 elements."),
        (lambda g: np.where(g == g.max(), np.inf, g), "dL/dW_ih isn't finite in 1 / 20 elements."),
        (lambda g: 0 * g, "dL/dW_ih is 0 everywhere."),
        (lambda g: g / 6, "dL/dW_ih is the right one times 1/T."),
        (lambda g: g * 0.34567891, "dL/dW_ih is the right one times 0.345679."),
        (lambda g: g + np.abs(g).max() / 4, "dL/dW_ih is wrong by up to 0.25 of its largest element."),
        (np.ones_like, "dL/dW_ih is wrong by up to {} of its largest element, and one number fills it."),
        (
            lambda g: np.outer(g[:, 0], g[0]),
            (
                "dL/dW_ih is wrong by up to {} of its largest element,"
                " and of rank one, as a single step's outer product is."
            ),
        ),
    ],
    ids=["shape", "nan", "inf", "zeros", "size", "number", "off", "one number", "rank one"],
)
def test_a_wrong_gradient_is_told_for_what_it_is(change, words: str) -> None:
    wrong = change(right("weight_ih_l0"))
    if "{}" in words:
        g = right("weight_ih_l0")
        words = words.format(f"{np.abs(wrong - g).max() / np.abs(g).max():.2g}")
    assert told(weight_hh_l0=right("weight_hh_l0"), weight_ih_l0=wrong) == ["Right: dL/dW_hh.", words]
    assert told(weight_ih_l0=wrong) == [words]


def test_vectors_and_single_rows_look_like_nothing() -> None:
    (bias,) = told(bias_ih_l0=np.ones(5))
    assert bias.endswith("of its largest element.")
    one = materialise(parse_id("rnn-tanh-T6-B3-I1-H5-f64-s0"))
    material = material_of(Observation(parameters={"weight_ih_l0": np.ones((5, 1))}), one)
    (column,) = facts(material, None)
    assert column.endswith("of its largest element.")


def test_in_single_precision_half_of_its_digits_are_asked_for() -> None:
    nearly = right("weight_hh_l0") * (1 + 1e-5 * np.random.default_rng(0).standard_normal((5, 5)))
    assert told(single=True, weight_hh_l0=nearly) == ["Right: dL/dW_hh."]
    (words,) = told(weight_hh_l0=nearly)
    assert words.startswith("dL/dW_hh is wrong by up to ")
    sixth = right("weight_hh_l0") / 6 * (1 + 1e-6)
    assert told(single=True, weight_hh_l0=sixth) == ["dL/dW_hh is the right one times 1/T."]
    assert told(weight_hh_l0=sixth) == ["dL/dW_hh is the right one times 0.166667."]


@pytest.mark.parametrize(("field", "called"), [("d_hidden", "dL/dh"), ("d_pre", "dL/da")])
def test_the_step_from_which_gradients_of_steps_are_wrong_is_told(field: str, called: str) -> None:
    true = getattr(RIGHT_RUN, field)[0, 0]

    def words(wrong: np.ndarray, **shown: object) -> list[str]:
        return list(facts(material_of(Observation(**{field: {(0, 0): wrong}}, **shown)), None))

    first = true.copy()
    first[:3] *= 1.5
    known = {"parameters": {"weight_hh_l0": right("weight_hh_l0")}}
    beside = ["Right: dL/dW_hh."]
    assert words(first, **known) == [*beside, f"{called}_t is right down to t = 3 and wrong before."]
    assert words(1.5 * true, **known) == [
        *beside,
        f"{called}_t is wrong at every step, the last one included.",
    ]
    assert words(true, **known) == beside
    assert words(true[:4], **known) == beside
    nan = np.where(np.arange(6)[:, np.newaxis, np.newaxis] == 1, np.nan, true)
    assert words(nan, **known) == [*beside, f"{called}_t is right down to t = 2 and wrong before."]
    off = true + 2.0**-25 * np.abs(true).max() * (np.arange(6) == 2)[:, np.newaxis, np.newaxis]
    assert words(off, **known) == [*beside, f"{called}_t is right down to t = 3 and wrong before."]


def test_up_to_how_many_steps_gradients_are_right_is_told_where_that_is_known() -> None:
    asked: list[int] = []

    def probe(wrong_from: int, missing: tuple[int, ...] = ()):
        def run(case: Case) -> Evidence | None:
            asked.append(case.steps)
            if case.steps in missing:
                return None
            shown = simulate(materialise(case), RIGHT)
            parameters = {
                name: g + (case.steps >= wrong_from) * np.arange(g.size).reshape(g.shape)
                for name, g in shown.parameters.items()
            }
            return Evidence(problem=materialise(case), observation=replace(shown, parameters=parameters))

        return run

    material = material_of(Observation(parameters={"bias_ih_l0": right("bias_ih_l0")}))
    told = [list(facts(material, probe(*how))) for how in ((4,), (1,), (9,), (4, (3,)), (9, (5,)), (5, (3,)))]
    sentence = "All gradients are right for T up to {}, and wrong from T = {} on."
    assert [each[1:] for each in told] == [
        *(
            [sentence.format(3, 4)],
            [],
            [sentence.format(5, 6)],
            [sentence.format(2, 3)],
            [sentence.format(4, 5)],
            [sentence.format(4, 5)],
        )
    ]
    assert asked[:5] == [1, 2, 3, 4, 1]


def test_what_is_known_of_states_is_where_they_begin_to_be_wrong_and_how_large_they_are() -> None:
    states = RIGHT_RUN.hidden[0, 0]

    def words(shown: np.ndarray | None, *, single: bool = False) -> list[str]:
        hidden = {} if shown is None else {(0, 0): shown}
        return list(forward_facts(material_of(Observation(hidden=hidden), single=single)))

    nothing = "No known mistake of a forward pass explains its states."
    assert words(None) == [nothing.replace("states", "outputs")]
    assert words(states[:4]) == [nothing, "The states have the shape (4, 3, 5); expected (6, 3, 5)."]
    late, early = states.copy(), states.copy()
    late[3:] += 1
    early[0, 1, 2] = -7
    between = "They lie between {:.3g} and {:.3g}.".format
    assert words(late) == [nothing, "The states are right up to t = 2.", between(late.min(), late.max())]
    assert words(early) == [nothing, "They are wrong from the first step on.", between(-7, early.max())]
    barely = states.copy()
    barely[4] += 2.0**-25 * np.abs(states).max()
    assert words(barely)[1] == "The states are right up to t = 3."
    beside = (
        "The states are right at every step; no pass of the catalogue makes of them what was shown beside."
    )
    assert words(barely, single=True) == words(states) == [beside]
    nan = states.copy()
    nan[2, 1, 0] = np.nan
    assert words(nan)[1] == "The states are right up to t = 1."


# How far a simulation is from what was shown.


def everything(choices: Choices = RIGHT, factor: float = 1.0, problem=PROBLEM) -> Observation:
    return simulate(problem, choices, factor=factor)


def test_results_are_what_a_network_shows_in_the_order_of_time() -> None:
    found = results(material_of(Observation(), BATCH_FIRST), RIGHT, 2.0)
    shown = everything(factor=2.0, problem=BATCH_FIRST)
    assert np.array_equal(found["hidden"], shown.hidden[0, 0])
    assert np.array_equal(found["d_x"], shown.d_x.swapaxes(0, 1))
    assert np.array_equal(found["h_n"], shown.h_n[0])
    assert np.array_equal(found["d_h_0"], shown.d_h_0[0])
    assert np.array_equal(found["d_hidden"], shown.d_hidden[0, 0])
    assert np.array_equal(found["d_pre"], shown.d_pre[0, 0])
    assert set(found) == {"hidden", "h_n", "d_x", "d_h_0", "d_hidden", "d_pre", *shown.parameters}
    for name, gradient in shown.parameters.items():
        assert np.array_equal(found[name], gradient)
    last = materialise(parse_id("rnn-tanh-T6-single-I4-H5-O2-noh0-dlast-f64-s0"))
    assert np.array_equal(
        results(material_of(Observation(), last), RIGHT)["y"], simulate(last).y[-1:, np.newaxis]
    )
    assert np.array_equal(results(material_of(Observation()), RIGHT)["y"], RIGHT_RUN.y)


@pytest.mark.parametrize("factor", [1.0, -0.5])
def test_a_network_s_own_simulation_is_within_its_noise(factor: float) -> None:
    for problem in (PROBLEM, BATCH_FIRST):
        wrong = Choices(carry="untransposed")
        found = reproduced(material_of(everything(wrong, factor, problem), problem), wrong, factor)
        assert found.fits
        assert set(found.distances) == set(found.noise)
        assert set(found.distances) >= {"hidden", "h_n", "d_x", "d_h_0", "d_hidden", "d_pre", "weight_ih_l0"}
        assert all(distance == 0 for distance in found.distances.values())
        assert found.residual == 0


def test_a_distance_is_in_units_of_the_noise_of_the_worst_element() -> None:
    exact = reproduced(material_of(everything()), RIGHT, 1.0)
    for name in RIGHT_RUN.parameters:
        gradient = right(name)
        largest = np.abs(gradient).max()
        off = gradient + 40 * exact.noise[name] * largest
        shown = Observation(parameters={**RIGHT_RUN.parameters, name: off})
        found = reproduced(material_of(shown), RIGHT, 1.0)
        assert found.distances[name] >= 39  # the noise of the other elements is no greater
        assert not found.fits
        assert found.residual == found.distances[name]
        assert max(distance for other, distance in found.distances.items() if other != name) == 0
        assert 1e-17 < exact.noise[name] < 1e-12


def test_in_single_precision_noise_is_that_of_single_precision() -> None:
    double, single = (
        reproduced(material_of(everything(), single=s), RIGHT, 1.0).noise for s in (False, True)
    )
    for name in double:
        assert 2.0**27 < single[name] / double[name] < 2.0**31


def test_another_shape_and_what_is_not_a_number_are_infinitely_far() -> None:
    shape = material_of(Observation(parameters={"weight_hh_l0": np.ones((5, 4))}))
    assert reproduced(shape, RIGHT, 1.0).distances == {"weight_hh_l0": np.inf}
    nan = right("bias_ih_l0").copy()
    nan[2] = np.nan
    assert reproduced(material_of(Observation(parameters={"bias_ih_l0": nan})), RIGHT, 1.0).residual == np.inf
    assert Reproduction(distances={}, noise={}).fits
    assert Reproduction(distances={"y": THRESHOLD}, noise={}).fits
    assert not Reproduction(distances={"y": THRESHOLD * 1.01, "h_n": 0.0}, noise={}).fits


def test_a_gradient_read_off_an_update_is_known_less_well_the_smaller_the_rate() -> None:
    shown = Observation(parameters=RIGHT_RUN.parameters)
    noise = {
        rate: reproduced(
            Material.of(Evidence(problem=PROBLEM, observation=shown, rate=rate)), RIGHT, 1.0
        ).noise
        for rate in (None, 1.0, 1e-6)
    }
    for name, held in PROBLEM.parameters.items():
        lost = 2 * 2.0**-53 * np.abs(held).max() / np.abs(right(name)).max()
        assert 0.9e6 * lost < noise[1e-6][name] < 1.1e6 * lost + 10 * noise[None][name]
        assert noise[None][name] < noise[1.0][name] < noise[None][name] + 1.1 * lost


def test_where_only_the_last_output_is_seen_only_that_is_compared() -> None:
    last = materialise(parse_id("rnn-tanh-T6-B2-I4-H5-O2-noh0-dlast-f64-s0"))
    y = simulate(last).y.copy()
    y[:-1] = 99
    assert reproduced(material_of(Observation(y=y), last), RIGHT, 1.0).distances == {"y": 0.0}
    y[-1] += 1e-9
    assert reproduced(material_of(Observation(y=y), last), RIGHT, 1.0).residual > THRESHOLD


# One constant on all gradients.


def test_gradients_up_to_one_constant_are_those_of_a_network() -> None:
    wrong = Choices(carry="none")
    for factor in (1.0, -3.0, 1e-5):
        material = material_of(Observation(parameters=everything(wrong, factor).parameters))
        assert constant_of(material, wrong) == pytest.approx(factor)
        assert proportional(material, wrong)
        assert not proportional(material, RIGHT)
    mixed = dict(RIGHT_RUN.parameters) | {"bias_ih_l0": 2 * right("bias_ih_l0")}
    material = material_of(Observation(parameters=mixed))
    assert not proportional(material, RIGHT)
    assert constant_of(material, RIGHT, "bias_ih_l0") == pytest.approx(2)
    assert constant_of(material, RIGHT, "weight_hh_l0") == pytest.approx(1)


def test_the_constant_is_that_of_the_largest_gradient_and_1_where_there_is_none() -> None:
    small = {"bias_ih_l0": 1e-9 * right("bias_ih_l0"), "weight_hh_l0": 7 * right("weight_hh_l0")}
    assert constant_of(material_of(Observation(parameters=small)), RIGHT) == pytest.approx(7)
    assert constant_of(material_of(Observation()), RIGHT) == 1
    assert constant_of(material_of(Observation(parameters={"bias_ih_l0": np.zeros(5)})), RIGHT) == 1
    assert constant_of(material_of(Observation(parameters={"bias_ih_l0": np.ones(4)})), RIGHT) == 1
    assert constant_of(material_of(Observation(parameters={"elsewhere": np.ones(4)})), RIGHT) == 1
    assert constant_of(material_of(Observation(parameters={"bias_ih_l0": np.zeros(0)})), RIGHT) == 1
    below_1 = {"weight_hh_l0": 1e-9 * right("weight_hh_l0"), "bias_ih_l0": 1e-3 * right("bias_ih_l0")}
    assert constant_of(material_of(Observation(parameters=below_1)), RIGHT) == pytest.approx(1e-3)
    nan = {"bias_ih_l0": np.array([1.0, np.nan, 1, 1, 1])}
    assert constant_of(material_of(Observation(parameters=nan)), RIGHT) == 1
    inner = material_of(Observation(d_x=3 * RIGHT_RUN.d_x))
    assert constant_of(inner, RIGHT, "d_x") == pytest.approx(3)
    assert constant_of(inner, RIGHT) == 1
