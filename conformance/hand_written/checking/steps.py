"""The backward pass step by step: which step is wrong itself, which only passes on what it was handed, and dL/dh split.

dL/dh_t is the sum of what comes from the output at t and of W_hhᵀ dL/da_{t+1}, what step t + 1 passes back. Both are
recomputed from the network's own values, so a step that is right for what it was handed counts as right.
"""

from collections.abc import Sequence

import numpy as np

from conformance.hand_written.checking.judging import Judged
from conformance.judge import Finding
from conformance.record import exact
from conformance.record.check import SplitRecord
from refrnn import Array


def of_states(judged: Judged) -> Finding | None:
    """Return the finding about dL/dh of every step, None where the network doesn't keep them.

    Of several layers and directions it is the first that is wrong, in the order of the data flow, or the first of all.
    """
    kept = [f for f in judged.findings if f.comparison.quantity == "dL/dh"]
    return next((f for f in kept if f.first is not None), kept[0] if kept else None)


def inherited(finding: Finding) -> str:
    """Return in words which steps of dL/dh are wrong themselves and which inherit; empty where none is wrong."""
    wrong = [t for t in _backwards(finding) if (finding.share[t] > 1).any()]
    if not wrong:
        return ""
    visited = list(_backwards(finding))
    after = [t for t in visited[visited.index(wrong[0]) :] if t not in wrong]
    if not after:
        return f"{_steps(wrong)} {'is' if len(wrong) == 1 else 'are'} wrong, each by itself"
    be, inherit = ("is", "inherits") if len(after) == 1 else ("are", "inherit")
    return (
        f"{_steps(wrong)} {'is' if len(wrong) == 1 else 'are'} wrong; "
        f"{_steps(after)} {be} right given what was passed back, and {inherit} the error"
    )


def split(judged: Judged, finding: Finding) -> list[SplitRecord]:
    """Return dL/dh along time at the first wrong element (or the largest one), split into its two sources.

    Below the last layer, and in the reverse direction, other sources meet: nothing is split there.
    """
    if (finding.comparison.layer, finding.comparison.direction) != (judged.truth.problem.case.layers - 1, 0):
        return []
    first = finding.first
    row, unit = (
        (first.index["row"], first.index["unit"])
        if first is not None
        else _largest(finding.comparison.expected)
    )
    output = from_output(judged)
    c = finding.comparison
    last = len(c.got) - 1  # no step comes after it
    return [
        SplitRecord(
            t=t,
            from_output=exact(float(output[t, row, unit])),
            from_next=exact(float(c.expected[t, row, unit] - output[t, row, unit]) if t < last else 0.0),
            expected=exact(float(c.expected[t, row, unit])),
            got=exact(float(c.got[t, row, unit])),
            wrong_itself=bool((finding.share[t] > 1).any()),
        )
        for t in _backwards(finding)
    ]


def from_output(judged: Judged) -> Array:
    """Return what reaches h_t of the last layer's forward direction from outside, (T, B, H).

    It comes through the output, and at the last step through h_n.
    """
    problem, case = judged.truth.problem, judged.truth.problem.case
    found = np.zeros((case.steps, case.batch, case.hidden_size))
    if problem.d_output is not None:
        found = found + problem.layout.time_major(problem.d_output)[..., : case.hidden_size]
    if problem.d_h_n is not None:
        found[-1] += problem.layout.batched_state(problem.d_h_n)[problem.places.index((case.layers - 1, 0))]
    return found


def _backwards(finding: Finding) -> range:
    """Return the steps in the order in which gradients reach them: the reverse direction's go forwards in time."""
    steps = range(len(finding.comparison.got))
    return steps[::-1] if finding.comparison.backwards else steps


def _largest(values: Array) -> tuple[int, int]:
    _, row, unit = map(int, np.unravel_index(int(np.argmax(np.abs(values))), values.shape))
    return row, unit


def _steps(steps: Sequence[int]) -> str:
    """Return steps in words: `t = 5`, or `t = 5, 4, 3`, or `t = 5 … 0` where they are a run.

    >>> _steps([5]), _steps([5, 3]), _steps([5, 4, 3, 2])
    ('t = 5', 't = 5, 3', 't = 5 … 2')
    """
    one = 1 if steps[-1] > steps[0] else -1
    run = len(steps) > 2 and list(steps) == list(range(steps[0], steps[-1] + one, one))
    return f"t = {steps[0]} … {steps[-1]}" if run else f"t = {', '.join(map(str, steps))}"
