"""A diagnosis names the set of faults that a network has, its constant apart, and nothing where nothing is wrong."""

from dataclasses import replace

import pytest
from msgspec import structs

from conformance.cases import materialise, parse_id
from conformance.faults import CATALOGUE, choices_of, simulate
from conformance.hand_written.diagnosis import Diagnosis, Evidence, diagnose
from conformance.subjects import load_subject
from conformance.subjects.observation import Observation

MANY = "rnn-tanh-T8-B3-I4-H5-O2-noh0-dout-f64-gain1.2-s0"
LAST = "rnn-tanh-T8-single-I4-H5-O2-noh0-dlast-f64-gain1.2-s0"

SETS = {
    "one": (MANY, ("carry-not-transposed",)),
    "one entry at two seams": (MANY, ("last-state-for-every-step",)),
    "one entry at three seams": (MANY, ("only-first-step-survives",)),
    "a constant on the cell's gradients": (MANY, ("divided-by-steps",)),
    "a constant on the head's gradients": (MANY, ("head-stepped-every-step",)),
    "the loss's own gradient": (MANY, ("softmax-gradient-for-squared-error",)),
    "a bias that is left out": (MANY, ("b-hh-gradient-dropped",)),
    "a shape": (MANY, ("batch-not-summed",)),
    "two": (LAST, ("tanh-prime-of-activated", "output-gradient-at-every-step")),
    "forward and backward": (MANY, ("sigmoid-for-tanh", "carry-missing")),
    "three": (MANY, ("truncation-in-windows", "x-of-last-step", "h-t-for-h-previous")),
    "four in the loop": (
        MANY,
        (
            "tanh-prime-of-activated",
            "slope-of-previous-state",
            "output-gradient-one-step-early",
            "carry-without-slope",
        ),
    ),
}


def shown_by(case_id: str, faults: tuple[str, ...], factor: float = 1.0) -> Evidence:
    """Return what a network with these faults shows: states, outputs and gradients of parameters."""
    problem = materialise(parse_id(case_id))
    full = simulate(problem, choices_of([CATALOGUE[name] for name in faults]), factor=factor)
    return Evidence(
        problem=problem, observation=Observation(y=full.y, hidden=full.hidden, parameters=full.parameters)
    )


@pytest.mark.parametrize("factor", [1.0, 2.0])
@pytest.mark.parametrize("name", SETS)
def test_a_set_of_faults_is_named(name: str, factor: float) -> None:
    case_id, faults = SETS[name]
    found = diagnose(shown_by(case_id, faults, factor))
    assert found.explained
    assert set(faults) in [set(found.faults), *map(set, found.equivalents)]
    assert found.scale == pytest.approx(factor)


@pytest.mark.parametrize("case_id", [MANY, LAST])
def test_nothing_is_named_where_nothing_is_wrong(case_id: str) -> None:
    problem = materialise(parse_id(case_id))
    shown = load_subject("reference").run(problem)
    found = diagnose(Evidence(problem=problem, observation=shown))
    assert found == Diagnosis(
        explained=True, residual=found.residual, choices=found.choices, nearest_miss=found.nearest_miss
    )


def test_without_gradients_of_biases_a_set_is_named_all_the_same() -> None:
    evidence = shown_by(MANY, ("carry-not-transposed", "x-of-last-step"))
    kept = {name: g for name, g in evidence.observation.parameters.items() if not name.startswith("bias")}
    found = diagnose(structs.replace(evidence, observation=replace(evidence.observation, parameters=kept)))
    assert found.faults == ("carry-not-transposed", "x-of-last-step")
