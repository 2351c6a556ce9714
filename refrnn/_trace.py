"""What a pass leaves behind: the trace of a forward pass, and the gradients of a backward pass.

Whole-sequence quantities (`output`, `x`) come in the caller's layout, per-step quantities always
as (T, B, ·), with B = 1 for unbatched input, so that step t is row t whatever the layout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from refrnn._layout import Layout
from refrnn._parameters import suffix
from refrnn._scan import ScanGradients
from refrnn._stack import Place, StackGradients, StackTrace, places
from refrnn._types import Array, read_only

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Every hidden state of a forward pass; all arrays are read-only.

    It holds the hidden states (with h_0), masks and lengths, and refers to x and to the parameters.
    Everything else is derived on request.
    """

    stack_trace: StackTrace
    layout: Layout

    @property
    def output(self) -> Array:
        """The last layer's states at every step, as torch's `output`, in the caller's layout."""
        return read_only(self.layout.restored(self.stack_trace.output()))

    @property
    def h_n(self) -> Array:
        """The final states (L·D, B, H), or (L·D, H) unbatched."""
        return read_only(self.layout.restored_state(self.stack_trace.h_n()))

    def hidden(self, layer: int, direction: int = 0) -> Array:
        """Return h_t of one layer and direction for every step: (T, B, H).

        In padding a sample holds its state: its final one, or h_0 in the reverse direction.
        """
        return read_only(_at(self.stack_trace.scans, layer, direction).steps)

    def previous(self, layer: int, direction: int = 0) -> Array:
        """Return the state from which each step started, h_0 included: (T, B, H)."""
        return read_only(_at(self.stack_trace.scans, layer, direction).previous)

    def layer_input(self, layer: int) -> Array:
        """Return what a layer read at every step, after dropout: (T, B, I) or (T, B, D·H), 0 in the padding."""
        _at(self.stack_trace.scans, layer, 0)
        return read_only(self.stack_trace.layer_input(layer))

    @property
    def nbytes(self) -> int:
        """Bytes held by the trace itself: states, masks and lengths."""
        inner = self.stack_trace
        extra = sum(a.nbytes for a in (inner.masks, inner.lengths) if a is not None)
        return extra + sum(scan.slots.nbytes for scan in inner.scans.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradients:
    """The gradients of a loss with respect to everything that took part; all arrays are read-only."""

    trace: Trace
    stack_gradients: StackGradients

    @property
    def parameters(self) -> dict[str, Array]:
        """The gradient of every parameter by torch's name, in torch's order."""
        stack, found = self.trace.stack_trace.stack, self.stack_gradients.weights
        arrays = [array for place in places(stack) for array in found[place] if array is not None]
        return {name: read_only(array) for name, array in zip(stack.parameters, arrays, strict=True)}

    @property
    def x(self) -> Array:
        """dL/dx in the layout of x, 0 in the padding."""
        return read_only(self.trace.layout.restored(self.stack_gradients.x))

    @property
    def h_0(self) -> Array:
        """dL/dh_0 (L·D, B, H), or (L·D, H) unbatched."""
        inner = self.trace.stack_trace.stack
        return read_only(self.trace.layout.restored_state(self.stack_gradients.h_0(inner)))

    def d_h(self, layer: int, direction: int = 0) -> Array:
        """Return dL/dh_t for every step (T, B, H): all that reaches h_t."""
        return read_only(self._scan(layer, direction).d_h)

    def d_h_from_output(self, layer: int, direction: int = 0) -> Array:
        """Return the part of dL/dh_t that came through the layer's output at step t: (T, B, H)."""
        return read_only(self._scan(layer, direction).from_output)

    def d_h_from_next(self, layer: int, direction: int = 0) -> Array:
        """Return the part of dL/dh_t that step t+1 passed back: (T, B, H).

        At the last step of the scan that is dL/dh_n.
        """
        return read_only(self._scan(layer, direction).from_next)

    def d_a(self, layer: int, direction: int = 0) -> Array:
        """Return dL/da_t for every step (T, B, H), 0 in the padding."""
        return read_only(self._scan(layer, direction).d_a)

    def step_contributions(self, name: str) -> Array:
        """Return what every step adds to one parameter's gradient: (T, *shape of the parameter).

        Raises
        ------
        ValueError
            If the network has no parameter of that name.
        """
        inner = self.trace.stack_trace
        for layer, d in inner.scans:
            d_a = self._scan(layer, d).d_a
            if name == _parameter("ih", layer, d):
                return read_only(d_a.swapaxes(1, 2) @ inner.layer_input(layer))  # (T, H, B) @ (T, B, I)
            if name == _parameter("hh", layer, d):
                return read_only(d_a.swapaxes(1, 2) @ inner.scans[layer, d].previous)
            if name in (_parameter("b_ih", layer, d), _parameter("b_hh", layer, d)) and (
                inner.stack.weights[layer, d].b_ih is not None
            ):
                return read_only(d_a.sum(axis=1))
        options = ", ".join(self.parameters)
        message = f"name must be one of {options}; got {name!r}. Pass a parameter of this network."
        raise ValueError(message)

    def _scan(self, layer: int, direction: int) -> ScanGradients:
        return _at(self.stack_gradients.scans, layer, direction)


def _at(found: Mapping[Place, S], layer: int, direction: int) -> S:
    """Return what was found for a layer and direction, refusing others by naming those there are."""
    if (layer, direction) in found:
        return found[layer, direction]
    layers, directions = max(found)
    message = (
        f"layer must be 0 to {layers} and direction 0 to {directions} in this network; got layer {layer!r} and "
        f"direction {direction!r}. Count from 0; direction 1 is the reverse one."
    )
    raise ValueError(message)


def _parameter(field: str, layer: int, direction: int) -> str:
    """Return torch's name of a field of `Weights`."""
    kind = f"bias{field[1:]}" if field.startswith("b_") else f"weight_{field}"
    return f"{kind}_{suffix(layer, direction)}"
