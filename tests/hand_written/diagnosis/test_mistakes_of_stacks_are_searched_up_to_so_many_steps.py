"""The search in a stack: the forward pass first, single mistakes before pairs, and pairs up to so many steps."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from msgspec import structs

from conformance.cases import materialise, parse_id
from conformance.faults import CATALOGUE, Choices, choices_of, simulate
from conformance.hand_written.diagnosis import Diagnosis, Evidence, diagnose_stack, stacks
from conformance.hand_written.diagnosis.stacks import Stack
from conformance.judge import THRESHOLD
from conformance.subjects.observation import Observation

PROBLEM = materialise(parse_id("rnn-tanh-L2-T4-B2-I3-H3-O2-noh0-dout-f64-gain1.2-s0"))
FEW = (
    *("sigmoid-for-tanh", "head-not-transposed"),  # a forward pass, and what needs O = H
    *("tanh-prime-of-activated", "carry-not-transposed", "carry-missing", "h-t-for-h-previous"),
)
ONE, PAIR = ("carry-not-transposed",), ("carry-missing", "h-t-for-h-previous")
THREE = ("tanh-prime-of-activated", *PAIR)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the catalogue be a few entries."""
    monkeypatch.setattr(stacks, "CATALOGUE", {name: CATALOGUE[name] for name in FEW})


RIGHT_FORWARD = "trying sets of 0 in the forward pass"
BACKWARD = [f"trying sets of {size} in every layer's backward pass" for size in range(3)]


def shown(*faults: str, factor: float = 1.0, outputs: bool = False, **others: np.ndarray) -> Evidence:
    full = simulate(PROBLEM, choices_of([CATALOGUE[name] for name in faults]), factor=factor)
    others |= {"output": full.output, "y": full.y} if outputs else {}
    return Evidence(problem=PROBLEM, observation=Observation(parameters=full.parameters, **others))


def replaced_gradients(evidence: Evidence) -> Evidence:
    """Return the same with gradients that no network makes."""
    rng = np.random.default_rng(0)
    parameters = {name: rng.standard_normal(g.shape) for name, g in evidence.observation.parameters.items()}
    return structs.replace(evidence, observation=replace(evidence.observation, parameters=parameters))


def searched(evidence: Evidence) -> tuple[Diagnosis, list[str]]:
    told: list[str] = []
    return diagnose_stack(evidence, told.append), told


def test_a_single_mistake_is_found_before_pairs_are_tried() -> None:
    found, told = searched(shown(*ONE, factor=-0.5))
    assert found.residual <= THRESHOLD
    assert found.scale == pytest.approx(-0.5)
    assert found == Diagnosis(
        explained=True,
        faults=ONE,
        scale=found.scale,
        scale_name="-1/O",
        residual=found.residual,
        choices=Choices(carry="untransposed"),
    )
    assert told == [RIGHT_FORWARD, *BACKWARD[:2]]


def test_the_residual_is_that_of_the_reproduction() -> None:
    evidence = shown(*ONE, factor=0.3)
    parameters = {name: np.nextafter(g, np.inf) for name, g in evidence.observation.parameters.items()}
    evidence = structs.replace(evidence, observation=Observation(parameters=parameters))
    found, _ = searched(evidence)
    assert found.residual == Stack.of(evidence).reproduction(found.choices, found.scale).residual > 0
    assert found.scale_name == ""


def test_a_constant_of_one_to_half_of_its_digits_is_one() -> None:
    found, _ = searched(shown(*ONE, factor=1 + 2.0**-48))
    assert (found.scale, found.scale_name) == (1.0, "1")


def test_pairs_are_found_that_contradict_nothing_and_no_three() -> None:
    found, told = searched(shown(*PAIR))
    assert (found.faults, found.choices) == (PAIR, Choices(carry="none", h_read="own"))
    assert told == [RIGHT_FORWARD, *BACKWARD]
    assert searched(shown(*THREE)) == (Diagnosis(explained=False), told)


PLACE = 1 + [set(pair) for pair in combinations(FEW[1:], 2)].index(set(PAIR))
"""Which of the pairs it is, those with a forward pass left out."""


@pytest.mark.parametrize(("pairs", "tried"), [(PLACE, True), (PLACE - 1, False), (0, False)])
def test_pairs_are_tried_until_so_many_steps_are_simulated(
    *, pairs: int, tried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "MOST_STEPS", pairs * PROBLEM.case.steps * PROBLEM.case.layers)
    assert searched(shown(*ONE))[0].faults == ONE
    assert searched(shown(*PAIR))[0].explained is tried


def test_entries_that_reproduce_the_same_are_equivalents(monkeypatch: pytest.MonkeyPatch) -> None:
    twins = {name: structs.replace(CATALOGUE[ONE[0]], id=name) for name in ("a", "b", "c")}
    monkeypatch.setattr(stacks, "CATALOGUE", twins)
    found, _ = searched(shown(*ONE))
    assert (found.faults, found.equivalents) == (("a",), (("b",), ("c",)))


def test_everything_shown_is_compared() -> None:
    full = simulate(PROBLEM, choices_of([CATALOGUE[ONE[0]]]))
    right = {"output": full.output, "y": full.y, "h_n": full.h_n, "d_x": full.d_x, "hidden": full.hidden}
    assert searched(shown(*ONE, **right))[0].faults == ONE
    for name in ("output", "y", "h_n", "d_x"):
        wrong = {**right, name: right[name] + 0.1}
        assert not searched(shown(*ONE, **wrong))[0].explained, name
    moved = {place: steps[::-1] for place, steps in full.hidden.items()}
    assert not searched(shown(*ONE, **{**right, "hidden": moved}))[0].explained


def test_a_wrong_forward_pass_alone_is_told_where_no_gradients_fit() -> None:
    found = searched(replaced_gradients(shown("sigmoid-for-tanh", outputs=True)))[0]
    assert (found.explained, found.forward) == (False, Choices(activation="sigmoid"))
    assert found.known == ("Its forward pass alone is reproduced by sigmoid-for-tanh.",)


@pytest.mark.parametrize("size", [0.25, 4.0])
def test_what_is_near_agrees_in_half_of_its_digits(size: float) -> None:
    stack = Stack.of(shown(*ONE))
    made = {"a": np.array([[size, 0.0]]), "b": np.array([size])}

    def near(**parameters: np.ndarray) -> bool:
        return stack._near(parameters, made)

    assert near(a=np.array([[size, 2.0**-26 * size]]), b=made["b"])
    assert not near(a=np.array([[size, 2.0**-25 * size]]), b=made["b"])
    assert not near(a=made["a"], b=2 * made["b"])
    assert not near(a=made["a"][0], b=made["b"])
    assert not near(c=made["a"])
