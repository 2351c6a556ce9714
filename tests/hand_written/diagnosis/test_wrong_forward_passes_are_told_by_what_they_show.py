"""A wrong forward pass is found from states, outputs or a final state alone."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from msgspec import structs

from conformance.cases import Problem, materialise, parse_id
from conformance.faults import RIGHT, Choices, simulate
from conformance.faults.seams import alternatives
from conformance.hand_written.diagnosis import forwards as forwarding
from conformance.hand_written.diagnosis.cover import covers
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.forwards import MOST, SEAMS, fits, forwards, scanned
from conformance.hand_written.diagnosis.material import Material
from conformance.subjects.observation import Observation

GIVEN = materialise(parse_id("rnn-tanh-T6-B3-bf-I4-H5-O2-f64-gain1.2-s0"))
BARE = materialise(parse_id("rnn-relu-nobias-T5-B2-I4-H5-O3-noh0-dlast-f64-s0"))

SHOWN = ("hidden", "output", "y", "h_n")


def showing(problem: Problem, choices: Choices, *names: str) -> Material:
    full = simulate(problem, choices)
    shown = {name: getattr(full, name) for name in names}
    return Material.of(Evidence(problem=problem, observation=Observation(**shown)))


WRONG = [
    Choices(**{seam: choice}) for seam in SEAMS for choice in alternatives(seam)[1:] if choice != "reshaped"
]
UNSEEN = {("start", "first layer's"), ("inputs", "nudged")}
"""One layer starts from the first layer's h_0 in any case, and 1e-12 on x is too little."""


@pytest.mark.parametrize("wrong", WRONG, ids=lambda choices: str(choices.departures()))
def test_every_wrong_forward_pass_is_found_from_its_states_and_outputs(wrong: Choices) -> None:
    expected = RIGHT if UNSEEN & set(wrong.departures().items()) else wrong
    found = forwards(showing(GIVEN, wrong, "hidden", "y"))
    told = {tuple(choices.departures().items()) for choices in found}
    assert tuple(expected.departures().items()) in told
    assert len(found) == len(told)
    for choices in found:  # nothing that gives other states
        assert (
            np.abs(simulate(GIVEN, choices).hidden[0, 0] - simulate(GIVEN, wrong).hidden[0, 0]).max() < 1e-7
        )


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("problem", [GIVEN, BARE], ids=["given", "bare"])
def test_one_part_of_the_forward_pass_is_enough(problem: Problem, name: str) -> None:
    wrong = Choices(activation="halved")
    assert wrong in forwards(showing(problem, wrong, name))
    right = showing(problem, RIGHT, name)
    assert forwards(right)[0] == RIGHT
    assert fits(right, RIGHT)
    assert not fits(right, wrong)


def test_where_nothing_was_shown_the_forward_pass_is_right() -> None:
    assert forwards(showing(GIVEN, Choices(activation="halved"))) == [RIGHT]


def test_three_mistakes_are_found_and_four_are_not() -> None:
    wrong = {"activation": "sigmoid", "recurrence": "none", "biases": "no b_hh", "inputs": "after"}
    assert MOST == 3
    for seams in combinations(wrong, 3):
        choices = Choices(**{seam: wrong[seam] for seam in seams})
        if "recurrence" in seams:
            assert choices in forwards(showing(GIVEN, choices, "hidden"))
    assert forwards(showing(GIVEN, Choices(**wrong), "hidden")) == []


@pytest.mark.parametrize("most", [0, 1])
def test_no_more_mistakes_than_the_most_are_tried(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "MOST", most)
    none, one, two = RIGHT, Choices(kept="before"), Choices(kept="before", biases="none")
    found = [bool(forwards(showing(GIVEN, choices, "hidden"))) for choices in (none, one, two)]
    assert found == [True, most == 1, False]


def test_each_mistake_of_a_forward_pass_is_one_fault() -> None:
    for wrong in WRONG:
        assert {len(faults) for faults in covers(wrong)} == {1}


