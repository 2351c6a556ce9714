"""What a forward pass returns beside what was recognised of it: a state that is not the last one."""

import numpy as np

from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.running.reach import reach
from conformance.hand_written.calling.values.forms import numeric
from conformance.hand_written.calling.values.matching import SAME
from refrnn import Array


def an_earlier_state(forward: Forward) -> str:
    """Return in words that a forward pass returns h_{T-1} by itself and h_T nowhere by itself; empty where it doesn't.

    Whoever goes on from there goes on from a wrong state. What it returns of every step, in arrays or lists of T or
    more, decides nothing.
    """
    states = forward.asked.forward["h"]
    returned = forward.ran.names.get("result")
    single_step = forward.loop or len(states) == 1
    if single_step or not isinstance(returned, (tuple, list, dict)) or len(returned) >= len(states):
        return ""
    single = [
        array
        for item in reach("result", returned, depth=2)
        if (array := numeric(item.value)) is not None and array.size == states[-1].size
    ]
    if any(_same(array, states[-1]) for array in single) or not any(_same(a, states[-2]) for a in single):
        return ""
    return "it returns h_{T-1}, the last state but one, by itself, and h_T nowhere by itself"


def _same(array: Array, state: Array) -> bool:
    """Tell whether an array holds a state, whichever axis is the batch."""
    wanted = (state, state.T)
    return any(np.abs(array.ravel() - each.ravel()).max() <= SAME for each in wanted)
