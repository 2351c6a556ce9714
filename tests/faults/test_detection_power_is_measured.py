"""`conformance power` counts what is caught, missed, overlooked and falsely accused, and each count can change."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from conformance.cases import materialise, parse_id
from conformance.cli import cli
from conformance.examination.engine import examine, verdict_on
from conformance.faults import CATALOGUE, load_fault, power
from conformance.subjects import load_subject

CASE = parse_id("rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0")
TUTORIAL = parse_id("rnn-tanh-T7-B1-I4-H5-noh0-dlast-f64-tutorial-s0")


def measured(cases, faults, monkeypatch):
    monkeypatch.setattr(power, "CATALOGUE", {name: load_fault(name) for name in faults})
    return list(power.measure(cases))[-1]


def test_what_the_tutorial_set_up_hides_is_named():
    blind = {fault.id for fault in power.blind_spots(TUTORIAL)}
    assert {
        "h-0-ignored",
        "biases-unused",
        "divided-by-batch",
        "h-n-gradient-ignored",
        "lengths-ignored",
    } <= blind
    assert "tanh-prime-of-activated" not in blind  # small, but not to this check


def test_ordinary_data_hide_less():
    faults = [load_fault(name) for name in ("h-0-ignored", "biases-unused", "divided-by-batch")]
    assert power.blind_spots(CASE, faults) == []


def test_a_fault_that_no_case_shows_is_missed_by_name(monkeypatch):
    found = measured([TUTORIAL], ["h-0-ignored", "carry-missing"], monkeypatch)
    assert found.missed == ["h-0-ignored"]
    assert found.caught == {"carry-missing": TUTORIAL.id}


def test_the_first_case_that_shows_a_fault_is_named_however_the_work_is_shared(monkeypatch):
    """Cases handed out together may both show a fault; the one that comes first in the suite counts."""
    monkeypatch.setattr(
        power, "CATALOGUE", {name: load_fault(name) for name in ("h-0-ignored", "carry-missing")}
    )
    cases = [TUTORIAL, CASE, replace(CASE, seed=1), replace(CASE, seed=2)]
    handed_out = []

    def backwards(function, items):
        items = list(items)
        handed_out.append(len(items))
        return [function(item) for item in reversed(items)][::-1]

    alone, shared = (list(power.measure(cases, [], mapped=mapped))[-1] for mapped in (map, backwards))
    assert alone == shared
    assert shared.caught == {"carry-missing": TUTORIAL.id, "h-0-ignored": CASE.id}
    assert max(handed_out) > 1


def test_mutants_whose_results_are_the_right_ones_are_not_judged(monkeypatch):
    """TUTORIAL has no h_0 to ignore: bit for bit the right results, which are judged once, by others."""
    asked = []
    monkeypatch.setattr(power, "verdict_on", lambda _, subject: asked.append(subject.name) or "differs")
    task = (TUTORIAL, ("h-0-ignored", "carry-missing"))
    assert power.caught_on(task) == ["carry-missing"]
    assert asked == ["mutant:carry-missing"]


def test_what_was_shown_is_replayed_on_its_problem_only():
    problem, other = materialise(CASE), materialise(replace(CASE, seed=1))
    subject = load_subject("torch-results")
    replayed = power.Replayed(subject, problem, subject.run(other))
    assert power.same(replayed.run(problem), subject.run(other))
    assert power.same(replayed.run(materialise(CASE)), subject.run(problem))
    assert not power.same(subject.run(other), subject.run(problem))


@pytest.mark.parametrize("name", ["torch", "torch-results", "reference"])
def test_a_verdict_alone_is_that_of_the_record(name):
    wrong = power.Mutant(load_fault("carry-missing"))
    for subject in (load_subject(name), wrong):
        assert verdict_on(CASE, subject) == examine(CASE, subject).verdict
    assert verdict_on(CASE, wrong) == "differs"


def test_small_disturbances_are_seen_and_right_code_is_not_accused(monkeypatch):
    found = measured([CASE, replace(CASE, dtype="f32")], [], monkeypatch)
    assert found.disturbed == found.seen > 20
    assert found.overlooked == found.accused == []


def test_a_disturbance_too_small_to_see_is_overlooked_by_name(monkeypatch):
    monkeypatch.setattr(power, "DISTURBANCE", {"f64": 1e-17, "f32": 1e-17})
    found = measured([CASE], [], monkeypatch)
    assert found.seen == 0
    assert len(found.overlooked) == found.disturbed > 0
    assert "output (whole)" in found.overlooked[0]


def test_right_code_that_is_accused_is_counted(monkeypatch):
    wrong = power.Mutant(load_fault("carry-missing"))
    monkeypatch.setattr(power, "RightNetwork", lambda: wrong)
    found = measured([CASE], [], monkeypatch)
    assert found.accused == [f"mutant:carry-missing on {CASE.id}"]


def test_disturbing_the_largest_element_leaves_the_others():
    problem = materialise(CASE)
    shown = load_subject("torch-results").run(problem)
    changed = power.Disturbance(result="output", size=0.5, whole=False).run(problem)
    assert (changed.output != shown.output).sum() == 1


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["power", "--case", TUTORIAL.id], 1, "h-0-ignored"),
        (["explain", "carry-not-transposed"], 0, "mend:"),
        (["explain"], 0, "tanh-prime-of-activated"),
    ],
)
def test_the_command_line_tells_it(arguments, code, text):
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == code
    assert text in done.output


def test_every_fault_can_be_explained():
    for name in CATALOGUE:
        assert CliRunner().invoke(cli, ["explain", name]).exit_code == 0
