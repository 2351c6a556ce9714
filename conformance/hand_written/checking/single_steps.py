"""A single step judged as one: what goes wrong only in a loop of ours around it isn't held against it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from msgspec import structs

from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.checking.choosing import Candidate, judged_on
from conformance.hand_written.checking.consistency import Consistency, consistency
from conformance.hand_written.checking.running import attempt
from conformance.hand_written.diagnosis import Diagnosis

NEVER_GIVEN = ("none", "no weights")
"""What is carried back where a step may not give the gradient of the state before at all."""


def is_stepwise(candidate: Candidate) -> bool:
    """Tell whether single steps are called, in loops of ours."""
    return isinstance(candidate.bound, Binding) and candidate.bound.stepwise


def takes_one_step(candidate: Candidate) -> bool:
    """Tell whether its backward pass takes the last step alone of our loop around the forward pass."""
    return isinstance(candidate.bound, Binding) and candidate.bound.once


def of_single_steps(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates whose backward pass our loop goes around, or which walks itself; if none, the others.

    Those take the last step alone, so they are judged for T = 1.
    """
    others = [candidate for candidate in candidates if not takes_one_step(candidate)]
    return others or [alone(candidate) or candidate for candidate in candidates]


def alone(candidate: Candidate) -> Candidate | None:
    """Return a step judged by itself, from any state where it takes one; None where it doesn't run so."""
    bound = cast("Binding", candidate.bound)
    case = replace(candidate.case, steps=1, h_0=bound.takes_h_0)
    step = judged_on(case, bound, candidate.caught)
    return step if isinstance(step, Candidate) else None


def is_wrong(candidate: Candidate, diagnosis: Diagnosis | None) -> bool:
    """Tell whether a step is wrong by itself: for T = 1 from any state, or in nothing but what it hands back.

    What a diagnosis says of the loop, when gradients enter and which steps are visited, it says of ours.
    """
    step = alone(candidate)
    if step is not None and step.differs:
        return True
    wrong = {} if diagnosis is None or diagnosis.choices is None else diagnosis.choices.departures()
    explained = diagnosis is not None and diagnosis.explained
    return explained and set(wrong) == {"carry"} and wrong["carry"] not in NEVER_GIVEN


def is_wrong_by_its_own(candidate: Candidate) -> bool:
    """Tell whether the gradients of one step from any state don't agree with its own forward pass."""
    bound = cast("Binding", candidate.bound)
    case = replace(bound.problem_case, steps=1, h_0=bound.takes_h_0)
    found = attempt(
        lambda case: consistency(structs.replace(bound, problem_case=case).own_forward()),
        case,
        candidate.caught,
    )
    return isinstance(found, Consistency) and found.verdict == "differs" and found.anchored
