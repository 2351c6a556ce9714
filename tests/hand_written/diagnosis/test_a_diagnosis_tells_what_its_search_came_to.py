"""From what a search came to, to what a diagnosis tells of it."""

import importlib

import numpy as np
import pytest
from msgspec import structs

from conformance.cases import Case, materialise, parse_id
from conformance.faults import RIGHT, Choices, simulate
from conformance.hand_written.diagnosis import Diagnosis, Evidence, diagnose
from conformance.hand_written.diagnosis.assembly import Hypothesis, Partial
from conformance.hand_written.diagnosis.equivalents import Proved
from conformance.hand_written.diagnosis.facts import facts, forward_facts
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reproduction import Reproduction, reproduced
from conformance.hand_written.diagnosis.search import Searched
from conformance.judge import THRESHOLD
from conformance.subjects.observation import Observation

MODULE = importlib.import_module("conformance.hand_written.diagnosis.diagnose")
PROBLEM = materialise(parse_id("rnn-tanh-T5-B3-I4-H5-O2-noh0-dout-f64-gain1.2-s0"))
WRONG, OTHER = Choices(carry="none"), Choices(carry="untransposed")
FAULTS, OTHERS = ("carry-missing",), ("carry-not-transposed",)


def evidence_of(choices: Choices = RIGHT, *names: str, **shown: object) -> Evidence:
    full = simulate(PROBLEM, choices)
    parts = {name: getattr(full, name) for name in names}
    return Evidence(problem=PROBLEM, observation=Observation(**(parts | shown)))


def hypothesis(
    choices: Choices = WRONG, faults: tuple[str, ...] = FAULTS, scale: float = 1.0, cost: int = 1
) -> Hypothesis:
    return Hypothesis(choices=choices, scale=scale, faults=faults, cost=cost)


# What is put to the proof.


@pytest.fixture
def answer_on(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Choices, float]]:
    """Let everything but `OTHER` with a constant be reproduced, and note what is asked."""
    found: list[tuple[Choices, float]] = []

    def reproducing(_: Material, choices: Choices, scale: float) -> Reproduction:
        found.append((choices, scale))
        return Reproduction(distances={"a": 0.0 if (choices, scale) != (OTHER, 5.0) else 1e9}, noise={})

    monkeypatch.setattr(MODULE, "reproduced", reproducing)
    return found


def proved(*hypotheses: Hypothesis) -> list[Hypothesis]:
    material = Material.of(evidence_of())
    return [each.hypothesis for each in MODULE._proved(material, hypotheses)]


def test_the_cheapest_hypotheses_are_proved_and_no_others(answer_on: list) -> None:
    one, two, dear = hypothesis(), hypothesis(OTHER, OTHERS), hypothesis(scale=2.0, cost=2)
    assert proved(dear, two, one) == [one, two] or proved(dear, two, one) == [two, one]
    assert (WRONG, 2.0) not in answer_on
    assert proved(dear, hypothesis(OTHER, OTHERS, 5.0)) == [dear]


def test_the_less_there_is_to_say_about_a_constant_the_earlier_it_is_told(answer_on: list) -> None:
    plain, named, unnamed = (hypothesis(scale=scale) for scale in (1.0, 0.2, 0.3))
    assert proved(unnamed, named, plain) == [plain, named, unnamed]
    assert answer_on == [(WRONG, 1.0), (WRONG, 0.2), (WRONG, 0.3)]


def test_what_makes_the_same_choices_is_reproduced_once_and_nothing_else_for_it(answer_on: list) -> None:
    same = [hypothesis(), hypothesis(faults=OTHERS), hypothesis(OTHER, OTHERS)]
    assert len(proved(*same)) == 3
    assert sorted(answer_on, key=str) == [(WRONG, 1.0), (OTHER, 1.0)]
    rejected = hypothesis(OTHER, OTHERS, 5.0)
    assert rejected not in proved(hypothesis(scale=5.0), rejected)


# What is told of sets that hold.


def told(*hypotheses: Hypothesis, evidence: Evidence | None = None) -> Diagnosis:
    found = Reproduction(distances={"a": 1.5}, noise={})
    sets = [Proved(hypothesis=each, reproduction=found) for each in hypotheses]
    return MODULE._explained(evidence or evidence_of(), sets, 70.0)


def test_the_first_set_is_told_with_its_constant_and_the_others_as_equivalents() -> None:
    third = hypothesis(OTHER, ("x-of-last-step",))
    found = told(hypothesis(scale=0.2), hypothesis(OTHER, OTHERS), hypothesis(OTHER, OTHERS), third)
    assert found == Diagnosis(
        explained=True,
        faults=FAULTS,
        equivalents=(OTHERS, ("x-of-last-step",)),
        scale=0.2,
        scale_name="1/T",
        residual=1.5,
        nearest_miss=70.0,
        choices=WRONG,
    )


