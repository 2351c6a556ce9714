"""Which results a local check has decided, which were not shown or not judged, and what has a wrong shape or name."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import Problem, materialise, parse_id
from conformance.judge import Finding, local_check, results
from conformance.judge.results import decided
from conformance.judge.shapes import malformed, not_judged, not_shown
from conformance.subjects.observation import Observation
from conformance.subjects.reference import observe

DEEP = materialise(parse_id("rnn-tanh-L2-bi-T4-len4.2.3-B3-bf-I5-H6-f64-s0"))
HEADED = materialise(parse_id("rnn-tanh-L2-T4-B3-I5-H6-O2-f64-s0"))
PROBLEMS = pytest.mark.parametrize("problem", [DEEP, HEADED], ids=["deep", "headed"])

KINDS = {"W_ih": "weight_ih", "W_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}


def judged(problem: Problem) -> list[Finding]:
    return local_check(problem, observe(problem, np.float64))


def decides(problem: Problem, finding: Finding) -> set[str]:
    """Return the results about which nothing is known without this finding."""
    c = finding.comparison
    place = (c.layer, c.direction)
    if c.quantity == "h":
        return {f"h_n {place}", *(["output"] if c.layer == problem.case.layers - 1 else [])}
    if c.quantity in ("h_n", "dL/dh_0"):
        return {f"{c.quantity} {place}"}
    if c.quantity in ("y", "dL/dx"):
        return {c.quantity}
    of_head = {"dL/dW_y": "head.weight", "dL/db_y": "head.bias"}
    if c.quantity in of_head:
        return {of_head[c.quantity]}
    kind = KINDS.get(c.quantity.removeprefix("dL/d"))
    return {f"{kind}_l{c.layer}{'_reverse' if c.direction else ''}"} if kind else set()


@PROBLEMS
def test_a_result_is_decided_by_its_own_findings_alone(problem: Problem) -> None:
    findings = judged(problem)
    every = set(results(problem, observe(problem, np.float64)))
    assert decided(problem, findings) == every
    assert decided(problem, []) == set()
    for n, finding in enumerate(findings):
        rest = findings[:n] + findings[n + 1 :]
        assert every - decided(problem, rest) == decides(problem, finding), finding.comparison.title


def test_a_final_state_is_decided_by_the_states_and_the_last_of_them() -> None:
    wanted = {("h", 0, 1), ("h_n", 0, 1)}
    both = [
        f
        for f in judged(DEEP)
        if (f.comparison.quantity, f.comparison.layer, f.comparison.direction) in wanted
    ]
    assert decided(DEEP, both) == {"h_n (0, 1)"}


@PROBLEMS
def test_what_is_missing_is_said_by_name(problem: Problem) -> None:
    shown = observe(problem, np.float64)
    assert not_shown(problem, shown) == []
    missing = not_shown(problem, Observation())
    assert missing == [
        *("output", "h_n"),
        *(["y"] if problem is HEADED else []),
        *("dL/dx", "dL/dh_0"),
        *(f"dL/d{name}" for name in problem.parameters),
        *(f"h of {place}" for place in problem.places),
        *(f"dL/dh of {place}" for place in problem.places),
    ]
    assert not_shown(problem, replace(shown, y=None)) == (["y"] if problem is HEADED else [])


def test_steps_that_build_on_others_are_not_judged_without_them() -> None:
    shown = observe(DEEP, np.float64)

    def left(**changes: object) -> list[str]:
        changed = replace(shown, **changes)
        return not_judged(changed, local_check(DEEP, changed))

    assert left() == []
    above = {place: h for place, h in shown.hidden.items() if place != (0, 1)}
    assert left(hidden=above) == [
        *("h of (1, 0)", "h of (1, 1)"),
        *(f"{quantity} of {place}" for quantity in ("dL/dh", "dL/da") for place in DEEP.places),
        "steps' shares of gradients",
    ]
    below = {place: g for place, g in shown.d_hidden.items() if place != (1, 1)}
    told = left(d_hidden=below)
    assert told == [
        *("dL/dh of (0, 0)", "dL/dh of (0, 1)"),
        *("dL/da of (0, 0)", "dL/da of (0, 1)", "dL/da of (1, 1)"),
        "steps' shares of gradients",
    ]


def test_outputs_of_a_head_must_have_their_shape_and_belong_to_one() -> None:
    shown = observe(HEADED, np.float64)
    assert malformed(HEADED, shown) == []
    assert malformed(HEADED, replace(shown, y=shown.y[:, :1])) == [
        "y has the shape (4, 1, 2) instead of (4, 3, 2)."
    ]
    other = observe(DEEP, np.float64)
    assert malformed(DEEP, replace(other, y=np.zeros((3, 4, 2)))) == ["y belongs to nothing in this case."]


@pytest.mark.parametrize("field", ["parameters", "hidden", "d_hidden", "d_pre", "step_parameters"])
def test_what_should_map_names_to_arrays_is_said_to_be_something_else(field: str) -> None:
    shown = replace(observe(DEEP, np.float64), **{field: [np.zeros(3)]})
    assert malformed(DEEP, shown) == [f"{field} must map names or places to arrays; got list."]


def test_what_is_no_observation_is_said_to_be_that() -> None:
    (said,) = malformed(DEEP, {})
    assert said == "run must return an Observation; got dict. Is a return statement missing?"
