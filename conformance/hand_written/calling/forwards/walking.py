"""Forward passes that walk over time, which is seen by how much more they do where there are more steps."""

import sys
from dataclasses import replace
from types import FrameType
from typing import Any

from msgspec import structs

from conformance.hand_written.calling.asking import question
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.forwards.search import Searching
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import run
from conformance.hand_written.calling.scope import has_a_loop_below


def mistaken_loops(loaded: Loaded, searching: Searching) -> list[Forward]:
    """Return the loops over time that ran, and that are recognised as those of a network with one mistake."""
    ran = [forward for forward in searching.ran if has_a_loop_below(loaded, forward)]
    wrong = searching.recognising.with_one_mistake(ran)
    return [forward for forward in wrong if walks_over_time(loaded, forward)]


def walks_over_time(loaded: Loaded, forward: Forward) -> bool:
    """Tell whether a forward pass goes from step to step, and is no single step that takes all of them for samples.

    A loop runs more instructions of its own for a longer sequence; a step only has larger products to do.
    """
    case = forward.asked.case
    counts = [
        _instructions(loaded, structs.replace(forward, asked=question(shorter, forward.asked.traits)))
        for shorter in (case, replace(case, steps=case.steps - 2))
    ]
    return counts[0] != counts[1]


def _instructions(loaded: Loaded, forward: Forward) -> int:
    """Return how many instructions of foreign code a forward pass runs."""
    count = 0

    def trace(frame: FrameType, _event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in loaded.files:
            return None
        frame.f_trace_opcodes = True
        return step

    def step(_frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "opcode"
        return step

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run(loaded, forward.asked.p, (*forward.build, *forward.lines))
    finally:
        sys.settrace(before)
    return count
