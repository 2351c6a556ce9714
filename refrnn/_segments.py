"""BPTT in little memory: states are kept at the ends of segments only, and recomputed segment by segment.

    forward    the state at the start of every segment is kept, all other states are dropped
    backward   from the last segment to the first: its states are computed again from the one kept, the gradient of
               the state in which the next segment starts goes in as its dL/dh_n, and its dL/dh_0 goes on

(an LSTM's state is h and c).

A sequence of T steps in segments of k keeps T/k + k states of every layer: with k near √T the memory grows with √T, for
one more forward pass. Segments are whole blocks of the scan (`_packing.BLOCK`), so that every bit is the one that
`backward` gives. This works in one direction; a reverse scan would need the sequence's end first.

References: A. Griewank, "Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
differentiation", Optimization Methods and Software 1 (1992); T. Chen, B. Xu, C. Zhang, C. Guestrin, "Training deep nets
with sublinear memory cost", arXiv:1604.06174 (2016).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refrnn import _checks, _stack
from refrnn._cell import Arrays
from refrnn._layout import Layout
from refrnn._packing import BLOCK
from refrnn._stack import Stack, StackTrace
from refrnn._trace import named
from refrnn._types import Array, read_only

DOutput = npt.ArrayLike | Callable[[int, Array], npt.ArrayLike]
"""dL/doutput as a whole, or a function that gives it for a part: from its first step and its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentedTrace:
    """What a forward pass in segments keeps: the state at the start of each, and the final one.

    It refers to x and to the parameters.
    """

    stack: Stack
    layout: Layout
    x: Array  # (T, B, I)
    steps: int  # of a segment; the last may be shorter
    starts: tuple[Arrays, ...]  # every carried vector (L, B, ·), for every segment
    final: Arrays  # (L, B, ·)

    @property
    def h_n(self) -> Array:
        """The final hidden states (L, B, P), or (L, P) unbatched."""
        return named(self.stack.cell, "h", self.final, self.layout)

    @property
    def c_n(self) -> Array:
        """The final cell states of an LSTM (L, B, H), or (L, H) unbatched."""
        return named(self.stack.cell, "c", self.final, self.layout)

    @property
    def nbytes(self) -> int:
        """Bytes held by the trace itself."""
        return sum(vector.nbytes for state in (*self.starts, self.final) for vector in state)

    def segments(self) -> Iterator[tuple[slice, Arrays]]:
        """Yield every segment's steps and the state in which it starts."""
        for n, start in enumerate(self.starts):
            yield slice(n * self.steps, (n + 1) * self.steps), start

    def computed(self, part: slice, start: Arrays) -> StackTrace:
        """Compute the states of one segment again."""
        return _stack.forward(self.stack, self.x[part], start, lengths=None, masks=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentedGradients:
    """The gradients of a loss with respect to parameters, initial states and, if asked for, x; all are read-only."""

    trace: SegmentedTrace
    parameters: dict[str, Array]
    initials: Arrays  # (L, B, ·)
    x: Array | None

    @property
    def h_0(self) -> Array:
        """dL/dh_0 (L, B, P), or (L, P) unbatched."""
        return named(self.trace.stack.cell, "h", self.initials, self.trace.layout)

    @property
    def c_0(self) -> Array:
        """dL/dc_0 of an LSTM (L, B, H), or (L, H) unbatched."""
        return named(self.trace.stack.cell, "c", self.initials, self.trace.layout)


def forward(stack: Stack, layout: Layout, x: Array, initial: Arrays, *, steps: int | None) -> SegmentedTrace:
    """Run every layer over x (T, B, I) from the initial states, segment by segment; `steps` None means near √T."""
    steps = _segment_steps(steps, len(x))
    starts: list[Arrays] = []
    state = initial
    for first in range(0, len(x), steps):
        starts.append(state)
        state = _stack.forward(stack, x[first : first + steps], state, lengths=None, masks=None).finals()
    return SegmentedTrace(stack=stack, layout=layout, x=x, steps=steps, starts=tuple(starts), final=state)


def backward(
    trace: SegmentedTrace, d_output: DOutput | None, d_final: Arrays, *, input_gradient: bool
) -> SegmentedGradients:
    """Carry dL/doutput and the gradients of the final states back through `trace`, one segment at a time."""
    carry, found = d_final, None
    d_x = np.empty(trace.x.shape, trace.x.dtype) if input_gradient else None
    for part, start in reversed(list(trace.segments())):
        states = trace.computed(part, start)
        d_y = _arriving(trace, d_output, part, states)
        found = _stack.backward(states, d_y, carry, onto=None if found is None else found.weights)
        carry = found.initials(trace.stack)
        if d_x is not None:
            d_x[part] = found.x
    assert found is not None  # noqa: S101 - a sequence has a step
    return SegmentedGradients(
        trace=trace,
        parameters={name: read_only(a) for name, a in found.parameters(trace.stack).items()},
        initials=carry,
        x=None if d_x is None else read_only(trace.layout.restored(d_x)),
    )


def _segment_steps(steps: int | None, length: int) -> int:
    """Return the steps of a segment: whole blocks."""
    if steps is None:
        return BLOCK * max(1, round(math.sqrt(length) / BLOCK))
    steps = _checks.size("steps", steps)
    if steps % BLOCK:
        message = f"steps must be a multiple of {BLOCK}, so that no bit depends on it; got {steps}."
        raise ValueError(message)
    return steps


def _arriving(trace: SegmentedTrace, d_output: DOutput | None, part: slice, states: StackTrace) -> Array:
    """Return dL/doutput of one segment (k, B, P)."""
    output = states.output()
    if d_output is None:
        return np.zeros_like(output)
    width, layout = output.shape[-1], trace.layout
    if callable(d_output):
        shape = layout.shape(len(output), output.shape[1], width)
        given = d_output(part.start, read_only(layout.restored(output)))
        return layout.time_major(_checks.array("d_output", given, output.dtype, shape))
    shape = layout.shape(len(trace.x), output.shape[1], width)
    return layout.time_major(_checks.array("d_output", d_output, output.dtype, shape))[part]
