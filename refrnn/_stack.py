"""Layers and directions composed: the forward pass with its trace, and the backward pass over it.

    layer 0 reads x, layer l > 0 reads the outputs of layer l − 1: both directions side by side
    (T, B, D·P), after dropout where it is on. `output` is what the last layer gives; `h_n` (and `c_n`) stack the
    final states in torch's order: l0 forward, l0 reverse, l1 forward, …

P is the length of what a cell gives, H but in an LSTM with projections.

All arrays in this module are time-major and batched, (T, B, ·); the layouts of callers are
dealt with in `_network.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from refrnn import _scan
from refrnn._cell import Arrays, Cell, Prepared
from refrnn._packing import Block, blocks
from refrnn._parameters import gathered, suffix
from refrnn._scan import Scan, ScanGradients
from refrnn._types import Array, Weights

Place = tuple[int, int]
"""A layer and a direction, both from 0; direction 1 is the reverse one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a forward pass computes with: the cell and the weights of every layer and direction."""

    cell: Cell
    parameters: Mapping[str, Array]  # by torch's names
    weights: Mapping[Place, Weights]  # the same
    prepared: Mapping[Place, Prepared]  # as a scan reads them
    layers: int
    directions: int
    dropout: float

    @classmethod
    def of(
        cls, cell: Cell, parameters: Mapping[str, Array], layers: int, directions: int, dropout: float
    ) -> "Stack":
        """Return the stack with these parameters, gathered by layer and direction."""
        weights = {
            (layer, d): gathered(parameters, f"_{suffix(layer, d)}")
            for layer in range(layers)
            for d in range(directions)
        }
        return cls(
            cell=cell,
            parameters=parameters,
            weights=weights,
            prepared={place: cell.prepared(w) for place, w in weights.items()},
            layers=layers,
            directions=directions,
            dropout=dropout,
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle without what is made of the parameters: a copy makes it again, and as read-only."""
        return Stack.of, (self.cell, self.parameters, self.layers, self.directions, self.dropout)


class StackTrace(NamedTuple):
    """Everything a backward pass needs: inputs, weights, masks, all states, and what the cell keeps of every step."""

    stack: Stack
    x: Array  # (T, B, I)
    lengths: np.ndarray | None  # (B,)
    masks: np.ndarray | None  # (layers - 1, T, B, D * P), True where a value is kept
    scans: Mapping[Place, Scan]

    @property
    def padding(self) -> np.ndarray | None:
        """True (T, B) where a sample has no step, or None where every sample has all of them."""
        if self.lengths is None:
            return None
        return np.arange(len(self.x))[:, np.newaxis] >= self.lengths

    @property
    def blocks(self) -> Sequence[Block]:
        """Where the steps lie that samples have."""
        return blocks(len(self.x), self.lengths)

    def layer_output(self, layer: int) -> Array:
        """Return what `layer` hands on, before dropout: its directions side by side (T, B, D·P)."""
        steps = [self.scans[layer, d].steps[0] for d in range(self.stack.directions)]
        return steps[0] if len(steps) == 1 else np.concatenate(steps, axis=-1)

    def layer_reads(self, layer: int) -> Array:
        """Return what `layer` reads: x or the layer below, after dropout; padding, which isn't read, holds anything."""
        if layer == 0:
            return self.x
        y = self.layer_output(layer - 1)
        return y if self.masks is None else dropped(y, self.masks[layer - 1], self.stack.dropout)

    def layer_input(self, layer: int) -> Array:
        """Return what `layer` reads at every step (T, B, ·), exactly 0 in the padding."""
        y = self.layer_reads(layer)
        return y if self.padding is None else cleared(y, self.padding)

    def output(self) -> Array:
        """Return the last layer's output (T, B, D·P), exactly 0 in the padding."""
        y = self.layer_output(self.stack.layers - 1)
        return y if self.padding is None else cleared(y, self.padding)

    def finals(self) -> Arrays:
        """Return the final states, (L·D, B, ·) in torch's order for every vector that the cell carries."""
        return _piled([scan.final for scan in self.scans.values()])


class StackGradients(NamedTuple):
    """What a backward pass found: per place the parameters' gradients and every step's."""

    weights: Mapping[Place, Weights]
    scans: Mapping[Place, ScanGradients]
    x: Array  # (T, B, I)

    def initials(self, stack: Stack) -> Arrays:
        """Return the gradients of the initial states, (L·D, B, ·) in torch's order for every carried vector."""
        return _piled([self.scans[place].initial for place in stack.weights])

    def parameters(self, stack: Stack) -> dict[str, Array]:
        """Return the gradient of every parameter by torch's name, in torch's order."""
        arrays = [array for place in stack.weights for array in self.weights[place] if array is not None]
        return dict(zip(stack.parameters, arrays, strict=True))


