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

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from itertools import repeat
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from refrnn._cell import Arrays, Cell, Factors, Prepared
from refrnn._packing import Block, rows
from refrnn._types import Array, Weights

Parts = tuple[Array, Sequence[Array], Sequence[Array], Sequence[Array]]
"""What steps back read and write: dL/doutput, what they pass back, what the cell kept, and its slopes."""

REVERSED, BUT_FIRST, BUT_LAST = (itemgetter(slice(*cut)) for cut in ((None, None, -1), (1, None), (None, -1)))
"""Parts of sequences: of several at once, `map` takes them in half of the time of a comprehension."""

NOTHING = nullcontext()
"""For the cells that leave NumPy's warnings as they are: entering np.errstate takes longer than a step."""


class Scan(NamedTuple):
    """What one direction of one layer computed at every step."""

    states: Arrays
    """Every vector that the cell carries, before and after every step: (T + 1, B, ·), see the module's table. The first
    is the output."""
    kept: Arrays
    """What the cell keeps of every step (T, B, ·), 0 in the padding."""
    reverse: bool

    @property
    def steps(self) -> Arrays:
        """The states after every step t, as views (T, B, ·)."""
        return after(self.states, reverse=self.reverse)

    @property
    def previous(self) -> Arrays:
        """The states before every step t, as views (T, B, ·)."""
        return after(self.states, reverse=not self.reverse)

    @property
    def final(self) -> Arrays:
        """The states after the last step of the scan, as views (B, ·)."""
        return tuple(slots[0 if self.reverse else -1] for slots in self.states)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in (*self.states, *self.kept))


class ScanGradients(NamedTuple):
    """The gradients of one direction of one layer at every step, all (T, B, ·).

    All that reaches h_t comes from two sources: `from_output` through the layer's output at step t, `from_next` from
    step t+1 (at the last step of the scan: dL/dh_n).
    """

    back: Arrays
    """What the cell writes at every step of the way back, 0 in the padding; first δ."""
    from_output: Array
    carry: Arrays
    """What is passed back, a vector for each carried one, in the slots of the states it belongs to: (T + 1, B, ·)."""
    reverse: bool

    @property
    def from_next(self) -> Arrays:
        """What reaches the states after every step from the next step, as views (T, B, ·)."""
        return after(self.carry, reverse=self.reverse)

    @property
    def initial(self) -> Arrays:
        """What reaches the states from which the scan started, as views (B, ·)."""
        return tuple(slots[-1 if self.reverse else 0] for slots in self.carry)


def forward(
    cell: Cell, w: Prepared, x: Array, initial: Sequence[Array], blocks: Sequence[Block], *, reverse: bool
) -> Scan:
    """Scan `cell` over x (T, B, I) from the initial states (B, ·), and return every state."""
    states = _begun(initial, len(x), last=reverse)
    kept = tuple([np.empty((*x.shape[:2], columns), x.dtype) for columns in w.kept])
    into = kept + after(states, reverse=reverse)
    weights = w.forward
    quiet = cell.out_of_range
    with np.errstate(over=quiet, under=quiet) if quiet else NOTHING:
        for block in blocks[::-1] if reverse else blocks:
            parts = block.of(into)
            _share(weights, rows(block.of((x,))[0]), rows(parts[0]))
            if block.real is None:
                _steps(cell, weights, _entered(states, block.steps, last=reverse), parts, backwards=reverse)
                continue
            for span in block.spans[::-1] if reverse else block.spans:
                waiting, cut = _entered(states, span.steps, last=reverse), [span.part(part) for part in parts]
                _steps(cell, weights, span.running(waiting), cut, backwards=reverse)
                for sequence, part, held in zip(into[len(kept) :], cut[len(kept) :], waiting, strict=True):
                    span.put(sequence, part, held)
            block.put(kept, parts[: len(kept)])
    return Scan(states, kept, reverse)


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
    reverse, shape = scan.reverse, d_output.shape[:2]
    back = tuple([np.empty((*shape, columns), d_output.dtype) for columns in w.back])
    weights, backwards = w.backward, not reverse
    carry = _begun(d_final, len(d_output), last=backwards)
    states, previous, leaving = scan.steps, scan.previous, after(carry, reverse=backwards)
    for block in blocks[::-1] if backwards else blocks:
        kept, slopes, passed = block.of(scan.kept), block.of(back), block.of(leaving)
        cell.slopes(block.of(states), block.of(previous), kept, slopes)
        dy = block.of((d_output,))[0]
        if block.real is None:
            reaching = _entered(carry, block.steps, last=backwards)
            cut = None if detached is None else detached[block.steps]
            _steps_back(cell, weights, reaching, (dy, passed, kept, slopes), cut, backwards=backwards)
            continue
        for span in block.spans[::-1] if backwards else block.spans:
            waiting, own = _entered(carry, span.steps, last=backwards), span.part(dy)
            before, values, factors = (
                [span.part(part) for part in parts] for parts in (passed, kept, slopes)
            )
            cut = None if detached is None else detached[span.steps, span.samples]
            _steps_back(
                cell, weights, span.running(waiting), (own, before, values, factors), cut, backwards=backwards
            )
            for sequence, part, held in zip(leaving, before, waiting, strict=True):
                span.put(sequence, part, held)
        block.put(back, slopes)
    return ScanGradients(back, d_output, carry, reverse)


