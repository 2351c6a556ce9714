"""What begins a further sequence with a network that has run: its own methods for that, and its weights again."""

import numpy as np

from conformance.hand_written.calling.building.construct import callable_of, own_callables
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import values
from conformance.hand_written.calling.running.watch import Seen
from conformance.hand_written.calling.values.slots import Slot


def between(loaded: Loaded, forward: Forward, seen: Seen) -> tuple[str, ...]:
    """Return the lines that a caller runs before a further sequence.

    A state that the network keeps is its caller's to set only where it has a method that sets it back; gradients that
    add up are its caller's to clear only where it has one that clears them. What its own functions, those `seen` in a
    run, call by themselves is not the caller's.
    """
    setup = forward.built.setup
    begins = [line for line in setup.lines if line.startswith(f"{setup.owner}.") and " = " not in line]
    resets = [
        f"{call}()"
        for call in own_callables(loaded, forward.built)
        if setup.owner == "model"
        and names.RESETS.fullmatch(call.rpartition(".")[2])
        and not _is_called_by(forward, seen, call.rpartition(".")[2])
        and not any(q.required for q in parameters_of(callable_of(forward.built, call)) or [])
    ]
    if forward.loop and not (forward.starts or begins or resets):
        return forward.build  # the state of a cell that keeps it itself begins with the cell
    fills = [
        f"{slot.path}[...] = {slot.fill}"
        for slot in forward.slots
        if begins
        or "h_0" not in slot.roles
        or is_a_parameter(forward, slot)
        or any(not is_about_gradients(call) for call in resets)
    ]
    return (*resets, *begins, *fills)


def _is_called_by(forward: Forward, seen: Seen, method: str) -> bool:
    """Tell whether one of the methods that ran, the constructor aside, calls another one by itself."""
    owner = type(forward.ran.names.get("model"))
    ran = (getattr(owner, name, None) for name in seen if name != "__init__")
    return any(method in getattr(getattr(each, "__code__", None), "co_names", ()) for each in ran)


def is_a_parameter(forward: Forward, slot: Slot) -> bool:
    """Tell whether an initial state is one that a forward pass leaves as it is, to be trained as the weights are."""
    held = values(forward.ran, {"now": slot.path, "set": slot.fill})
    return len(held) == len(("now", "set")) and np.array_equal(held["now"], held["set"])


def is_about_gradients(call: str) -> bool:
    """Tell whether a call that begins a further sequence clears gradients, and no state."""
    return "grad" in call.lower()
