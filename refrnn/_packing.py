"""Padded batches, packed: blocks of rows for the products, and spans of steps for the scan. Padding is never computed.

From one length to the next the same samples have every step. Such a span is scanned like a batch of its own:

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
    """Steps of a block with padding that the same samples have."""

    steps: slice
    samples: np.ndarray | slice  # row numbers; a slice where they follow each other
    rows: slice  # where they lie among the packed rows of the block

    def part(self, packed: Array) -> Array:
        """Return this span of the rows (N, ·) of its block as a view (k, b, ·)."""
        part = packed[self.rows]
        return part.reshape(self.steps.stop - self.steps.start, -1, part.shape[-1])

    def running(self, states: Sequence[Array]) -> tuple[Array, ...]:
        """Return the rows (b, ·) of states (B, ·) that go on."""
        return tuple(state[self.samples] for state in states)

    def put(self, sequence: Array, part: Array, waiting: Array) -> None:
        """Write a part (k, b, ·) to its place, and `waiting` (B, ·) to the places of the other samples."""
        sequence[self.steps] = waiting
        sequence[self.steps, self.samples] = part


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Steps whose products are taken at once."""

    steps: slice
    all: bool  # whether there are no other steps, and no padding
    real: np.ndarray | None  # (k, B), False in the padding; None where there is none
    spans: Sequence[Span]  # of a block with padding

    def of(self, sequences: Sequence[Array]) -> Sequence[Array]:
        """Return what samples have of these steps: (k, B, ·) as views, or (N, ·) in the order of time as copies."""
        if self.all:
            return sequences
        parts = [sequence[self.steps] for sequence in sequences]
        return parts if self.real is None else [part[self.real] for part in parts]

    def put(self, sequences: Sequence[Array], parts: Sequence[Array]) -> None:
        """Write what `of` gave to its places, where it gave copies, and zeros in the padding."""
        if self.real is not None:
            for sequence, packed in zip(sequences, parts, strict=True):
                part = sequence[self.steps]
                part[...] = 0
                part[self.real] = packed


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
    cut = [slice(*bounds) for bounds in _bounds(steps)]
    return tuple(Block(steps=part, all=len(cut) == 1, real=None, spans=()) for part in cut)


def _bounds(steps: int) -> Iterator[tuple[int, int]]:
    """Yield the first step of every block, and the step after its last."""
    return pairwise([*range(0, steps, BLOCK), steps])


def _packed(steps: slice, lengths: np.ndarray[Any, Any]) -> Block:
    """Return a block that some samples may not have as a whole."""
    if lengths.min() >= steps.stop:
        return Block(steps=steps, all=False, real=None, spans=())
    real = np.less.outer(range(steps.start, steps.stop), lengths)  # (k, B)
    return Block(steps=steps, all=False, real=real, spans=list(_spans(steps, lengths)))


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
        yield Span(steps=slice(start, end), samples=samples, rows=slice(row, after))
        start, row = end, after
