"""Backward passes beside one that is right: a network whose other one is wrong isn't right, whichever is called.

A class may give right gradients by one method and update its weights by another that mistakes them, or have a plain
backward pass beside a fast one. Which of them its author calls isn't known, so neither is believed alone.
"""

import itertools
import re

from conformance.hand_written.calling.backwards.calls import callables
from conformance.hand_written.calling.backwards.entries import entries
from conformance.hand_written.calling.backwards.search import Backward, is_numerical, tried, with_entry
from conformance.hand_written.calling.backwards.uncalled import SAYS
from conformance.hand_written.calling.building.construct import own_callables
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.scope import spoken_of

MOST_CALLS = 40
"""Ways in which each of the others is called."""


def contradicted(loaded: Loaded, forward: Forward, backward: Backward) -> str:
    """Return in words which other backward pass of `forward` gives wrong gradients; empty where none does."""
    if whole := _whole_of_parts(loaded, forward, backward):
        return f"{whole}, whose parts give right gradients, could not be judged"
    for call in callables(loaded, forward):
        name = call.rpartition(".")[2]
        if call in (backward.call, forward.call) or not _is_an_entry(loaded, name):
            continue
        if wrong := _wrong_beside(loaded, forward, call, last=backward.entry.last):
            own = backward.call.rpartition(".")[2]
            return f"{own} gives right gradients, and {name} others of {', '.join(wrong)}"
    return ""


def _whole_of_parts(loaded: Loaded, forward: Forward, backward: Backward) -> str:
    """Return which backward pass calls the one that is right, and has a forward pass that calls the one judged.

    Of a single step nothing is returned: a loop of ours goes around it, and that is told.
    """
    if forward.loop or any(not isinstance(getattr(loaded.code, n, None), type) for n in loaded.wanted):
        return ""

    def wholes(part: str, says: re.Pattern[str]) -> list[str]:
        own = part.rpartition(".")[2]
        others = (each for each in own_callables(loaded, forward.built) if each.rpartition(".")[2] != own)
        return [
            each
            for each in others
            if says.search(each.rpartition(".")[2]) and own in spoken_of(forward.function(each))
        ]

    whole = wholes(backward.call, SAYS)
    return whole[0].rpartition(".")[2] if whole and wholes(forward.call, names.FORWARD) else ""


def _is_an_entry(loaded: Loaded, name: str) -> bool:
    """Tell whether a callable is there for others to train by: by its name, or since it was asked for."""
    functions = [
        n.rpartition(".")[2] for n in loaded.wanted if not isinstance(getattr(loaded.code, n, None), type)
    ]
    if functions:
        return name in functions
    trains = names.BACKWARD.fullmatch(name) or (
        names.TRAINS.fullmatch(name) and not names.LOSS.fullmatch(name)
    )
    return bool(trains) and not name.startswith("_") and not names.CHECKS.fullmatch(name)


def _wrong_beside(loaded: Loaded, forward: Forward, call: str, *, last: bool) -> list[str]:
    """Return the parameters whose gradients a callable gives wrongly while it gives others rightly."""
    parameters = parameters_of(forward.function(call))
    if parameters is None:
        return []
    found = (
        other
        for entry in entries(loaded, forward)
        if entry.last == last and (put := with_entry(forward, entry)) is not None
        for other in tried(loaded, put, call, parameters, entry)
    )
    for other in itertools.islice(found, MOST_CALLS):
        if not isinstance(other, Backward):
            continue
        if is_numerical(other) or other.harvest.withheld or other.wrong == 0:
            return []
        wrong = [slot for slot in other.slots if slot.path not in other.harvest.right]
        if other.harvest.right and len(other.harvest.expressions) == len(other.slots):
            return [role for slot in wrong for role in slot.roles]
    return []
