"""Mistakes outside the catalogue are never given a name, and what is known of them is said; random sets are found."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import Unsupported, UsageError
from conformance.cases import Case, materialise, parse_id
from conformance.faults import CATALOGUE, RIGHT, Choices, choices_of, simulate
from conformance.hand_written.diagnosis import Diagnosis, Evidence, diagnose
from conformance.judge import THRESHOLD
from conformance.subjects.observation import Observation

CASE = parse_id("rnn-tanh-T8-B3-I4-H5-O2-noh0-dout-f64-gain1.2-s0")
OUTSIDE = {
    "noise": lambda g: g + 0.01 * np.random.default_rng(0).standard_normal(g.shape),
    "an element": lambda g: g + 0.01 * (np.arange(g.size).reshape(g.shape) == 3),
    "a sign within": lambda g: g * np.where(np.arange(g.size).reshape(g.shape) % 2, -1, 1),
    "squared": np.square,
    "rolled": lambda g: np.roll(g, 1, axis=0),
    "slightly off": lambda g: g * (1 + 1e-9 * np.random.default_rng(0).standard_normal(g.shape)),
    "not a number": lambda g: g * np.nan,
}
"""What spoils a gradient in a way that no entry of the catalogue has."""


def shown(case: Case, choices: Choices = RIGHT) -> Observation:
    full = simulate(materialise(case), choices)
    return Observation(y=full.y, hidden=full.hidden, parameters=full.parameters)


def spoilt(name: str, spoil: Callable[[np.ndarray], np.ndarray], choices: Choices = RIGHT) -> Diagnosis:
    observation = shown(CASE, choices)
    parameters = {**observation.parameters, name: spoil(observation.parameters[name])}
    return diagnose(
        Evidence(problem=materialise(CASE), observation=replace(observation, parameters=parameters))
    )


@pytest.mark.parametrize(
    ("name", "how"), [*(("weight_hh_l0", how) for how in OUTSIDE), ("head.weight", "noise")]
)
def test_a_mistake_outside_the_catalogue_has_no_name(name: str, how: str) -> None:
    found = spoilt(name, OUTSIDE[how])
    assert not found.explained
    assert found.faults == ()
    assert found.choices is None
    assert found.residual is None
    assert found.known


def test_what_is_right_beside_it_is_told() -> None:
    found = spoilt("weight_hh_l0", OUTSIDE["noise"])
    assert found.by_parameter == {"weight_ih_l0": (), "bias_ih_l0": (), "bias_hh_l0": ()}
    assert "Right: dL/dW_ih, dL/db_ih, dL/db_hh, dL/dW_y, dL/db_y." in found.known
    assert found.nearest_miss is not None
    assert found.nearest_miss > THRESHOLD


def test_gradients_that_tell_different_stories_are_told_apart() -> None:
    wrong = shown(CASE, Choices(carry="none")).parameters["weight_ih_l0"]
    found = spoilt("weight_ih_l0", lambda _: wrong, Choices(h_read="own"))
    assert not found.explained
    assert found.by_parameter["weight_ih_l0"] == ("carry-missing",)
    assert found.by_parameter["weight_hh_l0"] == ("h-t-for-h-previous",)
    assert found.by_parameter["bias_ih_l0"] == ()


def test_states_of_no_known_forward_pass_are_said_to_be_that() -> None:
    observation = shown(CASE)
    states = {place: h**3 for place, h in observation.hidden.items()}
    found = diagnose(Evidence(problem=materialise(CASE), observation=replace(observation, hidden=states)))
    assert found.known[0] == "No known mistake of a forward pass explains its states."
    assert not found.explained


def test_the_number_of_steps_up_to_which_gradients_are_right_is_told() -> None:
    def probe(case: Case) -> Evidence:
        observation = shown(case, Choices(truncation="segments", reach=4))
        spoil = OUTSIDE["noise"] if case.steps > 4 else np.copy
        parameters = {name: spoil(g) for name, g in observation.parameters.items()}
        return Evidence(problem=materialise(case), observation=replace(observation, parameters=parameters))

    found = diagnose(probe(CASE), probe=probe)
    assert found.known[-1] == "All gradients are right for T up to 4, and wrong from T = 5 on."


def test_sets_that_another_loss_tells_apart_are_told_apart() -> None:
    last = parse_id("rnn-tanh-T8-single-I4-H5-O2-noh0-dlast-f64-gain1.2-s0")
    chosen = choices_of([CATALOGUE["output-gradient-at-every-step"]])

    def probe(case: Case) -> Evidence:
        return Evidence(problem=materialise(case), observation=shown(case, chosen))

    alone, asked = diagnose(probe(last)), diagnose(probe(last), probe=probe)
    assert ("output-gradient-accumulated",) in alone.equivalents
    assert asked.faults == ("output-gradient-at-every-step",)
    assert asked.equivalents == ()


ONE_LAYER = [
    fault.id
    for fault in CATALOGUE.values()
    if not {"below", "layer_weights", "reverse", "sides", "h_n", "d_below", "lengths", "calls", "scale"}
    & set(fault.choices)
]


@settings(max_examples=20, deadline=None)
@given(
    st.sets(st.sampled_from(ONE_LAYER), min_size=1, max_size=3),
    st.sampled_from([CASE.id, "rnn-tanh-T7-single-I4-H5-O3-noh0-dout-f64-gain1.2-s1"]),
)
def test_what_is_named_shows_what_the_network_shows(faults: set[str], case_id: str) -> None:
    case = parse_id(case_id)
    try:
        observation = shown(case, choices_of([CATALOGUE[name] for name in sorted(faults)]))
    except (UsageError, Unsupported):
        return
    found = diagnose(Evidence(problem=materialise(case), observation=observation, rate=RIGHT.rate))
    assert found.explained, found.known
    assert len(found.faults) <= len(faults)
    assert found.residual is not None
    assert found.residual <= THRESHOLD
    assert found.choices is not None
    again = simulate(materialise(case), found.choices, factor=found.scale)
    for name, gradient in observation.parameters.items():
        np.testing.assert_allclose(again.parameters[name], gradient, rtol=1e-9, atol=1e-9)