def _piled(states: Sequence[Sequence[Array]]) -> Arrays:
    """Turn the carried vectors of every place into piles (L·D, B, ·), one for each vector."""
    return tuple(np.array(vectors) for vectors in zip(*states, strict=True))


def cleared(values: Array, padding: np.ndarray) -> Array:
    """Return a copy of `values` (T, B, ·) with zeros in the padding, whatever stood there."""
    values = values.copy()
    values[padding] = 0
    return values


def dropped(values: Array, keep: np.ndarray, p: float) -> Array:
    """Return dropout of `values`: kept ones times 1 / (1 − p), the others 0 (all of them at p = 1)."""
    one = np.promote_types(values.dtype, np.float64).type(1)  # float32 gets a correctly rounded factor
    scale = 0 * one if p == 1 else one / (one - p)
    return values * (keep * values.dtype.type(scale))


def detached_steps(trace: StackTrace, truncation: int, *, reverse: bool) -> np.ndarray:
    """Return True (T, B) where a step is step k, 2k, … (from 0) of its sample's own scan.

    A reverse scan starts at the last step that its sample has. What is returned for a sample's padding means
    nothing.
    """
    steps, batch = len(trace.x), trace.x.shape[1]
    start = np.zeros(batch, np.intp)
    if reverse:
        start += (steps if trace.lengths is None else trace.lengths) - 1
    position = np.abs(np.arange(steps)[:, np.newaxis] - start)  # (T, B)
    return (position > 0) & (position % truncation == 0)


def forward(
    stack: Stack, x: Array, initial: Arrays, *, lengths: np.ndarray | None, masks: np.ndarray | None
) -> StackTrace:
    """Run every layer over x (T, B, I) from the initial states, each (L·D, B, ·), and return the trace."""
    scans: dict[Place, Scan] = {}
    trace = StackTrace(stack=stack, x=x, lengths=lengths, masks=masks, scans=scans)
    parts = trace.blocks
    for layer in range(stack.layers):
        y = trace.layer_reads(layer)
        for d in range(stack.directions):
            first = [states[layer * stack.directions + d] for states in initial]
            scans[layer, d] = _scan.forward(
                stack.cell, stack.prepared[layer, d], y, first, parts, reverse=d == 1
            )
    return trace


def backward(
    trace: StackTrace,
    d_output: Array,
    d_final: Arrays,
    *,
    truncation: int | None = None,
    onto: Mapping[Place, Weights] | None = None,
) -> StackGradients:
    """Carry dL/doutput (T, B, D·P) and the gradients of the final states, each (L·D, B, ·), back to where all began.

    With `truncation` = k the states from which steps k, 2k, … of a scan started are treated as constants.
    The gradients of parameters are added to those of later steps in `onto`, in place, where given. Nothing else in the
    result refers to the arguments, so that the caller may reuse them.
    """
    stack, padding, parts = trace.stack, trace.padding, trace.blocks
    detached = [
        None if truncation is None else detached_steps(trace, truncation, reverse=d == 1)
        for d in range(stack.directions)
    ]
    weights: dict[Place, Weights] = {}
    scans: dict[Place, ScanGradients] = {}

    d_y = np.array(d_output, order="C") if padding is None else cleared(d_output, padding)
    for layer in reversed(range(stack.layers)):
        y = trace.layer_reads(layer)
        width = d_y.shape[-1] // stack.directions
        d_below: list[Array] = []
        for d in range(stack.directions):
            place = layer, d
            w, scan = stack.prepared[place], trace.scans[place]
            own = d_y if stack.directions == 1 else d_y[..., d * width : (d + 1) * width]
            last = [states[layer * stack.directions + d] for states in d_final]
            found = _scan.backward(stack.cell, w, scan, own, last, parts, detached=detached[d])
            scans[place] = found
            weights[place], d_x = _scan.products(
                stack.cell,
                w,
                y,
                scan,
                found.back,
                parts,
                None if onto is None else onto[place],
            )
            d_below.append(d_x)
        d_y = d_below[0] if len(d_below) == 1 else d_below[0] + d_below[1]
        if layer > 0 and trace.masks is not None:
            d_y = dropped(d_y, trace.masks[layer - 1], stack.dropout)
    return StackGradients(weights=weights, scans=scans, x=d_y)
