"""What the scan, the stack and the modules ask of a cell. A new cell is a file that answers.

A cell computes with rows: samples at one step, or samples and steps of a whole sequence. It says which vectors it
carries from step to step, what it keeps of every step for the way back, and what it does

    before the loop over time     its weights, `prepared` once for all calls; the `slopes` of all steps
    at every step                 `forward_step`, `backward_step`
    after it                      the `factors` of the parameters' gradients

`forward_views` and `backward_views` cut the arrays of many steps into what one step works on, once for all of them: a
view that is made at every step takes a third of the time of what is done with it.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple, Protocol

import numpy as np

from refrnn._types import Array, Weights

Arrays = tuple[Array, ...]


class Prepared(NamedTuple):
    """The weights of one direction of one layer as a scan reads them, and what it keeps of every step."""

    forward: Weights
    """To be multiplied with from the right, ih (I, rows) and hh (P, rows), in the cell's own order of rows. The input's
    share of all steps is x ih + b_ih."""
    backward: Weights
    """For the way back. The leading columns of δ times ih (columns, I) are dL/dx. hh lies column by column, which
    spares OpenBLAS a sixth of the time of packing it in float64."""
    bias: bool
    """Whether there are biases."""
    kept: tuple[int, ...]
    """Columns of the arrays that a forward step fills for the way back."""
    back: tuple[int, ...]
    """Columns of the arrays that a backward step fills: δ, dL/da of every step; all that reaches each carried vector
    beside the output; and what the cell has use for."""


class Factors(NamedTuple):
    """What the parameters' gradients are sums of, over rows: leftᵀ right for a weight, left for its bias.

    The blocks of rows of a weight may have a pair each, in torch's order.
    """

    ih: Sequence[tuple[Array, Array]]
    hh: Sequence[tuple[Array, Array]]
    hr: Sequence[tuple[Array, Array]] = ()


class Cell(Protocol):
    """One recurrence and its adjoint. Arrays of steps are (k, B, ·), rows (N, ·), vectors of one step (B, ·)."""

    carried: ClassVar[tuple[str, ...]]
    """Names of the vectors carried from step to step; the first is the output."""
    blocks: ClassVar[int]
    """Blocks of H rows in W_ih and W_hh."""
    out_of_range: ClassVar[Literal["ignore"] | None]
    """What NumPy is to do where numbers over- or underflow in a forward step: "ignore" where that is no event."""

    def widths(self, hidden_size: int) -> tuple[int, ...]:
        """Return the length of every carried vector; where the output isn't H long, `weight_hr` projects it."""
        ...

    def prepared(self, w: Weights) -> Prepared:
        """Return the weights as the other methods read them."""
        ...

    def room(self, w: Weights, batch: int) -> Arrays:
        """Return scratch arrays for a forward step: new ones take time."""
        ...

    def forward_views(self, arrays: Sequence[Array]) -> Arrays:
        """Cut what is kept, and then the states after every step, into what a forward step works on.

        The first array holds what x and the biases contribute to every step.
        """
        ...

    def forward_step(self, w: Weights, room: Arrays, before: Arrays, step: Arrays) -> Arrays:
        """Make one step from the states `before`, fill the views `step`, and return the new states."""
        ...

    def slopes(
        self, states: Sequence[Array], previous: Sequence[Array], kept: Sequence[Array], back: Sequence[Array]
    ) -> None:
        """Fill `back` (N, ·) with all that a step back needs and that no other step has a part in."""
        ...

    def backward_views(self, kept: Sequence[Array], back: Sequence[Array]) -> Arrays:
        """Cut what was kept and the slopes into what a backward step works on."""
        ...

    def backward_step(self, w: Weights, d_h: Array, after: Arrays, step: Arrays, before: Arrays) -> None:
        """Turn slopes into δ and write what the step passes back, a vector for each carried one, into `before`.

        `d_h` is all that reaches the output of the step, and may be overwritten; `after` is what the next step passed
        back.
        """
        ...

    def factors(
        self, x: Array, previous: Sequence[Array], kept: Sequence[Array], back: Sequence[Array]
    ) -> Factors:
        """Return the factors of all weights' gradients, from rows (N, ·) or from steps (T, B, ·)."""
        ...

    def quantities(self, kept: Sequence[Array]) -> Mapping[str, Array]:
        """Return by name what a step shows beside its states, out of what was kept, as views."""
        ...


def sigmoid_of_negative(a: Array) -> None:
    """Replace −a by σ(a) = 1 / (1 + exp(−a)), in place: a weight with its sign turned costs nothing.

    This form is right to a few roundings of σ itself, however small that is; ½ (1 + tanh(a/2)) is right to a rounding
    of 1 alone. exp may over- and underflow, since 1 / (1 + ∞) is the 0 and 1 / (1 + 0) the 1 that σ comes to.
    """
    np.exp(a, a)
    np.add(a, 1, a)
    np.reciprocal(a, a)
