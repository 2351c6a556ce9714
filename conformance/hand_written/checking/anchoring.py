"""Whether it is established which loss a backward pass was asked the gradient of, before it is accused of a wrong one.

How the loss enters was found out by trying. Where it was taken wrong (a cotangent handed in for targets, the wrong
loss for the targets), all gradients look wrong, those of the head as well, though nothing is. One of these must hold:
the gradient of the head, which nothing but the cotangent and the states make, is right up to a constant; all is right
for a single step; or faults that are known reproduce every gradient.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
from msgspec import structs

from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.hand_written.calling.binding import Binding, is_stated
from conformance.hand_written.calling.hints.names import BACKWARD
from conformance.hand_written.calling.hints.walking import walks_back
from conformance.hand_written.calling.running.limits import sandbox
from conformance.hand_written.calling.running.program import Ran, values
from conformance.hand_written.calling.showing import RESULTS, observed
from conformance.hand_written.checking import parts, single_steps
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.consistency import Consistency, consistency
from conformance.hand_written.checking.judging import judge
from conformance.hand_written.checking.losses import Whole
from conformance.hand_written.checking.own_loss import gradients_of
from conformance.hand_written.checking.running import attempt
from conformance.hand_written.checking.scale import same_up_to_a_constant
from conformance.hand_written.checking.symmetry import is_symmetric
from conformance.hand_written.diagnosis import Diagnosis
from conformance.record import Verdict
from conformance.subjects.observation import Observation
from refrnn import Array

OF_ANOTHER_LOSS = "its gradients are those of some loss, and of none that was tried"
"""Why nothing is held against gradients that are right for a loss of their own."""

NOT_ESTABLISHED = "its gradients match none of the losses that were tried"
"""Why what differs in a backward pass is not held against it."""


def established(candidate: Candidate, diagnosis: Diagnosis | None) -> bool:
    """Tell whether what differs in a backward pass may be held against it.

    Where the search was cut short, another way of calling it might have been right: mistakes must be known then.
    """
    explained = diagnosis is not None and diagnosis.explained
    if (
        isinstance(candidate.bound, Binding)
        and candidate.bound.forward_is_ours
        and not candidate.bound.stated
    ):
        return explained and not _of_another_activation(diagnosis) and _has_an_anchor(candidate)
    if single_steps.is_stepwise(candidate):
        step = single_steps.alone(candidate)
        read = explained or is_handed_over(candidate) or (step is not None and _has_an_anchor(step))
        return read and single_steps.is_wrong(candidate, diagnosis)
    if explained and _says_enough(candidate):
        return True
    if isinstance(candidate.bound, Binding) and candidate.bound.cut_short:
        return False
    if is_handed_over(candidate) or cast("Binding", candidate.bound).anchored or _has_an_anchor(candidate):
        return True
    step = parts.of_a_single_step(candidate)
    return isinstance(step, Candidate) and step.outcome.backward is not None and step.outcome.agrees


def is_right_in_its_parameters(candidate: Candidate) -> bool:
    """Tell whether the gradients of all parameters are right, so that there is no doubt of which loss they are."""
    backward = candidate.outcome.judged.of_phase("backward")
    of_parameters = [f for f in backward if f.comparison.quantity.startswith(("dL/dW_", "dL/db_"))]
    return bool(of_parameters) and all(f.verdict == "agrees" for f in of_parameters)


def is_read_by_its_head(candidate: Candidate, other: Candidate) -> bool:
    """Tell whether two candidates differ in how the loss enters alone, and the head's gradients speak for the first."""
    one, another = candidate.bound, other.bound
    if not isinstance(one, Binding) or not isinstance(another, Binding):
        return False
    return (
        (one.build, one.forward, candidate.case) == (another.build, another.forward, other.case)
        and _verdicts_on_the_head(candidate) == {"agrees"}
        and "differs" in _verdicts_on_the_head(other)
    )


def _verdicts_on_the_head(candidate: Candidate) -> set[Verdict]:
    """Return what is said of the gradients of the head; of its bias alone, which may be what was handed in, nothing."""
    backward = candidate.outcome.judged.of_phase("backward")
    found = {f.comparison.quantity: f.verdict for f in backward}
    return {found[name] for name in ("dL/dW_y", "dL/db_y") if name in found} if "dL/dW_y" in found else set()


def are_of_some_loss(candidate: Candidate) -> bool:
    """Tell whether gradients are those of some loss of the network's own, which is handed targets, and not dL/dy."""
    bound = candidate.bound
    if not isinstance(bound, Binding) or bound.stated or not bound.backward or bound.mistake:
        return False  # of a forward pass with a mistake they may well be right
    if bound.loss is None or bound.loss.kind.startswith("dL/"):
        return False
    problem = candidate.answer.truth.problem
    gradients = {name: text for name, text in bound.shown.items() if name not in RESULTS}
    whole = Whole(bound=bound, truth=candidate.answer.truth, shapes=())

    def along(u: Mapping[str, Array], v: Mapping[str, Array], s: float) -> float:
        return whole.moved(partial(_product, u), v, s)

    def _product(u: Mapping[str, Array], ran: Ran) -> float:
        shown = gradients_of(observed(problem, **values(whole.with_backward(ran), gradients)))
        return sum(float(np.vdot(u[name], g)) for name, g in shown.items())

    shapes = {name: g.shape for name, g in gradients_of(candidate.answer.tidied.observation).items()}
    with sandbox():
        return attempt(lambda field: is_symmetric(field, shapes), along) is True


