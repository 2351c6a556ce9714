"""What a forward pass returns and keeps beside what was recognised of it: a state that is not the last one."""

import re
from collections.abc import Iterator, Sequence, ValuesView
from dataclasses import replace

import numpy as np

from conformance.hand_written.calling.asking import shown_by
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import run, values
from conformance.hand_written.calling.values.forms import numeric
from conformance.hand_written.calling.values.matching import SAME
from conformance.subjects.reference import observe
from refrnn import Array

PUT_IN_AN_ATTRIBUTE = re.compile(r"(model\.[\w.]+(?:\[[^]]*\])*) = .*\bp\.h_0\b")
"""A line that puts an initial state where a network keeps it, and that place."""


def starts_in(lines: Sequence[str]) -> list[str]:
    """Return the attributes that an initial state is put in."""
    return [match[1] for line in lines if (match := PUT_IN_AN_ATTRIBUTE.match(line))]


def an_earlier_state(loaded: Loaded, forward: Forward, from_h_0: Sequence[str]) -> str:
    """Return in words that whoever goes on from where a forward pass ended goes on from an earlier state; else nothing.

    It returns that by itself and h_T nowhere by itself, or keeps h_{T-1} where it starts from: `from_h_0` are the lines
    that hand over an initial state. What it returns of every step, in arrays or lists of T or more, decides nothing.
    """
    states = forward.asked.forward["h"]
    if forward.loop or len(states) == 1:
        return ""
    ran = run(loaded, forward.asked.p, (*forward.build, *forward.lines))
    kept = values(ran, {place: place for place in starts_in(from_h_0)})
    goes_on = any(_same(array, states[-2]) for array in map(numeric, kept.values()) if array is not None)
    if goes_on or _goes_on_from(loaded, forward, states[-2]):
        return "it keeps h_{T-1}, the last state but one, where its next sequence starts from"
    returned = ran.names.get("result")
    if "c" in forward.asked.case.carried and _has_no_memory_beside_its_state(forward, returned):
        return "it returns h_T with something beside it that is no c_T"
    single = list(_by_themselves(returned, states))
    if any(_same(array, states[-1]) for array in single):
        return ""
    steps = len(states)
    earlier = (t for t in range(steps - 1, 0, -1) if any(_same(a, states[t - 1]) for a in single))
    return next((_GOES_BACK.format(steps - t) for t in earlier), "")


_GOES_BACK = "it returns h_{{T-{}}}, an earlier state than the last, by itself, and h_T nowhere by itself"


def _by_themselves(returned: object, states: Sequence[Array], depth: int = 2) -> Iterator[Array]:
    """Yield the arrays of the size of a state that were returned one by one, not as those of all steps."""
    inner = returned.values() if isinstance(returned, dict) else returned
    if not isinstance(inner, (tuple, list, ValuesView)) or not depth:
        return
    alike = [a for a in map(numeric, inner) if a is not None and a.size == states[-1].size]
    if len(alike) < len(states):
        yield from alike
    for each in inner:
        yield from _by_themselves(each, states, depth - 1)


def _goes_on_from(loaded: Loaded, forward: Forward, state: Array) -> bool:
    """Tell whether a second call, with nothing done in between, starts from a state (B, H) that isn't the last one."""
    shown, asked = forward.outputs, forward.asked
    if shown is None or shown.last or forward.is_own or asked.case.carried != ("h",) or asked.case.layers > 1:
        return False
    ran = run(loaded, asked.p, (*forward.build, *forward.lines, *forward.lines))
    second = values(ran, {"it": shown.expression}).get("it") if ran.ok else None
    problem = asked.problem
    h_0 = problem.layout.restored_state(state[np.newaxis])
    started = replace(problem, case=replace(problem.case, h_0=True), h_0=h_0)
    right = shown_by(started, observe(started, np.float64)).get(shown.quantity)
    if second is None or right is None or np.shape(second) != right.shape:
        return False
    return bool(np.abs(second - right).max() <= SAME * np.abs(right).max())


def _has_no_memory_beside_its_state(forward: Forward, returned: object) -> bool:
    """Tell whether two arrays of the shape of a state lie together, of which one is h_T, and the other not c_T."""
    exact, last = forward.asked.exact, forward.asked.forward["h"][-1]
    known = [last, *(steps[-1] for steps in exact.inner.values())]
    within = returned if isinstance(returned, (tuple, list)) else ()
    for pair in (within, *(each for each in within if isinstance(each, (tuple, list)))):
        arrays = [a for a in map(numeric, pair) if a is not None and a.size == last.size]
        if len(arrays) == len("hc") and any(_same(a, last) for a in arrays):
            return not all(any(_same(a, each) for each in known) for a in arrays)
    return False


def _same(array: Array, state: Array) -> bool:
    """Tell whether an array holds a state, whichever axis is the batch."""
    wanted = (state, state.T) if array.size == state.size else ()
    return any(np.abs(array.ravel() - each.ravel()).max() <= SAME for each in wanted)
