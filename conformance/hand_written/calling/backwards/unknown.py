"""What a backward pass returns beside right gradients: of the shape of dL/dx or dL/dh_0, and yet no gradient.

Values are compared in whatever order they lie, up to the constant that the gradients of the parameters carry: how
something is laid out is no matter.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct

from conformance.hand_written.calling.asking import Question, question
from conformance.hand_written.calling.backwards.search import Backward
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.forwards.own import by_differences
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.forwards.starting import lines_from_zeros
from conformance.hand_written.calling.hints.returns import returned_names
from conformance.hand_written.calling.running.program import Ran, more, run, values
from conformance.hand_written.calling.values.forms import numeric
from conformance.hand_written.calling.values.matching import SAME, everything, no_last_steps, series_in
from refrnn import Array

NO_PART = r"(?!\[|\.(?!T\b|\w+\())"
"""What stands behind the path of an array that is read whole: no index, no attribute but what turns it."""

NOT_JUDGED = (
    "{} may be the gradient of an initial state; no way was found to hand one over, so it was not judged."
)


class Place(Struct, frozen=True, kw_only=True):
    """Something whose gradient a backward pass may return: its name, its size, and what may lie in its place.

    `known` is None where that isn't known.
    """

    of: str
    size: int
    known: Callable[[], Sequence[Array]] | None


def an_unknown_gradient(bound: Binding, backward: Backward) -> tuple[str, tuple[str, ...]]:
    """Return in words what is returned in the place of dL/dx, or of dL/dh_0 where that is handed over; else nothing.

    And in sentences what may be such a gradient and could not be judged.
    """
    forward = backward.forward
    if forward.fault or forward.outputs is None:
        return "", ()
    asked = forward.asked if forward.is_own else _where_it_is_right(bound, forward)
    if asked is None:
        return "", ()
    ran = run(bound.loaded, asked.p, (*bound.build, *bound.forward))
    ran = more(bound.loaded, ran, bound.backward, lifted=backward.lifted) if ran.ok else ran
    if not ran.ok:
        return "", ()
    own = forward.is_own
    places = list(_places_by_differences(bound, backward) if own else _places(asked, ran, backward))
    called = returned_names(forward.function(backward.call), "grads")
    told, still = [], _of_another_loss(bound, backward) if own else {}
    scales = dict.fromkeys((1.0, backward.harvest.constant))
    for base, array in _returned(asked, ran, backward):
        place = next((each for each in places if each.size == array.size), None)
        if place is None or np.array_equal(array, still.get(base)):
            continue
        name = called.get(base) or _in_words(base.removeprefix("grads"))
        if place.known is None:
            told.append(NOT_JUDGED.format(name[0].upper() + name[1:]))
        elif not any(_is_one_of(array, each, scales) for each in place.known()):
            gradient = f"dL/d{place.of}"
            return (
                f"beside right gradients it returns {name}, which has the shape of {gradient} and is not that",
                (),
            )
    return "", tuple(dict.fromkeys(told))


def _of_another_loss(bound: Binding, backward: Backward) -> dict[str, Array]:
    """Return what a backward pass returns for the loss the other way round: what is still the same is no gradient."""
    p = backward.forward.asked.p
    for name in ("d_y", "d_h"):
        p = p.holding(name, -getattr(p, name)) if hasattr(p, name) else p
    if hasattr(p, "targets"):
        p = p.holding("targets", np.roll(p.targets, 1, axis=0))
    ran = run(bound.loaded, p, (*bound.build, *bound.forward))
    ran = more(bound.loaded, ran, bound.backward, lifted=backward.lifted)
    return dict(_returned(backward.forward.asked, ran, backward)) if ran.ok else {}


def _where_it_is_right(bound: Binding, forward: Forward) -> Question | None:
    """Return a question that a forward pass answers rightly: from an initial state where it takes one, or from 0."""
    for h_0 in dict.fromkeys((bound.takes_h_0, False)):
        asked = question(replace(forward.asked.case, h_0=h_0), forward.asked.traits)
        ran = run(bound.loaded, asked.p, (*bound.build, *bound.forward))
        if ran.ok and _is_right(forward, asked, ran):
            return asked
    return None


def _returned(asked: Question, ran: Ran, backward: Backward) -> Iterator[tuple[str, Array]]:
    """Yield what a backward pass returns beside the gradients that are read, their rows and the weights; and where."""
    items, read = everything(Ran(names=ran.names), ["grads"]), " ".join(backward.harvest.expressions.values())
    within = no_last_steps(items, asked.case.steps)
    weights = values(ran, {slot.path: slot.path for slot in backward.forward.slots}).values()
    for series in series_in(items, asked.case.steps):
        array = series.stacked
        if series.base in within or _is_read(series.base, read):
            continue
        if any(np.shape(w) == array.shape and np.array_equal(w, array) for w in weights):
            continue
        if array.size and np.all(np.isfinite(array)) and np.any(array):
            yield series.base, array


def _is_read(path: str, read: str) -> bool:
    """Tell whether something is read as a gradient, or is a part of what is read whole.

    >>> _is_read("grads[1][0]", "grads[1].T grads[2]"), _is_read("grads[1][0]", "grads[1][1]")
    (True, False)
    """
    ends = [match.start() for match in re.finditer(r"[\[.]", path)][1:]
    wholes = (re.escape(path[:end]) + NO_PART for end in ends)
    return (path != "grads" and path in read) or any(re.search(whole, read) for whole in wholes)


def _places(asked: Question, ran: Ran, backward: Backward) -> Iterator[Place]:
    """Yield the gradients that the reference has, and all else that lies at hand in their shapes."""
    exact = asked.exact
    if exact.d_x is not None and not backward.forward.inputs.ids:
        yield Place(of="x", size=exact.d_x.size, known=lambda: list(_known(asked, ran)))
    if exact.d_h_0 is not None and backward.loop is None:
        yield Place(of="h_0", size=exact.d_h_0.size, known=lambda: list(_of_a_state(asked, ran)))


def _places_by_differences(bound: Binding, backward: Backward) -> Iterator[Place]:
    """Yield the gradients of a network's own forward pass, by differences."""
    forward = backward.forward
    p, lines = forward.asked.p, tuple(bound.forward)

    def moved(name: str, lines: tuple[str, ...]) -> Callable[[], list[Array]]:
        return lambda: [by_differences(bound.loaded, forward, backward.entry, name, lines)]

    if not forward.inputs.ids:
        yield Place(of="x", size=p.x.size, known=moved("x", lines))
    if backward.loop is None:
        starts = [moved("h_0", each) for each in lines_from_zeros(bound.loaded, forward)]
        known = (lambda: [array for start in starts for array in start()]) if starts else None
        yield Place(of="h_0", size=p.h_0.size, known=known)


