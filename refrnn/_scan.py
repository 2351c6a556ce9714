"""One direction of one layer: the cell scanned over time, forward and backward.

Arrays stay aligned with time in both directions, so that nothing is ever reversed. All T + 1
states lie in one array (T + 1, B, H): a forward scan begins in slot 0 and writes h_t to slot
t + 1, a reverse scan begins in slot T and writes h_t to slot t. Shifting that array by one
therefore gives every h_{t-1} at once, and dW_hh is a single product.

    slot        0      1      2     …     T
    forward     h_0    h_1    h_2   …     h_T            (1-based steps, in order)
    reverse     h_1    h_2    …     h_T   h_0            (h_T computed first, from h_0)

What needs no earlier step is one matrix product for every block of BLOCK steps, in practice for the whole sequence.
Blocks make the bits independent of how a long sequence is cut into whole blocks (`_segments.py`). In the product that
every step has to wait for, W lies column by column, which spares OpenBLAS a sixth of the time of packing it in float64.

Samples shorter than the batch hold their state while they wait: a forward scan has finished
them, a reverse scan hasn't begun them. Then h_n is the last slot written, whatever the lengths.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from refrnn._elman import ElmanCell
from refrnn._types import Array, Weights

BLOCK = 256
"""Steps whose products are taken at once."""

Rows = Sequence[np.ndarray | None]
"""For each t some samples, as row numbers, or None where there are none."""


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

    @property
    def order(self) -> range:
        """The steps in the order in which they are computed."""
        length = len(self.slots) - 1
        return range(length - 1, -1, -1) if self.reverse else range(length)


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


def blocks(length: int) -> Iterator[slice]:
    """Yield the blocks of a sequence of `length` steps, in the order of time."""
    for start in range(0, length, BLOCK):
        yield slice(start, min(start + BLOCK, length))


def flat(steps: Array) -> Array:
    """Return (T, B, ·) as rows (T·B, ·)."""
    return steps.reshape(-1, steps.shape[-1])


def forward(
    cell: ElmanCell, w: Weights, x: Array, h_0: Array, *, reverse: bool, waiting: Rows | None
) -> Scan:
    """Scan `cell` over x (T, B, I) from h_0 (B, H) and return every state; `waiting` samples hold theirs."""
    length = len(x)
    states = Scan(slots=np.empty((length + 1, *h_0.shape), x.dtype), reverse=reverse)
    states.initial[...] = h_0
    hidden, h = states.steps, states.initial

    share = cell.tape(hidden)
    for block in blocks(length):
        cell.input_share(flat(x[block]), w, flat(share[block]))

    step, w_hh_t = cell.forward_step, w.hh.T
    for t in states.order:
        h_prev, h = h, hidden[t]
        step(share[t], h_prev, w_hh_t, h)
        if waiting is not None and (rest := waiting[t]) is not None:
            h[rest] = h_prev[rest]
    return states


def backward(
    cell: ElmanCell,
    w: Weights,
    states: Scan,
    d_output: Array,
    d_final: Array,
    *,
    waiting: Rows | None,
    detached: Rows | None,
) -> ScanGradients:
    """Carry d_output (T, B, H) and d_final (B, H) back through the scan that made `states`.

    `d_output` is zero where samples wait. Nothing is carried into the state from which a step started
    where it is `detached`.
    """
    d_a = cell.slope(states.steps)
    carry = Scan(slots=np.empty_like(states.slots), reverse=states.reverse)
    carry.final[...] = d_final
    to_previous, leaving = carry.final, carry.previous

    step, w_hh = cell.backward_step, np.asfortranarray(w.hh)
    for t in reversed(states.order):
        from_next, to_previous = to_previous, leaving[t]
        step(d_output[t] + from_next, d_a[t], w_hh, to_previous)
        if detached is not None and (cut := detached[t]) is not None:
            to_previous[cut] = 0
        if waiting is not None and (rest := waiting[t]) is not None:
            d_a[t, rest] = 0
            to_previous[rest] = from_next[rest]
    return ScanGradients(d_a=d_a, from_output=d_output, carry=carry)


def parameter_gradients(
    cell: ElmanCell, w: Weights, x: Array, states: Scan, d_a: Array, onto: Weights | None
) -> Weights:
    """Return the sums over all steps, from the last block to the first, added to `onto` (in place) where given."""
    total = onto
    for block in reversed(list(blocks(len(x)))):
        found = cell.parameter_gradients(flat(d_a[block]), flat(x[block]), flat(states.previous[block]), w)
        total = found if total is None else _added(total, found)
    assert total is not None  # noqa: S101 - a sequence has a step
    return total


def input_gradient(cell: ElmanCell, w: Weights, d_a: Array) -> Array:
    """Return dL/dx of every step (T, B, I)."""
    if len(d_a) <= BLOCK:
        return cell.input_gradient(flat(d_a), w).reshape(*d_a.shape[:2], -1)
    parts = [cell.input_gradient(flat(d_a[block]), w) for block in blocks(len(d_a))]
    return np.concatenate(parts).reshape(*d_a.shape[:2], -1)


def _added(total: Weights, more: Weights) -> Weights:
    """Add `more` to `total` in place."""
    for one, other in zip(total, more, strict=True):
        if one is not None and other is not None:
            np.add(one, other, out=one)
    return total
