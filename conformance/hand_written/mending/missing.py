"""What a wrong value lacks where nothing in reach makes it right: a state, say, that the forward pass never kept."""

import ast
from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from conformance.hand_written.mending.evaluating import Evaluator
from conformance.hand_written.mending.forward.sites import STORED
from conformance.hand_written.mending.known import Entry
from conformance.hand_written.mending.nodes import told
from conformance.hand_written.mending.state import Question, State
from conformance.hand_written.mending.variants import Put, slots
from refrnn import Array

MOST_TRIED = 4000
"""Values of the forward pass that are put in the place of others, one at a time."""


class Missing(Struct, frozen=True, kw_only=True):
    """A value of the forward pass that isn't kept, in whose stead another one is read.

    Attributes
    ----------
    file, line, text
        Where it should be read.
    instead_of
        What stands in its place there.
    what, made_in, time
        What it is called in the forward pass, the line it is read in there, and for which time.
    should_be
        What would be computed with it.
    """

    file: str
    line: int
    text: str
    instead_of: str
    what: str
    made_in: int
    time: int
    should_be: Entry


def missing(question: Question, state: State) -> Missing | None:
    """Return the value without which the first wrong value of a state can't be right; None where none is known."""
    if state.first_wrong >= len(state.events):
        return None
    event = state.events[state.first_wrong]
    unit = state.units[event.unit]
    if event.frame is None:
        return None
    earlier = {match for match in state.matches[: state.first_wrong] if match is not None}
    for node, put, value, use in _replacements(
        question, unit.expression, Evaluator(event.frame, unit.expression)
    ):
        try:
            made = Evaluator(event.frame, unit.expression)(put(ast.Constant(value)))  # type: ignore[arg-type]
        except Exception:
            continue
        found = question.known.one(made)
        if found is not None and found not in earlier:
            return Missing(
                file=unit.function.key[0],
                line=unit.expression.lineno,
                text=state.files[unit.function.key[0]].split("\n")[unit.expression.lineno - 1].strip(),
                instead_of=told(node),
                what=use.site.text,
                made_in=use.site.start[0],
                time=use.time,
                should_be=question.known.entries[found],
            )
    return None


def _replacements(question: Question, whole: ast.expr, evaluate: Evaluator) -> Iterator[tuple]:  # type: ignore[type-arg]
    """Yield what an expression reads, what puts another value in its place, and such values of the forward pass."""
    uses = {use.value.tobytes(): use for use in question.forward if isinstance(use.site.text, str)}
    tried = 0
    read: list[tuple[ast.expr, Put, Array]] = []
    for node, put in slots(whole, lambda new: new):
        if isinstance(node, STORED):
            try:
                value = evaluate(node)
            except Exception:
                continue
            if isinstance(value, np.ndarray):
                read.append((node, put, value))
    for node, put, now in read:
        for use in uses.values():
            for value in _shaped(use.value, now):
                tried += 1
                if tried > MOST_TRIED:
                    return
                yield node, put, value, use


def _shaped(value: Array, like: Array) -> Iterator[Array]:
    if value.size == like.size and not np.array_equal(value.ravel(), like.ravel()):
        yield value.reshape(like.shape)
