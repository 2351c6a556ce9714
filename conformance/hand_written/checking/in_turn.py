"""Sequences of several lengths, asked of one network in turn: buffers that grow may keep what was in them."""

import re

from conformance.cases import Problem
from conformance.hand_written.calling import Bound
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.further_calls import History, with_other_data
from conformance.hand_written.checking.parts import from_another_start, of_any_length
from conformance.hand_written.checking.running import Failure, attempt

STEPS = re.compile(r"\bp\.T\b")
"""The number of steps, in a line that builds a network."""

MORE_STEPS = (4, 0, 96)
"""By how much sequences are longer than the first one: once just so, and once beyond what anybody reserves at first."""


def goes_wrong_in_turn(candidate: Candidate) -> str:
    """Return in words what a network gives that is wrong once a longer sequence was in between; empty where nothing is.

    By itself it gives right gradients for either. What a habit explains, as gradients that add up, is no mistake; one
    that was built for so many steps is asked nothing.
    """
    if isinstance(candidate.bound, Binding) and any(STEPS.search(line) for line in candidate.bound.build):
        return ""
    started = from_another_start(candidate)
    if isinstance(started, Candidate) and started.outcome.agrees:
        candidate = started  # so that the initial state must be there as well
    steps, problem = candidate.case.steps, candidate.answer.truth.problem
    bound = of_any_length(candidate.bound, steps)
    longer = MORE_STEPS if _stays_within_bounds(bound, problem) else MORE_STEPS[:2]
    others = [with_other_data(bound, problem, steps + more) if more else problem for more in longer]
    problems = [problem, *others]
    calls = attempt(bound.calls, problems, candidate.caught)
    if isinstance(calls, Failure):
        return ""
    history = History.of(calls, problems, bound, candidate.outcome, candidate.caught)
    wrong = next((n for n in range(1, len(problems)) if history.unexplained(n)), 0)
    if not wrong:
        return ""
    order = "longer" if MORE_STEPS[wrong - 1] else "shorter"
    return f"goes wrong on a sequence that is {order} than the one before: {history.wrong_in(wrong)}"


def _stays_within_bounds(bound: Bound, problem: Problem) -> bool:
    """Tell whether states neither grow over many steps nor are cut off where they are large."""
    if problem.case.nonlinearity != "tanh" or not isinstance(bound, Binding):
        return False
    limits = attempt(bound.limits_of_forward, problem)
    return not isinstance(limits, Failure) and not limits.limits
