"""One direction of one layer: a cell scanned over time, forward and backward.

Arrays stay aligned with time in both directions, so that nothing is ever reversed. All T + 1
states lie in one array (T + 1, B, ·) for each vector that the cell carries: a forward scan begins in slot 0 and writes
what follows step t to slot t + 1, a reverse scan begins in slot T and writes it to slot t. Shifting that array by one
therefore gives all states before a step at once, and dW_hh is a single product.

    slot        0      1      2     …     T
    forward     h_0    h_1    h_2   …     h_T            (1-based steps, in order)
    reverse     h_1    h_2    …     h_T   h_0            (h_T computed first, from h_0)

What needs no earlier step is done for a whole block of steps at once (`_packing.py`): the input's share, which a step
finds where it writes its results, the slopes of the way back, and the products in the end. The loops over time see no
more than tuples of views, of which every step takes the next.

Samples shorter than the batch hold their state while they wait, and nothing is computed for them: a forward scan has
finished them, a reverse scan hasn't begun them. Then the final state is the last slot written, whatever the lengths.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from itertools import repeat
from typing import NamedTuple, TypeVar

import numpy as np

from refrnn._cell import Arrays, Cell, Factors, Prepared
from refrnn._packing import Block, Span, rows
from refrnn._types import Array, Weights

T = TypeVar("T")

NOTHING = nullcontext()
"""For the cells that leave NumPy's warnings as they are: entering np.errstate takes longer than a step."""


class Slots(NamedTuple):
    """One vector that is carried from step to step, or its gradient, before and after every step."""

    slots: Array  # (T + 1, B, ·), see the module's table
    reverse: bool

    @property
    def steps(self) -> Array:
        """The slot of every step t, as a view (T, B, ·)."""
        return self.slots[:-1] if self.reverse else self.slots[1:]

    @property
    def previous(self) -> Array:
        """The slot of the step before every step t, as a view (T, B, ·)."""
        return self.slots[1:] if self.reverse else self.slots[:-1]

    @property
    def final(self) -> Array:
        """The slot that the scan fills last, as a view (B, ·)."""
        return self.slots[0 if self.reverse else -1]

    def before(self, span: Span) -> Array:
        """Return the slot from which the scan enters a span, as a view (B, ·)."""
        return self.slots[span.steps.stop if self.reverse else span.steps.start]


class Scan(NamedTuple):
    """What one direction of one layer computed at every step."""

    states: tuple[Slots, ...]
    """Of every vector that the cell carries; the first is the output."""
    kept: Arrays
    """What the cell keeps of every step (T, B, ·), 0 in the padding."""

    @property
    def steps(self) -> Array:
        """The output of every step, as a view (T, B, ·)."""
        return self.states[0].steps

    @property
    def previous(self) -> Arrays:
        """The states before every step, as views (T, B, ·)."""
        return tuple(slots.previous for slots in self.states)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(slots.slots.nbytes for slots in self.states) + sum(array.nbytes for array in self.kept)


class ScanGradients(NamedTuple):
    """The gradients of one direction of one layer at every step, all (T, B, ·).

    All that reaches h_t comes from two sources: `from_output` through the layer's output at step t, `carry` from
    step t+1 (at the last step of the scan: dL/dh_n).
    """

    back: Arrays
    """What the cell writes at every step of the way back, 0 in the padding; first δ."""
    from_output: Array
    carry: tuple[Slots, ...]
    """What is passed back, as of a scan in the other direction: what reaches a step from the next one is `previous`."""


def forward(
    cell: Cell, w: Prepared, x: Array, initial: Sequence[Array], blocks: Sequence[Block], *, reverse: bool
) -> Scan:
    """Scan `cell` over x (T, B, I) from the initial states (B, ·), and return every state."""
    steps, batch, _ = x.shape
    states = tuple([_begun(steps, first, reverse=reverse) for first in initial])
    kept = tuple([np.empty((steps, batch, columns), x.dtype) for columns in w.kept])
    into = [*kept, *[slots.steps for slots in states]]
    make_step, weights, turned = cell.forward_step, w.forward, _reversed if reverse else _as_it_is
    with np.errstate(over=cell.overflow) if cell.overflow else NOTHING:
        for block in turned(blocks):
            filled = [block.of(sequence) for sequence in into]
            _share(weights, rows(block.of(x)), rows(filled[0]))
            for span in turned(block.spans):
                parts = [span.part(part) for part in filled]
                waiting = [slots.before(span) for slots in states]
                before = tuple([span.running(state) for state in waiting])
                room = cell.room(weights, len(before[0]))
                for step in zip(*map(turned, cell.forward_views(parts)), strict=True):
                    before = make_step(weights, room, before, step)
                for slots, part, held in zip(states, parts[len(kept) :], waiting, strict=True):
                    span.put(slots.steps, part, held)
            for sequence, part in zip(kept, filled, strict=False):
                block.put(sequence, part)
    return Scan(states, kept)


