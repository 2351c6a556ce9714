"""Padded batches, packed: blocks of rows for the products, and spans of steps for the scan. Padding is never computed.

From one length to the next the same samples have every step. Such a span is scanned like a batch of its own, and a
batch without lengths is a single span:

    t             0   1   2   3   4   5
    sample 0      ■   ■   ■   ■                  first span: steps 0 and 1 of samples 0, 1, 2
    sample 1      ■   ■   ■   ■   ■   ■          second: steps 2 and 3 of samples 0, 1
    sample 2      ■   ■                          third: steps 4 and 5 of sample 1

What needs no earlier step is one product for every block of BLOCK steps, in practice for the whole sequence, over the
rows of all samples that have them: here 12 of 18. Blocks make the bits independent of how a long sequence is cut
into whole blocks (`_segments.py`).

Everything here reads and writes sequences (T, B, ·). Where all samples run, it gives views (k, B, ·), so that what is
computed in them is in its place already; otherwise copies of the rows (N, ·) that samples have, to be `put` back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from refrnn._types import Array

BLOCK = 256
"""Steps whose products are taken at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Steps that the same samples have."""

    steps: slice
    samples: np.ndarray | slice  # row numbers; a slice where they follow each other
    packed: bool  # whether the block has padding, so that its rows are copies
    rows: slice  # where they lie among the packed rows of the block

    def part(self, block: Array) -> Array:
        """Return this span of what its block holds of a sequence, as a view (k, b, ·)."""
        if not self.packed:
            return block
        part = block[self.rows]
        return part.reshape(self.steps.stop - self.steps.start, -1, part.shape[-1])

    def running(self, state: Array) -> Array:
        """Return the rows (b, ·) of a state (B, ·) that go on."""
        return state[self.samples] if self.packed else state

    def put(self, sequence: Array, part: Array, waiting: Array) -> None:
        """Write a part (k, b, ·) to its place, and `waiting` (B, ·) to the places of the other samples."""
        if self.packed:
            sequence[self.steps] = waiting
            sequence[self.steps, self.samples] = part


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Steps whose products are taken at once."""

    steps: slice
    real: np.ndarray | None  # (k, B), False in the padding; None where there is none
    spans: Sequence[Span]

    def of(self, sequence: Array) -> Array:
        """Return what samples have of these steps: (k, B, ·) as a view, or (N, ·) in the order of time as a copy."""
        part = sequence[self.steps]
        return part if self.real is None else part[self.real]

    def put(self, sequence: Array, rows: Array) -> None:
        """Write rows (N, ·) to their places, and zeros in the padding."""
        if self.real is not None:
            part = sequence[self.steps]
            part[...] = 0
            part[self.real] = rows


def rows(block: Array) -> Array:
    """Return what a block holds of a sequence as rows (N, ·), in the order of time."""
    return block.reshape(-1, block.shape[-1])


def blocks(steps: int, lengths: np.ndarray[Any, Any] | None) -> Sequence[Block]:
    """Return the blocks of `steps` steps in the order of time; `lengths` (B,) is None where all samples have all."""
    if lengths is None:
        return _whole(steps)
    return [_packed(slice(start, stop), lengths) for start, stop in _bounds(steps)]


@lru_cache(maxsize=16)  # short sequences would wait longer for this than for a step
def _whole(steps: int) -> Sequence[Block]:
    """Return the blocks of a batch without padding."""
    return tuple(_unpadded(slice(*bounds)) for bounds in _bounds(steps))


def _bounds(steps: int) -> Iterator[tuple[int, int]]:
    """Yield the first step of every block, and the step after its last."""
    return pairwise([*range(0, steps, BLOCK), steps])


def _unpadded(steps: slice) -> Block:
    """Return a block that all samples have."""
    span = Span(steps=steps, samples=slice(None), packed=False, rows=slice(None))
    return Block(steps=steps, real=None, spans=[span])


def _packed(steps: slice, lengths: np.ndarray[Any, Any]) -> Block:
    """Return a block that some samples may not have as a whole."""
    if lengths.min() >= steps.stop:
        return _unpadded(steps)
    real = np.less.outer(range(steps.start, steps.stop), lengths)  # (k, B)
    return Block(steps=steps, real=real, spans=list(_spans(steps, lengths)))


def _spans(steps: slice, lengths: np.ndarray[Any, Any]) -> Iterator[Span]:
    """Yield the spans of a block with padding."""
    within = lengths[(lengths > steps.start) & (lengths < steps.stop)]
    ends = np.unique([*within, steps.stop])
    running = np.less_equal.outer(ends, lengths)  # (spans, B)
    falling = bool(np.all(lengths[1:] <= lengths[:-1]))
    start, row = steps.start, 0
    for end, count, marked in zip(ends.tolist(), running.sum(axis=1).tolist(), running, strict=True):
        after = row + (end - start) * count
        samples = slice(count) if falling else np.flatnonzero(marked)
        yield Span(steps=slice(start, end), samples=samples, packed=True, rows=slice(row, after))
        start, row = end, after
