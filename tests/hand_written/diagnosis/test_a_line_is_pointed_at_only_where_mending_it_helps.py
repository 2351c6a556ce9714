"""An edit is a mend where the network then shows what it does without the fault, and no longer what it did with it."""

import importlib
from itertools import product

import numpy as np
import pytest
from msgspec import structs

from conformance.cases import Problem, materialise, parse_id
from conformance.faults import CATALOGUE, RIGHT, Choices, choices_of
from conformance.hand_written.diagnosis import Diagnosis, Evidence, Trial, suspects
from conformance.hand_written.diagnosis.edits import Edit
from conformance.hand_written.diagnosis.material import Material
from conformance.subjects.observation import Observation

MODULE = importlib.import_module("conformance.hand_written.diagnosis.suspects")
PROBLEM = materialise(parse_id("rnn-tanh-T4-B2-I3-H3-O2-f64-s0"))
SOURCE = "def back(d):\n    x = f(d)\n"
EDIT = Edit(file="net.py", line=2, start=(2, 8), end=(2, 12), replacement="d")
THREE = "only-first-step-survives"
"""An entry that goes wrong at three seams."""


def trial(rerun, *others: Problem) -> Trial:
    return Trial(rerun=rerun, problem=PROBLEM, others=others)


def material_of(**parameters: np.ndarray) -> Material:
    return Material.of(Evidence(problem=PROBLEM, observation=Observation(parameters=parameters)))


def pointed_at(found: Diagnosis) -> list[str]:
    told = suspects(found, files={"net.py": SOURCE}, namespace={}, trial=trial(lambda _: None))
    return [suspect.fault for suspect in told]


def test_lines_are_looked_for_where_a_diagnosis_explains_by_a_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MODULE, "_mend", lambda *_: EDIT)
    wrong, named = Choices(carry="none"), ("carry-missing",)
    assert pointed_at(Diagnosis(explained=True, faults=named, choices=wrong)) == ["carry-missing"]
    assert pointed_at(Diagnosis(explained=False, faults=named, choices=wrong)) == []
    assert pointed_at(Diagnosis(explained=True, faults=named)) == []


def test_every_seam_at_which_the_network_goes_wrong_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[str, Choices]] = []

    def mend(seam: str, _: Choices, without: Choices, *__: object) -> Edit:
        tried.append((seam, without))
        return EDIT

    monkeypatch.setattr(MODULE, "_mend", mend)
    seams = list(CATALOGUE[THREE].choices)
    assert len(seams) == 3
    for right in seams:  # of which nothing is seen
        tried.clear()
        choices = structs.replace(choices_of([CATALOGUE[THREE]]), **{right: "sum"})
        assert pointed_at(Diagnosis(explained=True, faults=(THREE,), choices=choices)) == [THREE] * 2
        left = [seam for seam in seams if seam != right]
        assert tried == [(seam, structs.replace(choices, **{seam: "sum"})) for seam in left]


@pytest.mark.parametrize(("most", "tried"), [(1, True), (0, False)])
def test_so_many_edits_are_tried(*, most: int, tried: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "MOST_EDITS", most)
    monkeypatch.setattr(MODULE, "_mended", lambda *_: True)
    scope: dict = {}
    exec(compile(SOURCE, "net.py", "exec"), scope)  # noqa: S102 - the source above
    evidence = Evidence(problem=PROBLEM, observation=Observation())
    found = Diagnosis(explained=True, faults=("tanh-of-half",), choices=Choices(activation="halved"))
    told = suspects(found, files={"net.py": SOURCE}, namespace=scope, trial=trial(lambda _: evidence))
    assert [(s.line, s.text, s.mended) for s in told] == [(2, "x = f(d)", "x = d")] * tried


def test_a_network_that_an_edit_does_not_change_is_not_run_again() -> None:
    asked: list[str] = []
    found = Diagnosis(explained=True, faults=("tanh-of-half",), choices=Choices(activation="halved"))
    again = trial(lambda _: asked.append("again"))
    elsewhere = suspects(found, files={"net.py": SOURCE}, namespace={}, trial=again)
    assert (elsewhere, asked) == ([], [])


@pytest.mark.parametrize("holds", [True, False])
def test_a_mend_that_fails_on_another_problem_is_not_offered(
    *, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = materialise(parse_id("rnn-tanh-T6-B2-I3-H3-O2-f64-s1"))
    monkeypatch.setattr(MODULE, "_mended", lambda *_: True)
    monkeypatch.setattr(MODULE, "_near", lambda material, _: holds or material.problem is not other)
    scope: dict = {}
    exec(compile(SOURCE, "net.py", "exec"), scope)  # noqa: S102 - the source above
    found = Diagnosis(explained=True, faults=("tanh-of-half",), choices=Choices(activation="halved"))
    again = trial(lambda problem: Evidence(problem=problem, observation=Observation()), other)
    assert len(suspects(found, files={"net.py": SOURCE}, namespace=scope, trial=again)) == holds


@pytest.mark.parametrize(("without", "still", "all_alike"), list(product((False, True), repeat=3)))
def test_a_fault_is_mended_where_its_network_is_gone_and_the_one_without_it_is_there(
    *, without: bool, still: bool, all_alike: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Choices(carry="none")
    monkeypatch.setattr(MODULE, "_near", lambda _, choices: still if choices == wrong else without)
    monkeypatch.setattr(MODULE, "proportional", lambda *_: all_alike)
    assert MODULE._mended(material_of(), wrong, RIGHT) is (without and not still and all_alike)


@pytest.mark.parametrize("size", [0.25, 4.0])
def test_gradients_are_near_that_are_multiples_in_half_of_their_digits(
    size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"a": np.array([[1.0, 0.0]]), "b": np.array([1.0])}
    monkeypatch.setattr(MODULE, "results", lambda *_: made)

    def near(**parameters: np.ndarray) -> bool:
        return MODULE._near(material_of(**parameters), RIGHT)

    assert near(a=size * np.array([[1.0, 2.0**-26]]), b=-made["b"], elsewhere=np.ones(3))
    assert not near(a=size * np.array([[1.0, 2.0**-25]]), b=made["b"])
    assert not near(a=made["a"], b=0 * made["b"])
    assert not near(a=made["a"][0], b=made["b"])
