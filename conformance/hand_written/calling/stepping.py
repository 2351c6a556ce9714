"""Single steps called in loops of ours, and the loops over time of what was asked about that did not run for that."""

from collections.abc import Sequence

from msgspec.structs import replace

from conformance.hand_written.calling.backwards.search import Backward
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.forwards.tries import NOT_TRIED
from conformance.hand_written.calling.interface import Attempt
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.scope import takes_a_step, unrun


def with_steps_noted(
    loaded: Loaded,
    binding: Binding,
    forward: Forward,
    backward: Backward | None,
    known: Sequence[Forward],
    attempts: Sequence[Attempt],
) -> Binding:
    """Return a binding that tells whether loops of ours walk over time, and of what was asked about what didn't run.

    A backward pass that walks itself has had its forward pass called as its author does; one without a loop takes the
    last step alone. Nothing is left of what is `known`; what became of the rest is among the `attempts`.
    """
    once = backward is not None and backward.loop is None
    if not forward.loop or (once and not takes_a_step(loaded, forward.built, backward.call)):
        return binding
    ran = {forward.call, *(each.call for each in known if not each.loop)}
    ran |= set() if backward is None else {backward.call}
    became = {attempt.what: attempt for attempt in attempts if attempt.problem != NOT_TRIED}
    left = tuple(
        became.get(call, Attempt(what=call, reached="found", problem=NOT_TRIED))
        for call in unrun(loaded, forward, ran)
    )
    return replace(binding, stepwise=True, once=once, unrun=left)
