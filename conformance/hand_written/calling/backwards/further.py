"""Parameters that the reference lacks, such as those of a second output: what a network makes of them isn't judged.

A parameter that nobody set is found by moving it: then something that the forward pass gives moves, and perhaps what
the backward pass gives. Gradients of it that are handed out, and an update of it, were held against nothing; and where
it enters the gradients of the others, they are of a loss that isn't known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct

from conformance.hand_written.calling.asking import Asked
from conformance.hand_written.calling.backwards.search import Backward
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.running.program import Ran, more, run, value, values
from conformance.hand_written.calling.running.reach import reach
from conformance.hand_written.calling.values.matching import SAME, everything
from conformance.hand_written.calling.values.slots import but_weights
from conformance.subjects.reference import observe
from refrnn import Array

MOST = 12
"""Arrays of a network beside its parameters that are looked at."""

MOVED = "{path}[...] += np.cos(np.arange({path}.size)).reshape({path}.shape)"
"""A line that moves a parameter."""


class Further(Struct, frozen=True, kw_only=True):
    """What was found about parameters that the reference lacks, in words; empty where nothing was.

    unjudged
        Whose gradient is handed out, or which are trained, so that not everything was judged.
    enters
        Which of them enters the gradients of the others.
    """

    unjudged: str = ""
    enters: str = ""


def further(bound: Binding, backward: Backward) -> Further:
    """Return what is to be told of the parameters that a network has beyond those of the reference."""
    forward = backward.forward
    if forward.is_own or forward.given or forward.fault:
        return Further()
    p, roots = forward.asked.p, forward.built.setup.roots
    first = run(bound.loaded, p, (*bound.build, *bound.forward))
    given = _arrays(first, ["result", *roots]) if first.ok else {}
    plain = more(bound.loaded, first, bound.backward, lifted=bound.lifted)
    shown = values(plain, backward.harvest.expressions)
    for path in _others(bound, backward, p, roots) if plain.ok else ():
        moved = run(bound.loaded, p, (*bound.build, MOVED.format(path=path)))
        start = np.array(value(moved, path))
        moved = more(bound.loaded, moved, bound.forward)
        if not moved.ok or not _differ(given, _arrays(moved, ["result", *roots]), path):
            continue
        if _is_the_start(forward, path, start, moved):
            continue
        moved = more(bound.loaded, moved, bound.backward, lifted=bound.lifted)
        name = path.partition(".")[2] or path
        if moved.ok and _differ(shown, values(moved, backward.harvest.expressions), path):
            says = f"{name}, a parameter that torch.nn.RNN doesn't have, enters its gradients"
            return Further(unjudged=says, enters=says)
        if _is_trained(path, plain, shown, bound, p):
            says = f"{name}, a parameter that torch.nn.RNN doesn't have, has a gradient too, and that was not judged"
            return Further(unjudged=says)
    return Further()


def _is_the_start(forward: Forward, path: str, start: Array, moved: Ran) -> bool:
    """Tell whether an array holds the initial state: what is shown then is what the reference gives from there.

    Where the forward pass writes states into the same array, the initial one is what it leaves of `start`.
    """
    shown, problem, p = forward.best("h", "y"), forward.asked.problem, forward.asked.p
    after = value(moved, path)
    left = start[after == start] if np.shape(after) == start.shape else start
    start = left if left.size else start
    if shown is None or start.size not in (p.H, p.B * p.H):
        return False
    rows = np.broadcast_to(start.reshape(-1, p.H), (p.B, p.H))
    h_0 = problem.layout.restored_state(rows[np.newaxis])
    truth = observe(replace(problem, case=replace(problem.case, h_0=True), h_0=h_0), np.float64)
    right = truth.output if shown.quantity == "h" else truth.y
    if right is None:
        return False
    expected = problem.layout.time_major(right)
    got = np.asarray(value(moved, shown.expression))
    expected = expected[-1:] if shown.last else expected
    return got.shape == expected.shape and bool(np.abs(got - expected).max() <= SAME * np.abs(expected).max())


def _others(bound: Binding, backward: Backward, p: Asked, roots: Sequence[str]) -> Iterator[str]:
    """Yield the paths of the arrays that are there before the forward pass and hold none of the parameters."""
    built = run(bound.loaded, p, bound.build)
    slots = (*backward.forward.slots, *backward.slots)
    known = [np.asarray(each) for each in values(built, {slot.path: slot.path for slot in slots}).values()]
    found = but_weights(everything(Ran(names=built.names), roots), slots) if built.ok else []
    arrays = [item for item in found if _is_numbers(item.value)]
    others = [a for a in arrays if not any(np.may_share_memory(a.value, each) for each in known)]
    yield from (item.path for item in others[:MOST])


def _is_numbers(found: object) -> bool:
    return (
        isinstance(found, np.ndarray) and found.dtype.kind == "f" and found.size > 1 and found.flags.writeable
    )


def _arrays(ran: Ran, roots: Sequence[str]) -> dict[str, Array]:
    found = everything(Ran(names=ran.names), roots)
    return {item.path: item.value.copy() for item in found if isinstance(item.value, np.ndarray)}


def _differ(before: Mapping[str, Array], after: Mapping[str, Array], path: str) -> bool:
    """Tell whether something else than what lies at a path is another array than before."""
    common = (before.keys() & after.keys()) - {path}
    return any(not np.array_equal(before[name], after[name], equal_nan=True) for name in common)


def _is_trained(path: str, ran: Ran, shown: Mapping[str, Array], bound: Binding, p: Asked) -> bool:
    """Tell whether a backward pass changes a parameter, or returns what may be its gradient and is no other's."""
    own = np.asarray(value(ran, path))
    untouched = np.asarray(value(run(bound.loaded, p, bound.build), path))
    if not np.array_equal(own, untouched):
        return True
    returned = [item.value for item in reach("grads", ran.names.get("grads"))]
    arrays = [each for each in returned if isinstance(each, np.ndarray) and each is not own]
    of_its_shape = [each for each in arrays if each.shape in (own.shape, own.shape[::-1])]
    others = [np.asarray(each) for each in shown.values()]
    return any(
        not any(each.shape == other.shape and np.array_equal(each, other) for other in others)
        for each in of_its_shape
    )
