"""What a backward pass returns beside right gradients: of the shape of dL/dx or dL/dh_0, and yet no gradient.

Values are compared in whatever order they lie, up to a constant: how something is laid out, or averaged, is no matter.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from conformance.hand_written.calling.asking import Question, question
from conformance.hand_written.calling.backwards.search import Backward
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints.returns import returned_names
from conformance.hand_written.calling.running.program import Ran, more, run, values
from conformance.hand_written.calling.values.forms import numeric
from conformance.hand_written.calling.values.matching import SAME, everything, no_last_steps, series_in
from refrnn import Array


def an_unknown_gradient(bound: Binding, backward: Backward) -> str:
    """Return in words what is returned in the place of dL/dx, or of dL/dh_0 where that is handed over; else nothing."""
    forward = backward.forward
    if forward.is_own or forward.fault or forward.outputs is None:
        return ""
    for h_0 in dict.fromkeys((bound.takes_h_0, False)):
        asked = question(replace(forward.asked.case, h_0=h_0), forward.asked.traits)
        ran = run(bound.loaded, asked.p, (*bound.build, *bound.forward))
        if ran.ok and _is_right(forward, asked, ran):
            break
    else:
        return ""
    ran = more(bound.loaded, ran, bound.backward, lifted=backward.lifted)
    if not ran.ok:
        return ""
    of_x = 0 if forward.inputs.ids or asked.exact.d_x is None else asked.exact.d_x.size
    d_h_0 = None if backward.loop is not None else asked.exact.d_h_0
    known = {
        of_x: ("x", [_in_order(array) for array in _known(asked, ran)]),
        0 if d_h_0 is None else d_h_0.size: ("h_0", [_in_order(array) for array in _of_a_state(asked, ran)]),
    }
    called = returned_names(forward.function(backward.call), "grads")
    items, read = everything(Ran(names=ran.names), ["grads"]), " ".join(backward.harvest.expressions.values())
    within = no_last_steps(items, asked.case.steps)
    for series in series_in(items, asked.case.steps):
        array = series.stacked
        if series.base in within or (series.base != "grads" and series.base in read):
            continue
        if not array.size or array.size not in known or not np.all(np.isfinite(array)) or not np.any(array):
            continue
        whose, others = known[array.size]
        if not any(_is_any_multiple(_in_order(array), each) for each in others):
            name = called.get(series.base) or _in_words(series.base.removeprefix("grads"))
            return f"beside right gradients it returns {name}, which has the shape of dL/d{whose} and is not that"
    return ""


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


def _in_order(array: Array) -> Array:
    """Return the values of an array, sorted, at the size of one."""
    size = float(np.linalg.norm(array))
    return np.sort(np.ravel(array)) / (size or 1.0)


def _is_any_multiple(array: Array, other: Array) -> bool:
    if array.size != other.size:
        return False
    return any(np.abs(array - each).max() <= SAME for each in (other, -other[::-1]))