def _in_words(place: str) -> str:
    return f"{place} of what its backward pass gives" if place else "something"


def _is_right(forward: Forward, asked: Question, ran: Ran) -> bool:
    """Tell whether a forward pass gives the outputs that it should from where it was started."""
    shown = forward.outputs
    true = None if shown is None else asked.forward.get(shown.quantity)
    if shown is None or true is None:
        return False
    got = values(ran, {"it": shown.expression}).get("it")
    return got is not None and any(_same(got, each) for each in (true, true[-1:]))


def _same(got: Array, true: Array) -> bool:
    return got.shape == true.shape and bool(np.abs(got - true).max() <= SAME * np.abs(true).max())


def _known(asked: Question, ran: Ran) -> Iterator[Array]:
    """Yield all that a backward pass may have at hand: gradients, states and what it was handed, whole and by steps."""
    exact, problem = asked.exact, asked.problem
    yield from exact.parameters.values()
    whole = [exact.d_x, exact.d_h_0, exact.d_c_0, exact.y, exact.output, problem.x, problem.h_0]
    steps = [
        *exact.hidden.values(),
        *exact.d_hidden.values(),
        *exact.d_pre.values(),
        *exact.inner.values(),
        *exact.d_inner.values(),
        *exact.d_passed.values(),
    ]
    handed = [array for item in ran.handed if (array := numeric(item)) is not None]
    for array in (*(each for each in whole if each is not None), *handed, *steps):
        yield array
    for array in (*handed, *steps):
        yield from array if array.ndim > 1 else ()


def _of_a_state(asked: Question, ran: Ran) -> Iterator[Array]:
    """Yield what a backward pass may return for a state: dL/dh_0, dL/dc_0, the last state, and what it was handed."""
    exact = asked.exact
    yield from (each for each in (exact.d_h_0, exact.d_c_0, asked.problem.h_0) if each is not None)
    yield from (steps[-1] for steps in (*exact.hidden.values(), *exact.inner.values()))
    yield from exact.parameters.values()
    for array in (array for item in ran.handed if (array := numeric(item)) is not None):
        yield array
        yield from array if array.ndim > 1 else ()


def _is_one_of(array: Array, other: Array, scales: Iterable[float]) -> bool:
    """Tell whether an array holds the values of another one in any order, times one of some constants."""
    if array.size != other.size:
        return False
    got, size = np.sort(np.ravel(array)), float(np.abs(other).max())
    trials = ((scale, np.sort(scale * np.ravel(other))) for scale in scales)
    return any(bool(np.abs(got - values).max() <= SAME * abs(scale) * size) for scale, values in trials)