def backward(
    cell: Cell,
    w: Prepared,
    scan: Scan,
    d_output: Array,
    d_final: Sequence[Array],
    blocks: Sequence[Block],
    *,
    detached: np.ndarray | None,
) -> ScanGradients:
    """Carry d_output (T, B, ·) and the gradients of the final states (B, ·) back through `scan`.

    Nothing is carried into the states from which a step started where they are `detached` (T, B).
    """
    steps, batch, _ = d_output.shape
    reverse = scan.states[0].reverse
    back = tuple([np.empty((steps, batch, columns), d_output.dtype) for columns in w.back])
    carry = tuple([_begun(steps, last, reverse=not reverse) for last in d_final])
    states, previous = [slots.steps for slots in scan.states], scan.previous
    leaving = [slots.steps for slots in carry]
    make_step, weights, turned = cell.backward_step, w.backward, _as_it_is if reverse else _reversed
    for block in turned(blocks):
        kept, filled = [block.of(sequence) for sequence in scan.kept], [block.of(sequence) for sequence in back]
        cell.slopes([block.of(s) for s in states], [block.of(s) for s in previous], kept, filled)
        from_output, passed = block.of(d_output), [block.of(sequence) for sequence in leaving]
        for span in turned(block.spans):
            dy, to_previous = span.part(from_output), [span.part(part) for part in passed]
            waiting = [slots.before(span) for slots in carry]
            after, d_h = tuple([span.running(state) for state in waiting]), np.empty(dy.shape[1:], dy.dtype)
            views = cell.backward_views([span.part(a) for a in kept], [span.part(a) for a in filled])
            cuts = repeat(None) if detached is None else turned(detached[span.steps, span.samples])
            for arriving, before, step, cut in zip(
                turned(dy),
                zip(*map(turned, to_previous), strict=True),
                zip(*map(turned, views), strict=True),
                cuts,
                strict=False,  # None is repeated for ever
            ):
                np.add(arriving, after[0], d_h)
                make_step(weights, d_h, after, step, before)
                if cut is not None:
                    for leaves in before:
                        leaves[cut] = 0
                after = before
            for slots, part, held in zip(carry, to_previous, waiting, strict=True):
                span.put(slots.steps, part, held)
        for sequence, part in zip(back, filled, strict=True):
            block.put(sequence, part)
    return ScanGradients(back, d_output, carry)


def products(
    cell: Cell,
    w: Prepared,
    x: Array,
    scan: Scan,
    back: Arrays,
    blocks: Sequence[Block],
    onto: Weights | None,
    *,
    bias: bool,
) -> tuple[Weights, Array]:
    """Return what the gradients of every step mean for the parameters and for x (T, B, I).

    The parameters' gradients are sums over all steps, from the last block to the first, added to `onto` (in place)
    where given. dL/dx is 0 in the padding.
    """
    w_ih, previous = w.backward.ih, scan.previous
    total, d_x = onto, np.empty(x.shape, x.dtype)
    for block in reversed(blocks):
        kept, found = [block.of(sequence) for sequence in scan.kept], [block.of(sequence) for sequence in back]
        factors = cell.factors(block.of(x), [block.of(sequence) for sequence in previous], kept, found)
        summed = _summed(factors, bias=bias)
        total = summed if total is None else _added(total, summed)
        dx = block.of(d_x)
        rows(found[0])[:, : len(w_ih)].dot(w_ih, rows(dx))  # (N, rows) @ (rows, I) -> (N, I)
        block.put(d_x, dx)
    assert total is not None  # noqa: S101 - a sequence has a step
    return total, d_x


def _begun(steps: int, first: Array, *, reverse: bool) -> Slots:
    """Return room for a vector before and after every step, with the first one (B, ·) in its place."""
    slots = np.empty((steps + 1, *first.shape), first.dtype)
    slots[-1 if reverse else 0] = first
    return Slots(slots, reverse)


def _share(w: Weights, x: Array, share: Array) -> None:
    """Write what x (N, I) and the biases contribute to all steps: (N, I) @ (I, rows) -> (N, rows), C-contiguous."""
    x.dot(w.ih, share)
    if w.b_ih is not None:
        share += w.b_ih


def _summed(factors: Factors, *, bias: bool) -> Weights:
    """Return the sums of products that the parameters' gradients are, over all rows."""
    b_ih = b_hh = None
    if bias:
        b_ih = stacked([np.add.reduce(rows(left), 0) for left, _ in factors.ih])
        same = factors.hh[0][0] is factors.ih[0][0]  # one δ for both
        b_hh = b_ih.copy() if same else stacked([np.add.reduce(rows(left), 0) for left, _ in factors.hh])
    return Weights(
        _products(factors.ih), _products(factors.hh), b_ih, b_hh, _products(factors.hr) if factors.hr else None
    )


def _products(pairs: Sequence[tuple[Array, Array]]) -> Array:
    """Return leftᵀ right of every pair, below each other."""
    return stacked([rows(left).T.dot(rows(right)) for left, right in pairs])


def stacked(blocks: Sequence[Array], axis: int = 0) -> Array:
    """Return blocks of rows below each other, or the only one as it is."""
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis)


def _added(total: Weights, more: Weights) -> Weights:
    """Add `more` to `total` in place."""
    for one, other in zip(total, more, strict=True):
        if one is not None and other is not None:
            np.add(one, other, out=one)
    return total


def _reversed(parts: Sequence[T]) -> Sequence[T]:
    """Return parts of a sequence, or an array's rows, from the last to the first."""
    return parts[::-1]


def _as_it_is(parts: Sequence[T]) -> Sequence[T]:
    """Return parts in the order of time."""
    return parts