def test_states_of_another_shape_or_off_in_half_of_their_digits_are_of_no_pass() -> None:
    material = showing(GIVEN, RIGHT, "hidden")
    assert material.states is not None
    largest = np.abs(material.states).max()
    for error, near in ((2.0**-27, True), (2.0**-25, False)):
        off = material.states.copy()
        off[3, 1, 2] += error * largest
        assert fits(structs.replace(material, states=off), RIGHT) is near
        assert fits(structs.replace(material, states=off, single=True), RIGHT)
    assert not fits(structs.replace(material, states=material.states[:-1]), RIGHT)
    assert not fits(structs.replace(material, h_n=np.zeros((3, 5))), RIGHT)


@pytest.mark.parametrize("size", [0.0, 0.25, 4.0])
def test_near_is_what_differs_by_half_of_the_digits_of_the_largest_number_or_less(size: float) -> None:
    simulated = np.array([size, -size / 2])
    for off, near in ((0.0, True), (2.0**-26, True), (2.0**-25, size == 0)):
        assert forwarding._near(simulated + off * size, simulated, single=False) is near


def test_only_outputs_that_the_loss_sees_must_fit() -> None:
    for problem, seen in ((GIVEN, False), (BARE, True)):
        material = showing(problem, RIGHT, "y")
        early, late = (material.y.copy() for _ in range(2))
        early[0] += 1
        late[-1] += 1
        assert fits(structs.replace(material, y=early), RIGHT) is seen
        assert not fits(structs.replace(material, y=late), RIGHT)


def test_a_pass_by_which_outputs_were_recognised_is_taken_where_they_are_not_shown() -> None:
    assumed = Choices(head_input="before")
    for names, told in (((), assumed), (("hidden",), assumed), (("y",), RIGHT)):
        material = structs.replace(showing(GIVEN, RIGHT, *names), assumed=assumed)
        assert forwards(material) == [told]
    odd = structs.replace(showing(GIVEN, Choices(activation="halved"), "hidden"), assumed=assumed)
    assert assumed not in forwards(odd)
    assert forwards(structs.replace(showing(GIVEN, RIGHT), assumed=Choices(activation="halved"))) == [RIGHT]
    ordinary = structs.replace(
        showing(GIVEN, Choices(activation="halved"), "hidden"), assumed=Choices(activation="halved")
    )
    assert forwards(ordinary)[0] == Choices(activation="halved")


def test_choices_that_nothing_can_show_are_not_tried() -> None:
    def tried(material: Material) -> set[str]:
        return {seam for one in forwarding._candidates(material, 1) for seam in one.departures()}

    every = set(SEAMS)
    assert tried(showing(GIVEN, RIGHT, "y")) == every
    assert tried(showing(GIVEN, RIGHT, "hidden")) == every - {"head_input"}
    assert tried(showing(BARE, RIGHT, "y")) == every - {"start", "biases"}
    headless = materialise(replace(GIVEN.case, output_size=0))
    shown = structs.replace(showing(headless, RIGHT), y=np.zeros((6, 3, 2)))
    assert tried(shown) == every - {"head_input"}
    starts = [one.start for one in forwarding._candidates(showing(GIVEN, RIGHT, "y"), 1)]
    assert set(starts) == {"given", "zeros"}
    told = {seam for choices in forwards(showing(BARE, Choices(), "hidden")) for seam in choices.departures()}
    assert told == set()
    assert forwards(showing(BARE, Choices(biases="none"), "hidden")) == [RIGHT]


@pytest.mark.parametrize(("sizes", "told"), [("T1-B2", False), ("T2-B1", False), ("T2-B2", True)])
def test_reshaping_makes_a_difference_where_there_are_two_steps_and_two_samples(
    *, sizes: str, told: bool
) -> None:
    material = showing(materialise(parse_id(f"rnn-tanh-{sizes}-I4-H5-f64-s0")), RIGHT, "hidden")
    tried = {one.inputs for one in forwarding._candidates(material, 1)}
    assert any(how.startswith("reshaped") for how in tried) is told


def test_a_wrong_pass_may_overflow() -> None:
    large = replace(GIVEN, x=np.copysign(1e308, GIVEN.x))
    scan = scanned(showing(large, RIGHT), Choices(activation="none"))
    assert not np.isfinite(scan.states).all()
    assert scan.place == (0, 0)
