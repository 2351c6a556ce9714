"""What a network limits as it is written: truncation and clipping that were lifted to judge what lies beneath them.

They are choices in training and errors in a gradient check, so they are told beside the verdict: up to how many steps
gradients are exact with the code's own number of steps, and at what size they are cut off.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from msgspec import structs

from conformance.hand_written.calling.backwards.softening import SOFTLY
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.checking.choosing import Candidate, judged_on
from conformance.hand_written.checking.running import Failure, attempt

LIFTED = "10**6"
"""What a number of steps to go back is set to, so that it limits nothing."""

MOST_STEPS = 64
"""The longest sequence on which the code's own number of steps is tried."""


def as_written(candidate: Candidate) -> list[str]:
    """Return in sentences what was lifted, and what the code computes with it."""
    bound = candidate.bound
    if not isinstance(bound, Binding):
        return []
    return [*_truncation(candidate, bound), *_clipping(candidate, bound)]


def _clipping(candidate: Candidate, bound: Binding) -> Iterator[str]:
    """Yield where its gradients are cut off or made smaller."""
    if any(SOFTLY in line for line in bound.backward):
        yield (
            "As written, large gradients come out smaller than they are; they were asked for with a cotangent 1024 "
            "times smaller here."
        )
    limits = attempt(bound.clips, candidate.answer.truth.problem, candidate.caught)
    if isinstance(limits, Failure):
        return
    every_step = [limit for limit, times in limits.items() if times >= candidate.case.steps]
    for inside, where in (
        (False, "elements of its gradients beyond {} are cut off"),
        (True, "elements beyond {} are cut off at every step, and the steps before inherit that"),
    ):
        if reached := ", ".join(f"±{c:g}" for c in sorted(limits) if (c in every_step) is inside):
            yield f"As written, {where.format(reached)}; that was {'lifted' if bound.lifted else 'not reached'} here."


def truncation_is_lifted(bound: Binding) -> bool:
    """Tell whether a number of steps to go back was set to one that limits nothing."""
    return any(LIFTED in line for line in (*bound.build, *bound.backward))


def _truncation(candidate: Candidate, bound: Binding) -> list[str]:
    """Return up to how many steps gradients are exact where the code's own number of steps limits them."""
    if not truncation_is_lifted(bound):
        return []
    own = structs.replace(
        bound,
        build=tuple(map(_with_its_own, bound.build)),
        backward=tuple(map(_with_its_own, bound.backward)),
    )
    exact = [steps for steps in (1, 2) if candidate.outcome.agrees and _is_right(candidate, own, steps)]
    if not exact:
        return [
            "It truncates its backward pass after a number of steps that it is handed; that was lifted here."
        ]
    low, high = exact[-1], MOST_STEPS + 1
    while high - low > 1:  # exact up to low, not known to be from high on
        middle = (low + high) // 2
        low, high = (middle, high) if _is_right(candidate, own, middle) else (low, middle)
    if low == MOST_STEPS:
        return [
            f"Its own truncation, lifted here, limits nothing in sequences of up to T = {MOST_STEPS} steps."
        ]
    return [
        f"As written, with its own truncation, they are exact for T up to {low} only; that was lifted here."
    ]


def _is_right(candidate: Candidate, bound: Binding, steps: int) -> bool:
    """Return whether a network agrees on a sequence of so many steps."""
    found = judged_on(replace(candidate.case, steps=steps), bound, candidate.caught)
    return isinstance(found, Candidate) and found.outcome.backward is not None and found.outcome.agrees


def _with_its_own(line: str) -> str:
    """Return a line of an adapter without the numbers of steps that it hands over, where they can be left out.

    >>> _with_its_own("model = RNN(I, H, 10**6)"), _with_its_own("grads = model.bptt(x, y, steps=10**6)")
    ('model = RNN(I, H)', 'grads = model.bptt(x, y)')
    """
    if LIFTED not in line:
        return line
    tree = ast.parse(line)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [k for k in node.keywords if not _is_lifted(k.value)]
            node.args = _without_the_last(node.args)
    return ast.unparse(tree)


def _without_the_last(arguments: Sequence[ast.expr]) -> list[ast.expr]:
    """Return positional arguments without lifted ones at their end."""
    kept = list(arguments)
    while kept and _is_lifted(kept[-1]):
        kept.pop()
    return kept


def _is_lifted(node: ast.expr) -> bool:
    return ast.unparse(node).replace(" ", "") == LIFTED