def products(
    cell: Cell,
    w: Prepared,
    x: Array,
    scan: Scan,
    back: Arrays,
    blocks: Sequence[Block],
    onto: Weights | None,
) -> tuple[Weights, Array]:
    """Return what the gradients of every step mean for the parameters and for x (T, B, I).

    The parameters' gradients are sums over all steps, from the last block to the first, added to `onto` (in place)
    where given. dL/dx is 0 in the padding.
    """
    w_ih, previous, kept = w.backward.ih, scan.previous, scan.kept
    total, d_x = onto, np.empty(x.shape, x.dtype)
    for block in reversed(blocks):
        read, dx = block.of((x, d_x))
        found = tuple(map(rows, block.of(back)))
        factors = cell.factors(
            rows(read), tuple(map(rows, block.of(previous))), tuple(map(rows, block.of(kept))), found
        )
        summed = _summed(factors, bias=w.bias)
        total = summed if total is None else _added(total, summed)
        delta = found[0] if found[0].shape[1] == len(w_ih) else found[0][:, : len(w_ih)]
        delta.dot(w_ih, rows(dx))  # (N, rows) @ (rows, I) -> (N, I)
        block.put((d_x,), (dx,))
    assert total is not None  # noqa: S101 - a sequence has a step
    return total, d_x


def after(states: Arrays, *, reverse: bool) -> Arrays:
    """Return the slots after every step of a scan in that direction, as views (T, B, ·)."""
    return tuple(map(BUT_LAST if reverse else BUT_FIRST, states))


def _steps(cell: Cell, w: Weights, before: Arrays, parts: Sequence[Array], *, backwards: bool) -> None:
    """Make steps of samples that have them all, from the states before them."""
    room, make_step = cell.room(w, len(before[0])), cell.forward_step
    for step in _each(cell.forward_views(parts), backwards=backwards):
        before = make_step(w, room, before, step)


def _steps_back(
    cell: Cell, w: Weights, reaching: Arrays, parts: Parts, cut: np.ndarray | None, *, backwards: bool
) -> None:
    """Make steps back of samples that have them all, from what the steps after them passed back."""
    dy, passed, kept, slopes = parts
    d_h, make_step = np.empty(dy.shape[1:], dy.dtype), cell.backward_step
    before = _each(passed, backwards=backwards)
    steps = _each(cell.backward_views(kept, slopes), backwards=backwards)
    if backwards:
        dy, cut = dy[::-1], None if cut is None else cut[::-1]
    cuts = repeat(None, len(dy)) if cut is None else cut
    for arriving, leaving, step, samples in zip(dy, before, steps, cuts, strict=True):
        np.add(arriving, reaching[0], d_h)
        make_step(w, d_h, reaching, step, leaving)
        if samples is not None:
            for vector in leaving:
                vector[samples] = 0
        reaching = leaving


def _begun(first: Sequence[Array], steps: int, *, last: bool) -> Arrays:
    """Return room for vectors (B, ·) before and after every step, with the given ones in the first or last slot."""
    states: list[Array] = []
    for vector in first:
        slots = np.empty((steps + 1, *vector.shape), vector.dtype)
        slots[-1 if last else 0] = vector
        states.append(slots)
    return tuple(states)


def _entered(states: Arrays, steps: slice, *, last: bool) -> Arrays:
    """Return the slots from which a scan enters some steps, before their first or after their last one: (B, ·)."""
    slot = steps.stop if last else steps.start
    return tuple([slots[slot] for slots in states])


def _share(w: Weights, x: Array, share: Array) -> None:
    """Write what x (N, I) and the biases contribute to all steps: (N, I) @ (I, rows) -> (N, rows), C-contiguous."""
    x.dot(w.ih, share)
    if w.b_ih is not None:
        share += w.b_ih


def _summed(factors: Factors, *, bias: bool) -> Weights:
    """Return the sums of products that the parameters' gradients are, over all rows."""
    ih, hh, hr = factors
    b_ih = b_hh = None
    if bias:
        b_ih = _sums(ih)
        b_hh = b_ih.copy() if hh[0][0] is ih[0][0] else _sums(hh)  # often one δ for both
    return Weights(_products(ih), _products(hh), b_ih, b_hh, _products(hr) if hr else None)


def _sums(pairs: Sequence[tuple[Array, Array]]) -> Array:
    """Return the sums over the rows of every left, one after another."""
    if len(pairs) == 1:
        return np.add.reduce(pairs[0][0], 0)
    return np.concatenate([np.add.reduce(left, 0) for left, _ in pairs])


def _products(pairs: Sequence[tuple[Array, Array]]) -> Array:
    """Return leftᵀ right of every pair, below each other."""
    if len(pairs) == 1:
        ((left, right),) = pairs
        return left.T.dot(right)
    return np.concatenate([left.T.dot(right) for left, right in pairs])


def stacked(blocks: Sequence[Array], axis: int = 0) -> Array:
    """Return blocks of rows below each other, or the only one as it is."""
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis)


def _added(total: Weights, more: Weights) -> Weights:
    """Add `more` to `total` in place."""
    for one, other in zip(total, more, strict=True):
        if one is not None and other is not None:
            np.add(one, other, out=one)
    return total


def _each(arrays: Sequence[Array], *, backwards: bool) -> Iterable[Arrays]:
    """Return for every step, in the order of time or against it, its views of some arrays."""
    return zip(*(map(REVERSED, arrays) if backwards else arrays), strict=True)