def test_in_single_precision_a_constant_has_its_name_in_half_of_those_digits() -> None:
    near = 0.2 * (1 + 2.0**-20)
    assert told(hypothesis(scale=near)).scale_name == ""
    assert (
        told(hypothesis(scale=near), evidence=structs.replace(evidence_of(), single=True)).scale_name == "1/T"
    )


def test_constants_of_single_gradients_and_how_far_they_reach_are_told_where_they_are_shown() -> None:
    choices = Choices(
        truncation="windows", reach=2, scale_hh="own", own_hh=0.2 * (1 + 2.0**-20), scale_b="own", own_b=3.0
    )
    right = simulate(PROBLEM).parameters
    shown = {name: right[name] for name in ("weight_ih_l0", "weight_hh_l0", "bias_hh_l0")}
    evidence = structs.replace(evidence_of(RIGHT, parameters=shown), single=True)
    assert told(hypothesis(choices), evidence=evidence).known == (
        "Gradients are cut off after 2 steps.",
        "dL/dW_hh carries a factor 1/T that the other gradients don't.",
        "dL/db_hh carries a factor B that the other gradients don't.",
    )
    assert told(hypothesis(structs.replace(choices, own_hh=0.2))).known == (
        "Gradients are cut off after 2 steps.",
    )


# What is told where none holds.


def test_without_a_forward_pass_what_is_known_of_states_is_told() -> None:
    states = np.random.default_rng(0).standard_normal((5, 3, 5))
    material = Material.of(evidence_of(hidden={(0, 0): states}))
    found = MODULE._unexplained(material, [], [], None)
    assert found == Diagnosis(explained=False, known=tuple(forward_facts(material)))
    assert len(found.known) == 3


def test_a_wrong_forward_pass_alone_is_told() -> None:
    wrong = Choices(kept="before")
    material = Material.of(evidence_of(wrong, "hidden", "parameters", d_x=np.ones((5, 3, 4))))
    found = MODULE._unexplained(material, [RIGHT, wrong], [], None)
    assert found == Diagnosis(
        explained=False,
        known=("Its forward pass alone is reproduced by states-shifted.",),
        forward=wrong,
    )


def test_gradients_by_themselves_are_told_with_the_nearest_miss() -> None:
    rng = np.random.default_rng(0)
    parameters = dict(simulate(PROBLEM, WRONG).parameters) | {"weight_ih_l0": rng.standard_normal((5, 4))}
    material = Material.of(evidence_of(WRONG, "hidden", parameters=parameters))
    searched = [
        Searched(nearest={"bias_ih_l0": 3.0}, partial=[Partial(choices=WRONG, readings={"bias_ih_l0": {}})]),
        Searched(
            nearest={"bias_hh_l0": 1.0}, partial=[Partial(choices=WRONG, readings={"weight_hh_l0": {}})]
        ),
    ]

    def probe(case: Case) -> Evidence:
        problem = materialise(case)
        return Evidence(problem=problem, observation=simulate(problem, WRONG))

    found = MODULE._unexplained(material, [RIGHT], searched, probe)
    noise = reproduced(material, RIGHT, 1.0).noise
    assert found == Diagnosis(
        explained=False,
        by_parameter={"weight_hh_l0": FAULTS, "bias_ih_l0": FAULTS},
        nearest_miss=min(3.0 / noise["bias_ih_l0"], 1.0 / noise["bias_hh_l0"]),
        known=tuple(facts(material, probe)),
    )
    assert found.known != tuple(facts(material, None))


@pytest.mark.parametrize(("distance", "given"), [(THRESHOLD, True), (1.01 * THRESHOLD, False), (None, False)])
def test_a_forward_pass_gives_what_was_shown_of_one_within_its_noise(
    *, distance: float | None, given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    distances = {} if distance is None else {"hidden": distance, "y": 0.0}
    monkeypatch.setattr(MODULE, "reproduced", lambda *_: Reproduction(distances=distances, noise={}))
    assert MODULE._gives_what_was_shown(Material.of(evidence_of()), RIGHT) is given


def test_a_diagnosis_tells_its_residual_and_how_near_the_next_loop_came() -> None:
    found = diagnose(evidence_of(WRONG, "parameters"))
    assert found.faults == FAULTS
    assert found.residual <= THRESHOLD < found.nearest_miss