def _of_another_activation(diagnosis: Diagnosis | None) -> bool:
    """Tell whether nothing but the derivative is wrong, and is that of another function than tanh.

    Of a backward pass alone it isn't known which activation its forward pass has.
    """
    wrong = {} if diagnosis is None or diagnosis.choices is None else diagnosis.choices.departures()
    return wrong.get("derivative") in ("one", "sigmoid")


def _says_enough(candidate: Candidate) -> bool:
    """Tell whether a set of mistakes that reproduces what is shown can be believed: a short vector alone fits many."""
    shown = candidate.answer.tidied.observation.parameters.values()
    return is_stated(candidate.bound) or any(
        gradient.ndim > 1 and min(gradient.shape) > 1 for gradient in shown
    )


def is_handed_over(candidate: Candidate) -> bool:
    """Tell whether nothing was guessed: someone said how it is called, or a backward pass takes dL/dh as it is."""
    bound = candidate.bound
    if is_stated(bound):
        return True
    handed = bound.loss is not None and bound.loss.kind == "dL/dh" and _reads_like_a_backward_pass(bound)
    return handed and _says_enough(candidate) and not bound.guessed


def _reads_like_a_backward_pass(bound: Binding) -> bool:
    """Tell whether what is called for gradients is a backward pass by its name or its walk: an optimiser is neither."""
    calls = (
        node for line in bound.backward for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)
    )
    called = {ast.unparse(call.func).rpartition(".")[2] for call in calls}
    code = vars(bound.loaded.code)
    classes = [item for item in code.values() if isinstance(item, type)]
    functions = [getattr(owner, name, None) for owner in classes for name in called]
    functions += [code.get(name) for name in called]
    return any(map(BACKWARD.fullmatch, called)) or any(
        walks_back(function) for function in functions if function
    )


def _anchors(candidate: Candidate) -> list[str]:
    """Return the parameters whose gradients show which loss was meant: the head's, or without a head any.

    What was handed in, found again in a local variable, can pass for the gradient of its bias, not of its weight.
    """
    shown = candidate.answer.tidied.observation.parameters
    head = next((name for name in (HEAD_WEIGHT, HEAD_BIAS) if name in shown), None)
    return list(shown) if head is None else [head]


def _has_an_anchor(candidate: Candidate) -> bool:
    """Tell whether a gradient that the loss alone makes is right, or without a head any."""
    return any(_is_right_alone(candidate, name) for name in _anchors(candidate))


def _is_right_alone(candidate: Candidate, name: str) -> bool:
    """Tell whether the gradient of one parameter is the right one, up to a constant of its own."""
    gradient = candidate.answer.tidied.observation.parameters[name]
    if gradient.size == 1:
        return False  # any number is another one times a constant
    alone = judge(candidate.answer.truth, Observation(parameters={name: gradient}))
    return alone.verdict("backward") == "agrees" or same_up_to_a_constant(alone) is not None


def established_by_its_own(candidate: Candidate, own: Consistency) -> bool:
    """Tell whether gradients that don't agree with the network's own forward pass may be held against it."""
    if single_steps.is_stepwise(candidate):
        return single_steps.is_wrong_by_its_own(candidate)
    if is_handed_over(candidate) or own.anchored:
        return True
    step = for_so_many_steps(candidate, 1)
    return step is not None and step.verdict == "agrees"


def up_to_how_many_steps(candidate: Candidate) -> str:
    """Tell in words for how many steps gradients agree with the network's own forward pass, where not for all."""
    for steps in range(1, candidate.bound.problem_case.steps):
        found = for_so_many_steps(candidate, steps)
        if found is None:
            break
        wrong = [f.comparison.quantity for f in found.findings if f.verdict == "differs"]
        if wrong and steps == 1:
            return f"for a single step (T = 1) they don't agree either, in {', '.join(wrong)}"
        if wrong:
            return f"for T up to {steps - 1} they agree; for T = {steps} they don't, in {', '.join(wrong)}"
    return ""


def steps_that_deny(candidate: Candidate, longer: Sequence[int]) -> int:
    """Return the steps of the first longer sequence on which gradients don't agree with its own forward, else 0."""
    bound = cast("Binding", candidate.bound)
    if bound.own is None or re.search(r"\[-?\d{1,3}\]", bound.own.outputs):
        return 0  # what is shown may be read at a place that is the last one of that many steps
    free = structs.replace(candidate, bound=structs.replace(bound, lifted=True))
    for steps in longer:
        found = for_so_many_steps(free, steps)
        if found is not None and found.is_clearly_wrong:
            return steps
    return 0


def for_so_many_steps(candidate: Candidate, steps: int) -> Consistency | None:
    """Hold the network's gradients against its own forward pass on so many steps, None where that isn't possible.

    Where it is handed an initial state, they start from one that isn't 0.
    """
    bound = candidate.bound
    h_0 = bound.problem_case.h_0 or (isinstance(bound, Binding) and bound.takes_h_0)
    case = replace(bound.problem_case, steps=steps, h_0=h_0)
    found = attempt(
        lambda case: consistency(structs.replace(bound, problem_case=case).own_forward()),
        case,
        candidate.caught,
    )
    return found if isinstance(found, Consistency) else None
