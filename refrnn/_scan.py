"""One direction of one layer: the cell scanned over time, forward and backward.

Arrays stay aligned with time in both directions, so that nothing is ever reversed. All T + 1
states lie in one array (T + 1, B, H): a forward scan begins in slot 0 and writes h_t to slot
t + 1, a reverse scan begins in slot T and writes h_t to slot t. Shifting that array by one
therefore gives every h_{t-1} at once, and dW_hh is a single product.

    slot        0      1      2     …     T
    forward     h_0    h_1    h_2   …     h_T            (1-based steps, in order)
    reverse     h_1    h_2    …     h_T   h_0            (h_T computed first, from h_0)

What needs no earlier step is one matrix product for a whole block of steps (`_packing.py`). In the product that
every step has to wait for, W lies column by column, which spares OpenBLAS a sixth of the time of packing it in float64.

Samples shorter than the batch hold their state while they wait, and nothing is computed for them: a forward scan has
finished them, a reverse scan hasn't begun them. Then h_n is the last slot written, whatever the lengths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from refrnn._elman import ElmanCell
from refrnn._packing import Block, Span
from refrnn._types import Array, Weights

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one direction of one layer computed, or (as gradients) received, at every step."""

    slots: Array  # (T + 1, B, H), see the module's table
    reverse: bool

    @property
    def steps(self) -> Array:
        """The slot of every step t, as a view (T, B, H)."""
        return self.slots[:-1] if self.reverse else self.slots[1:]

    @property
    def previous(self) -> Array:
        """The slot of the step before every step t, as a view (T, B, H)."""
        return self.slots[1:] if self.reverse else self.slots[:-1]

    @property
    def initial(self) -> Array:
        """The slot from which the scan starts, as a view (B, H)."""
        return self.slots[-1 if self.reverse else 0]

    @property
    def final(self) -> Array:
        """The slot that the scan fills last, as a view (B, H)."""
        return self.slots[0 if self.reverse else -1]

    def order(self, length: int) -> range:
        """Return so many steps in the order in which they are computed."""
        return range(length - 1, -1, -1) if self.reverse else range(length)

    def in_order(self, parts: Sequence[T]) -> Sequence[T]:
        """Return parts of the sequence in the order in which they are computed."""
        return parts[::-1] if self.reverse else parts

    def before(self, span: Span) -> Array:
        """Return the slot from which the scan enters a span, as a view (B, H)."""
        return self.previous[span.steps][-1 if self.reverse else 0]

    def after(self, span: Span) -> Array:
        """Return the slot with which the scan leaves a span, as a view (B, H)."""
        return self.steps[span.steps][0 if self.reverse else -1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanGradients:
    """The gradients of one direction of one layer at every step, all (T, B, H).

    `d_h` is everything that reaches h_t: `from_output` what came through the layer's output
    at step t, `from_next` what step t+1 passed back (at the last step of the scan: dL/dh_n).
    """

    d_a: Array
    from_output: Array
    carry: Scan

    @property
    def from_next(self) -> Array:
        """dL/dh_t as far as it came from step t+1, as a view."""
        return self.carry.steps

    @property
    def d_h(self) -> Array:
        """dL/dh_t, the sum of its two sources."""
        return self.from_output + self.from_next


def forward(
    cell: ElmanCell, w: Weights, x: Array, h_0: Array, blocks: Sequence[Block], *, reverse: bool
) -> Scan:
    """Scan `cell` over x (T, B, I) from h_0 (B, H) and return every state."""
    states = Scan(slots=np.empty((len(x) + 1, *h_0.shape), x.dtype), reverse=reverse)
    states.initial[...] = h_0
    step, w_hh_t = cell.forward_step, w.hh.T
    for block in states.in_order(blocks):
        rows = block.rows(states.steps)
        cell.input_share(block.rows(x), w, rows)
        for span in states.in_order(block.spans):
            before, hidden = states.before(span), span.part(rows)
            h_prev, product = before[span.samples], np.empty_like(hidden[0])
            for t in states.order(len(hidden)):
                h = hidden[t]  # holds the input's share until the step turns it into h_t
                step(h, h_prev, w_hh_t, h, product)
                h_prev = h
            span.put(states.steps, hidden, before)
    return states


def backward(
    cell: ElmanCell,
    w: Weights,
    states: Scan,
    d_output: Array,
    d_final: Array,
    blocks: Sequence[Block],
    *,
    detached: np.ndarray | None,
) -> ScanGradients:
    """Carry d_output (T, B, H) and d_final (B, H) back through the scan that made `states`.

    Nothing is carried into the state from which a step started where it is `detached` (T, B).
    """
    d_a = cell.slope(states.steps)
    carry = Scan(slots=np.empty_like(states.slots), reverse=states.reverse)
    carry.final[...] = d_final
    step, w_hh = cell.backward_step, np.asfortranarray(w.hh)
    for block in reversed(states.in_order(blocks)):
        d_rows, from_output, leaving = block.rows(d_a), block.rows(d_output), block.rows(carry.previous)
        for span in reversed(states.in_order(block.spans)):
            after = carry.after(span)
            da, dy, to_previous = span.part(d_rows), span.part(from_output), span.part(leaving)
            cut = None if detached is None else detached[span.steps, span.samples]
            from_next, dh = after[span.samples], np.empty_like(da[0])
            for t in reversed(states.order(len(da))):
                np.add(dy[t], from_next, dh)
                from_next = to_previous[t]
                step(dh, da[t], w_hh, from_next)
                if cut is not None:
                    from_next[cut[t]] = 0
            span.put(carry.previous, to_previous, after)
        block.put(d_a, d_rows)
    return ScanGradients(d_a=d_a, from_output=d_output, carry=carry)


def products(
    cell: ElmanCell,
    w: Weights,
    x: Array,
    states: Scan,
    d_a: Array,
    blocks: Sequence[Block],
    onto: Weights | None,
) -> tuple[Weights, Array]:
    """Return what dL/da of every step means for the parameters and for x (T, B, I).

    The parameters' gradients are sums over all steps, from the last block to the first, added to `onto` (in place)
    where given. dL/dx is 0 in the padding.
    """
    total, d_x = onto, np.empty((*d_a.shape[:2], w.ih.shape[1]), d_a.dtype)
    for block in reversed(blocks):
        da, dx = block.rows(d_a), block.rows(d_x)
        found = cell.parameter_gradients(da, block.rows(x), block.rows(states.previous), w)
        total = found if total is None else _added(total, found)
        cell.input_gradient(da, w, dx)
        block.put(d_x, dx)
    assert total is not None  # noqa: S101 - a sequence has a step
    return total, d_x


def _added(total: Weights, more: Weights) -> Weights:
    """Add `more` to `total` in place."""
    for one, other in zip(total, more, strict=True):
        if one is not None and other is not None:
            np.add(one, other, out=one)
    return total
