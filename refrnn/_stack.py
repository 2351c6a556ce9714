"""Layers and directions composed: the forward pass with its trace, and the backward pass over it.

    layer 0 reads x, layer l > 0 reads the outputs of layer l − 1: both directions side by side
    (T, B, D·H), after dropout where it is on. `output` is what the last layer gives; `h_n` stacks the final
    states in torch's order: l0 forward, l0 reverse, l1 forward, …

All arrays in this module are time-major and batched, (T, B, ·); the layouts of callers are
dealt with in `_rnn.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from refrnn import _scan
from refrnn._elman import ElmanCell
from refrnn._packing import Block, blocks
from refrnn._parameters import suffix
from refrnn._scan import Scan, ScanGradients
from refrnn._types import Array, Weights

Place = tuple[int, int]
"""A layer and a direction, both from 0; direction 1 is the reverse one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a forward pass computes with: the cell and the weights of every layer and direction."""

    cell: ElmanCell
    parameters: Mapping[str, Array]  # by torch's names
    weights: Mapping[Place, Weights]  # the same
    layers: int
    directions: int
    dropout: float

    @classmethod
    def of(
        cls, cell: ElmanCell, parameters: Mapping[str, Array], layers: int, directions: int, dropout: float
    ) -> "Stack":
        """Return the stack with these parameters, gathered by layer and direction."""
        weights: dict[Place, Weights] = {}
        for layer in range(layers):
            for d in range(directions):
                end = suffix(layer, d)
                weights[layer, d] = Weights(
                    ih=parameters[f"weight_ih_{end}"],
                    hh=parameters[f"weight_hh_{end}"],
                    b_ih=parameters.get(f"bias_ih_{end}"),
                    b_hh=parameters.get(f"bias_hh_{end}"),
                )
        return cls(
            cell=cell,
            parameters=parameters,
            weights=weights,
            layers=layers,
            directions=directions,
            dropout=dropout,
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle without `weights`: a copy's are its parameters again, and as read-only."""
        return Stack.of, (self.cell, self.parameters, self.layers, self.directions, self.dropout)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackTrace:
    """Everything a backward pass needs: inputs, weights, masks, and all hidden states."""

    stack: Stack
    x: Array  # (T, B, I)
    lengths: np.ndarray | None  # (B,)
    masks: np.ndarray | None  # (layers - 1, T, B, D * H), True where a value is kept
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
        """Return what `layer` hands on, before dropout: its directions side by side (T, B, D·H)."""
        steps = [self.scans[layer, d].steps for d in range(self.stack.directions)]
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
        """Return the last layer's output (T, B, D·H), exactly 0 in the padding."""
        y = self.layer_output(self.stack.layers - 1)
        return y if self.padding is None else cleared(y, self.padding)

    def h_n(self) -> Array:
        """Return the final states (L·D, B, H) in torch's order."""
        return np.array([self.scans[place].final for place in places(self.stack)])


@dataclass(frozen=True, slots=True, kw_only=True)
class StackGradients:
    """What a backward pass found: per place the parameters' gradients and every step's."""

    weights: Mapping[Place, Weights]
    scans: Mapping[Place, ScanGradients]
    x: Array  # (T, B, I)

    def h_0(self, stack: Stack) -> Array:
        """Return dL/dh_0 (L·D, B, H) in torch's order."""
        return np.array([self.scans[place].carry.initial for place in places(stack)])


def places(stack: Stack) -> list[Place]:
    """Return every layer and direction in the order of h_0 and h_n."""
    return [(layer, d) for layer in range(stack.layers) for d in range(stack.directions)]


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
    stack: Stack, x: Array, h_0: Array, *, lengths: np.ndarray | None, masks: np.ndarray | None
) -> StackTrace:
    """Run every layer over x (T, B, I) from h_0 (L·D, B, H) and return the trace."""
    scans: dict[Place, Scan] = {}
    trace = StackTrace(stack=stack, x=x, lengths=lengths, masks=masks, scans=scans)
    parts = trace.blocks
    for layer in range(stack.layers):
        y = trace.layer_reads(layer)
        for d in range(stack.directions):
            w, h = stack.weights[layer, d], h_0[layer * stack.directions + d]
            scans[layer, d] = _scan.forward(stack.cell, w, y, h, parts, reverse=d == 1)
    return trace


def backward(
    trace: StackTrace,
    d_output: Array,
    d_h_n: Array,
    *,
    truncation: int | None = None,
    onto: Mapping[Place, Weights] | None = None,
) -> StackGradients:
    """Carry dL/doutput (T, B, D·H) and dL/dh_n (L·D, B, H) back to parameters, x and h_0.

    With `truncation` = k the state from which steps k, 2k, … of a scan started is treated as a constant.
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
            w, states = stack.weights[layer, d], trace.scans[layer, d]
            found = scans[layer, d] = _scan.backward(
                stack.cell,
                w,
                states,
                d_y[..., d * width : (d + 1) * width],
                d_h_n[layer * stack.directions + d],
                parts,
                detached=detached[d],
            )
            before = None if onto is None else onto[layer, d]
            weights[layer, d], d_x = _scan.products(stack.cell, w, y, states, found.d_a, parts, before)
            d_below.append(d_x)
        d_y = d_below[0] if len(d_below) == 1 else d_below[0] + d_below[1]
        if layer > 0 and trace.masks is not None:
            d_y = dropped(d_y, trace.masks[layer - 1], stack.dropout)
    return StackGradients(weights=weights, scans=scans, x=d_y)
