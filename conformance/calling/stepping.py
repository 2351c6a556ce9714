"""Single steps called in loops of ours, and the loops over time of what was asked about that did not run for that."""

from collections.abc import Sequence

from conformance.calling.backwards.search import Backward
from conformance.calling.forwards.passes import Forward
from conformance.calling.forwards.search import NOT_TRIED
from conformance.calling.interface import Attempt
from conformance.calling.loading.load import Loaded
from conformance.calling.scope import unrun


def walks_for_it(forward: Forward, backward: Backward | None) -> bool:
    """Tell whether loops of ours walk over time in place of the code's own.

    A backward pass that walks itself has had its forward pass called as its author does.
    """
    return bool(forward.loop) and (backward is None or backward.loop is not None)


def left_unrun(
    loaded: Loaded,
    forward: Forward,
    backward: Backward | None,
    known: Sequence[str],
    attempts: Sequence[Attempt],
) -> tuple[Attempt, ...]:
    """Return the loops over time that were asked about and did not run, but for `known`, with what became of each."""
    ran = {*known, forward.call} | ({backward.call} if backward is not None else set())
    became = {attempt.what: attempt for attempt in attempts}
    return tuple(
        became.get(call, Attempt(what=call, reached="found", problem=NOT_TRIED))
        for call in unrun(loaded, forward, ran)
    )
