"""Whether foreign code walks over time: whether it does more where there are more steps."""

import sys
from dataclasses import replace
from types import FrameType
from typing import Any

from conformance.calling.asking import question
from conformance.calling.forwards.passes import Forward
from conformance.calling.loading.load import Loaded
from conformance.calling.running.program import run


def walks_over_time(loaded: Loaded, forward: Forward) -> bool:
    """Tell whether a forward pass goes from step to step, and is no single step that takes all of them for samples.

    A loop runs more instructions of its own for a longer sequence; a step only has larger products to do.
    """
    case = forward.asked.case
    counts = [
        _instructions(loaded, replace(forward, asked=question(shorter, forward.asked.traits)))
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
