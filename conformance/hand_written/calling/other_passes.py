"""A network with what is known of its other passes: of those beside the backward pass that it is judged by."""

import numpy as np
from msgspec.structs import replace

from conformance.hand_written.calling.backwards.beside import Beside, beside, unrun
from conformance.hand_written.calling.backwards.search import Backward
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.describing import bound_of
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.found import Found
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.limits import sandbox
from conformance.hand_written.calling.running.program import values


def with_others(loaded: Loaded, bound: Binding, backward: Backward, others: Beside) -> Binding:
    """Return a network with what is known of its other passes, and of methods that did not run."""
    told = () if others.wrong else unrun(loaded, backward.forward, backward, others.right)
    passes = tuple(bound_of(loaded, other.forward, other) for other in others.passes)
    denied = bound.denied or others.wrong
    return replace(bound, denied=denied, beside=passes, notes=(*bound.notes, *told))


def held_against_others(loaded: Loaded, found: Found, bound: Binding, backward: Backward) -> Binding:
    """Return a network whose gradients turned out right, by a loss of its own, with what is known of its other passes.

    Those are held against these gradients.
    """
    shown = values(backward.ran, backward.harvest.expressions)
    gradients = {path: np.asarray(g) for path, g in shown.items()}
    with sandbox():
        others = beside(loaded, forward_of(found, backward), backward, lambda *_: gradients)
        return with_others(loaded, bound, backward, others)


def forward_of(found: Found, backward: Backward) -> Forward:
    """Return the forward pass of a backward pass as it was found, before a loss was put to it."""
    return next((f for f in found.forwards if f.lines == backward.forward.lines), backward.forward)
