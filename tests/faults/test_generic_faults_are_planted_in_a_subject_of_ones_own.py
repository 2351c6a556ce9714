"""`conformance power --subject`: a right subject made wrong under one condition, and what a suite catches of that."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from conformance import SUITES, Case, Observation, Problem, load_subject, parse_id
from conformance.cases import materialise
from conformance.cli import cli
from conformance.errors import Unsupported
from conformance.faults.conditional import ERROR, MUTANTS, UNMET, Conditional, OwnPower, own_power
from conformance.report.terminal import print_own_power
from conformance.subjects.observation import same

STANDARD = SUITES["standard"].cases()
PLAIN = "rnn-tanh-L2-T5-B3-I4-H6-f64-s0"
FEW = [
    parse_id(text)
    for text in (
        PLAIN,
        "rnn-relu-bi-T5-len5.2.3-B3-I4-H6-f32-s0",
        "gru-T4-B3-bf-I4-H5-noh0-f64-s0",
    )
]


class ForwardOnly:
    """The reference's results without gradients, which may be wrong with relu."""

    name, description = "forward-only", "no gradients"

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def run(self, problem: Problem) -> Observation:
        shown = load_subject("reference").run(problem)
        factor = self.factor if problem.case.nonlinearity == "relu" else 1.0
        return Observation(output=(shown.output * factor).astype(problem.dtype), h_n=shown.h_n)


def measured(subject: object, cases: object) -> OwnPower:
    *_, last = own_power(subject, cases)
    return last


def spoils(mutant: str, case: Case) -> bool:
    """Return whether a mutant shows anything else than the subject does in one of its first two runs."""
    subject, problem = load_subject("reference"), materialise(case)
    wrong = Conditional(subject, mutant)
    with np.errstate(all="ignore"):
        right = subject.run(problem)
        return not all(same(wrong.run(problem), right) for _ in range(2))


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_wrong_where_its_condition_holds_and_right_elsewhere(mutant: str) -> None:
    holds, short = MUTANTS[mutant].holds, [case for case in STANDARD if case.steps < 300]
    met = [case for case in short if holds(case)] or [case for case in STANDARD if holds(case)]
    assert any(spoils(mutant, case) for case in met)
    assert not any(spoils(mutant, case) for case in [case for case in short if not holds(case)][:2])


def test_every_condition_is_met_by_the_standard_suite() -> None:
    assert [mutant for mutant, condition in MUTANTS.items() if not any(map(condition.holds, STANDARD))] == []


def test_what_is_caught_is_named_with_its_case_and_what_is_missed_with_the_reason() -> None:
    power = measured(load_subject("reference"), FEW)
    assert power.caught["backward: relu"] == FEW[1].id
    assert power.caught["backward: reverse direction"] == FEW[1].id
    assert power.caught["backward: second layer"] == PLAIN
    assert power.caught["forward: no h_0"] == FEW[2].id
    assert power.caught["call: every second run"] == PLAIN
    assert power.missed["forward: H > 64"] == power.missed["backward: dropout"] == UNMET
    assert set(power.caught) | set(power.missed) == set(MUTANTS)
    assert power.wrong == set()


def test_what_a_subject_does_not_show_is_no_fault_of_it() -> None:
    power = measured(ForwardOnly(), FEW)
    assert power.caught["forward: relu"] == FEW[1].id
    assert not {"backward: relu", "backward: dL/dx of the first step"} & {*power.caught, *power.missed}


def test_cases_on_which_the_subject_itself_is_wrong_prove_nothing() -> None:
    power = measured(ForwardOnly(1.5), FEW)
    assert power.wrong == {FEW[1].id}
    assert power.missed["forward: relu"] == UNMET


def test_an_error_that_nothing_shows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.faults.conditional.verdict_on", lambda *_: "agrees")
    power = measured(load_subject("reference"), FEW)
    assert power.caught == {}
    assert power.missed["forward: relu"] == "cases meet it, and none shows it"


def test_the_command_tells_it_and_fails_where_something_is_missed() -> None:
    answer = CliRunner().invoke(cli, ["power", "--subject", "reference", "--suite", "smoke"])
    assert f"faults caught in reference: 78 of 82 over {SUITES['smoke'].size} cases" in answer.output
    assert f"missed: forward: T > 1,000: {UNMET}" in answer.output
    assert answer.exit_code == 1
    assert CliRunner().invoke(cli, ["power", "--subject", "reference", "--case", PLAIN]).exit_code == 2


def test_of_many_cases_that_are_not_counted_the_rest_is_told_by_number() -> None:
    out = StringIO()
    wrong = {f"case-{n}" for n in range(8)}
    print_own_power(Console(file=out, width=400), "mine.py:Mine", OwnPower(cases=9, wrong=wrong))
    assert "not counted: 8 cases" in out.getvalue()
    assert "case-0, case-1, case-2, case-3, case-4 and 3 more" in out.getvalue()


def test_results_are_off_by_what_is_said() -> None:
    problem = materialise(parse_id(PLAIN))
    right = load_subject("reference").run(problem)
    wrong = Conditional(load_subject("reference"), "forward: first step").run(problem)
    assert wrong.output[0] == pytest.approx(right.output[0] * (1 + ERROR))
    assert same(replace(wrong, output=right.output), right)


class OfOneCell(ForwardOnly):
    """An RNN alone."""

    def run(self, problem: Problem) -> Observation:
        if problem.case.cell != "rnn":
            raise Unsupported
        return super().run(problem)


def test_what_a_subject_supports_in_no_case_is_not_counted_as_missed() -> None:
    power = measured(OfOneCell(), FEW)
    gru = [mutant for mutant, condition in MUTANTS.items() if list(filter(condition.holds, FEW)) == FEW[2:]]
    assert gru
    assert set(gru) <= set(power.refused)
    assert not power.missed.keys() & set(gru)
    assert power.wrong == set()
