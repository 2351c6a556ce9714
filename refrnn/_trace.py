"""What a pass leaves behind: the trace of a forward pass, and the gradients of a backward pass.

Whole-sequence quantities (`output`, `x`) come in the caller's layout, per-step quantities always
as (T, B, ·), with B = 1 for unbatched input, so that step t is row t whatever the layout.

P is the length of h: H but in an LSTM with projections. What only an LSTM carries is refused of other networks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from refrnn._cell import Arrays, Cell, Factors
from refrnn._layout import Layout
from refrnn._parameters import suffix
from refrnn._scan import Scan, ScanGradients, stacked
from refrnn._stack import Place, StackGradients, StackTrace, cleared
from refrnn._types import Array, read_only

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Every state of a forward pass, and all that its steps compute on the way; all arrays are read-only.

    It holds the states (with the initial ones), what the cell keeps of every step, masks and lengths, and refers to x
    and to the parameters. Everything else is derived on request.
    """

    stack_trace: StackTrace
    layout: Layout

    @property
    def output(self) -> Array:
        """The last layer's states at every step, as torch's `output`, in the caller's layout."""
        return read_only(self.layout.restored(self.stack_trace.output()))

    @property
    def h_n(self) -> Array:
        """The final hidden states (L·D, B, P), or (L·D, P) unbatched."""
        return named(self.stack_trace.stack.cell, "h", self.stack_trace.finals(), self.layout)

    @property
    def c_n(self) -> Array:
        """The final cell states of an LSTM (L·D, B, H), or (L·D, H) unbatched."""
        return named(self.stack_trace.stack.cell, "c", self.stack_trace.finals(), self.layout)

    def hidden(self, layer: int, direction: int = 0) -> Array:
        """Return h_t of one layer and direction for every step: (T, B, P).

        In padding a sample holds its state: its final one, or h_0 in the reverse direction.
        """
        return self.quantity("h", layer, direction)

    def previous(self, layer: int, direction: int = 0, name: str = "h") -> Array:
        """Return the state from which each step started, the initial one included: (T, B, ·); "c" for an LSTM's c."""
        scan = _at(self.stack_trace.scans, layer, direction)
        return read_only(carried(self.stack_trace.stack.cell, name, scan.previous))

    def quantity(self, name: str, layer: int, direction: int = 0) -> Array:
        """Return one quantity of every step by its letter in the formulas of the cell: (T, B, ·).

        "h"; of an LSTM "c", its gates "i", "f", "o" and the candidate "g"; of a GRU the gates "r", "z", the candidate
        "n", and "m" = W_hn h + b_hn. In padding a sample holds its states, and the others are 0.

        Raises
        ------
        ValueError
            If a step of this network has no quantity of that name.
        """
        scan = _at(self.stack_trace.scans, layer, direction)
        return read_only(quantity(self.stack_trace.stack.cell, scan, name))

    @property
    def quantities(self) -> tuple[str, ...]:
        """The letters that `quantity` takes in this network: the carried vectors, and what else a step shows."""
        cell, scan = self.stack_trace.stack.cell, self.stack_trace.scans[0, 0]
        return (*cell.carried, *cell.quantities(scan.kept))

    def layer_input(self, layer: int) -> Array:
        """Return what a layer read at every step, after dropout: (T, B, I) or (T, B, D·P), 0 in the padding."""
        _at(self.stack_trace.scans, layer, 0)
        return read_only(self.stack_trace.layer_input(layer))

    @property
    def nbytes(self) -> int:
        """Bytes held by the trace itself: states, what is kept of every step, masks and lengths."""
        inner = self.stack_trace
        extra = sum(a.nbytes for a in (inner.masks, inner.lengths) if a is not None)
        return extra + sum(scan.nbytes for scan in inner.scans.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradients:
    """The gradients of a loss with respect to everything that took part; all arrays are read-only."""

    trace: Trace
    stack_gradients: StackGradients

    @property
    def parameters(self) -> dict[str, Array]:
        """The gradient of every parameter by torch's name, in torch's order."""
        found = self.stack_gradients.parameters(self.trace.stack_trace.stack)
        return {name: read_only(array) for name, array in found.items()}

    @property
    def x(self) -> Array:
        """dL/dx in the layout of x, 0 in the padding."""
        return read_only(self.trace.layout.restored(self.stack_gradients.x))

    @property
    def h_0(self) -> Array:
        """dL/dh_0 (L·D, B, P), or (L·D, P) unbatched."""
        return self._initial("h")

    @property
    def c_0(self) -> Array:
        """dL/dc_0 of an LSTM (L·D, B, H), or (L·D, H) unbatched."""
        return self._initial("c")

    def d_h(self, layer: int, direction: int = 0) -> Array:
        """Return dL/dh_t for every step (T, B, P): all that reaches h_t."""
        scan = self._scan(layer, direction)
        return read_only(scan.from_output + scan.from_next[0])

    def d_h_from_output(self, layer: int, direction: int = 0) -> Array:
        """Return the part of dL/dh_t that came through the layer's output at step t: (T, B, P)."""
        return read_only(self._scan(layer, direction).from_output)

    def d_h_from_next(self, layer: int, direction: int = 0) -> Array:
        """Return the part of dL/dh_t that step t+1 passed back: (T, B, P).

        At the last step of the scan that is dL/dh_n.
        """
        return read_only(self._scan(layer, direction).from_next[0])

    def d_c(self, layer: int, direction: int = 0) -> Array:
        """Return dL/dc_t of an LSTM for every step (T, B, H), all that reaches c_t; 0 in the padding."""
        return read_only(carried(self._cell, "c", self._scan(layer, direction).back))

    def d_c_from_next(self, layer: int, direction: int = 0) -> Array:
        """Return the part of dL/dc_t that step t+1 passed back: (T, B, H). The rest came from h_t.

        At the last step of the scan that is dL/dc_n.
        """
        return read_only(carried(self._cell, "c", self._scan(layer, direction).from_next))

    def d_a(self, layer: int, direction: int = 0) -> Array:
        """Return dL/da_t for every step, 0 in the padding: (T, B, ·) with a column for each row of W_ih.

        a_t are the pre-activations, what the functions of the cell are taken of.
        """
        return read_only(stacked([left for left, _ in self._factors(layer, direction).ih], axis=-1))

    def d_recurrent(self, layer: int, direction: int = 0) -> Array:
        """Return the gradient of h_{t-1} W_hhᵀ + b_hh for every step, 0 in the padding: (T, B, ·).

        It is dL/da_t but in a GRU, whose reset gate stands between that share and the candidate.
        """
        return read_only(stacked([left for left, _ in self._factors(layer, direction).hh], axis=-1))

    def step_contributions(self, name: str) -> Array:
        """Return what every step adds to one parameter's gradient: (T, *shape of the parameter).

        Raises
        ------
        ValueError
            If the network has no parameter of that name.
        """
        if name in self.trace.stack_trace.stack.parameters:
            for layer, d in self.stack_gradients.scans:
                if name.endswith(f"_{suffix(layer, d)}"):
                    pairs = self._pairs(name.removesuffix(f"_{suffix(layer, d)}"), layer, d)
                    return read_only(stacked(pairs, axis=1))
        options = ", ".join(self.parameters)
        message = f"name must be one of {options}; got {name!r}. Pass a parameter of this network."
        raise ValueError(message)

    @property
    def _cell(self) -> Cell:
        return self.trace.stack_trace.stack.cell

    def _initial(self, name: str) -> Array:
        found = self.stack_gradients.initials(self.trace.stack_trace.stack)
        return named(self._cell, name, found, self.trace.layout)

    def _scan(self, layer: int, direction: int) -> ScanGradients:
        return _at(self.stack_gradients.scans, layer, direction)

    def _factors(self, layer: int, direction: int) -> Factors:
        """Return what the gradients of one layer and direction are sums of, over (T, B)."""
        back, inner = self._scan(layer, direction).back, self.trace.stack_trace
        scan = inner.scans[layer, direction]
        return self._cell.factors(inner.layer_input(layer), scan.previous, scan.kept, back)

    def _pairs(self, kind: str, layer: int, direction: int) -> Sequence[Array]:
        """Return every step's share in the blocks of rows of one parameter: (T, rows, ·)."""
        factors = self._factors(layer, direction)
        pairs = {"ih": factors.ih, "hh": factors.hh, "hr": factors.hr}[kind[-2:]]
        if kind.startswith("bias"):
            return [left.sum(axis=1) for left, _ in pairs]
        padding = self.trace.stack_trace.padding
        if padding is not None:  # states held in it may be infinite, and 0 · ∞ is no step's share
            pairs = [(left, cleared(right, padding)) for left, right in pairs]
        return [left.swapaxes(1, 2) @ right for left, right in pairs]  # (T, rows, B) @ (T, B, ·)


def quantity(cell: Cell, scan: Scan, name: str) -> Array:
    """Return one quantity of every step, refusing those that the cell doesn't have."""
    found = dict(zip(cell.carried, scan.steps, strict=True))
    found |= cell.quantities(scan.kept)
    if name in found:
        return found[name]
    message = f"name must be one of {', '.join(found)} in this network; got {name!r}. Pass one of these."
    raise ValueError(message)


def named(cell: Cell, name: str, vectors: Arrays, layout: Layout) -> Array:
    """Return the pile (L·D, B, ·) of one carried vector in the layout of a call, read-only."""
    return read_only(layout.restored_state(carried(cell, name, vectors)))


def carried(cell: Cell, name: str, vectors: Sequence[S]) -> S:
    """Return what belongs to one carried vector, refusing those that the cell doesn't carry."""
    if name in cell.carried:
        return vectors[cell.carried.index(name)]
    message = (
        f"This network carries {' and '.join(cell.carried)} from step to step; got {name!r} asked for. Ask for what it "
        "carries."
    )
    raise ValueError(message)


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
