"""Sets of faults with the same evidence are told apart by other cases; each gradient may have a story of its own."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import Case, materialise, parse_id
from conformance.faults import RIGHT, Choices, simulate
from conformance.hand_written.diagnosis import explanations as telling
from conformance.hand_written.diagnosis.assembly import Hypothesis, Partial
from conformance.hand_written.diagnosis.equivalents import Proved, distinguished
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.explanations import TRIED, explanations
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reproduction import Reproduction
from conformance.judge import THRESHOLD
from conformance.subjects.observation import Observation

CASE = parse_id("rnn-tanh-T5-B2-I4-H5-O2-noh0-dlast-f64-s0")
NONE, UNTRANSPOSED = Choices(carry="none"), Choices(carry="untransposed")


def proved(*choices: Choices) -> list[Proved]:
    nothing = Reproduction(distances={}, noise={})
    return [
        Proved(hypothesis=Hypothesis(choices=c, scale=1.0, faults=(), cost=1), reproduction=nothing)
        for c in choices
    ]


def network(choices: Choices, asked: list[Case], answers: Callable[[Case], bool] = lambda _: True):
    def probe(case: Case) -> Evidence | None:
        asked.append(case)
        problem = materialise(case)
        return Evidence(problem=problem, observation=simulate(problem, choices)) if answers(case) else None

    return probe


def test_without_another_case_all_sets_are_left() -> None:
    both = proved(NONE, UNTRANSPOSED)
    assert distinguished(both, CASE, None) == both
    assert distinguished(both, CASE, lambda _: None) == both


def test_the_first_case_that_differs_decides() -> None:
    both, asked = proved(NONE, UNTRANSPOSED), []
    assert distinguished(both, CASE, network(UNTRANSPOSED, asked)) == both[1:]
    assert asked == [replace(CASE, h_0=True)]


def test_sets_that_make_the_same_choices_are_not_asked_about() -> None:
    same, asked = proved(NONE, NONE), []
    assert distinguished(same, CASE, network(UNTRANSPOSED, asked)) == same
    assert asked == []


def test_a_network_that_fits_no_set_elsewhere_leaves_all_of_them() -> None:
    both, asked = proved(NONE, UNTRANSPOSED), []
    assert distinguished(both, CASE, network(RIGHT, asked)) == both
    assert asked == [
        replace(CASE, h_0=True),
        replace(CASE, cotangents="output"),
        replace(CASE, steps=8),
        replace(CASE, cotangents="output", h_0=True),
    ]


def test_a_case_that_the_network_does_not_admit_is_passed_over() -> None:
    both, asked = proved(NONE, UNTRANSPOSED), []
    assert distinguished(both, CASE, network(NONE, asked, lambda case: case.steps == 8)) == both[:1]
    assert len(asked) == 3


def test_other_cases_have_another_loss_an_initial_state_or_more_steps() -> None:
    for cotangents, other in (("output", "last"), ("both", "output"), ("h_n", "output")):
        case, asked = replace(CASE, cotangents=cotangents, h_0=True, output_size=0), []
        distinguished(proved(NONE, UNTRANSPOSED), case, network(RIGHT, asked))
        assert asked == [replace(case, cotangents=other), replace(case, steps=8)]


def test_evidence_elsewhere_may_carry_another_constant() -> None:
    def probe(case: Case) -> Evidence:
        problem = materialise(case)
        return Evidence(problem=problem, observation=simulate(problem, NONE, factor=-1 / case.steps))

    both = proved(NONE, UNTRANSPOSED)
    assert distinguished(both, CASE, probe) == both[:1]


# Stories of single gradients.

PROBLEM = materialise(parse_id("rnn-tanh-T6-B3-I4-H5-O2-f64-gain1.2-s0"))


def stories_of(parts: list[tuple[Choices, dict]], **shown: np.ndarray) -> dict[str, tuple[str, ...]]:
    inner = {name: shown.pop(name) for name in ("d_x", "d_h_0") if name in shown}
    material = Material.of(Evidence(problem=PROBLEM, observation=Observation(parameters=shown, **inner)))
    return explanations(
        material, [Partial(choices=choices, readings=readings) for choices, readings in parts]
    )


def test_each_gradient_has_the_smallest_set_that_reproduces_it_times_any_constant() -> None:
    wrong, own = simulate(PROBLEM, NONE), simulate(PROBLEM, Choices(h_read="own"))
    shown = {
        "weight_ih_l0": 3 * wrong.parameters["weight_ih_l0"],
        "weight_hh_l0": own.parameters["weight_hh_l0"],
        "bias_ih_l0": np.ones(5),
        "d_x": own.d_x,
    }
    found = stories_of(
        [
            (NONE, {"weight_ih_l0": {}, "bias_ih_l0": {}}),
            (RIGHT, {"weight_hh_l0": {"h_read": "own"}, "d_x": {}, "weight_ih_l0": {}}),
        ],
        **shown,
    )
    assert found == {
        "weight_ih_l0": ("carry-missing",),
        "weight_hh_l0": ("h-t-for-h-previous",),
        "d_x": (),
    }


@pytest.mark.parametrize(("distance", "told"), [(THRESHOLD, True), (1.01 * THRESHOLD, False)])
def test_a_story_is_within_the_noise(*, distance: float, told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Reproduction(distances={"weight_hh_l0": distance}, noise={})
    monkeypatch.setattr(telling, "reproduced", lambda *_: found)
    right = simulate(PROBLEM).parameters["weight_hh_l0"]
    explanations = stories_of([(RIGHT, {"weight_hh_l0": {}})], weight_hh_l0=right)
    assert explanations == ({"weight_hh_l0": ()} if told else {})


def test_sets_are_tried_by_size_and_those_that_read_more_gradients_first() -> None:
    right = simulate(PROBLEM).parameters["weight_hh_l0"]
    double = Choices(carry="none", carried="dh")
    assert stories_of(
        [(double, {"weight_hh_l0": {}}), (RIGHT, {"weight_hh_l0": {}})], weight_hh_l0=right
    ) == {"weight_hh_l0": ()}
    wrong = [
        (Choices(entry=how), {"weight_hh_l0": {}, "d_x": {}})
        for how in ("early", "late", "reversed", "last only")
    ]
    assert len(wrong) == TRIED
    one = simulate(PROBLEM, NONE).parameters["weight_hh_l0"]
    assert stories_of([(NONE, {"weight_hh_l0": {}}), *wrong], weight_hh_l0=one) == {}  # tried too late
    first = [(NONE, {"weight_hh_l0": {}, "d_x": {}, "d_h_0": {}}), *wrong]
    assert stories_of(first[::-1], weight_hh_l0=one) == {"weight_hh_l0": ("carry-missing",)}
    assert stories_of([(NONE, {"weight_hh_l0": {}}), *wrong[1:]], weight_hh_l0=one) == {
        "weight_hh_l0": ("carry-missing",)
    }
