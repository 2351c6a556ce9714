r"""The Elman cell: one step forward and one step backward, as `torch.nn.RNN` computes them.

Recurrence, with rows for batch samples:

    a_t = x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh          f = tanh or relu
    h_t = f(a_t)

and its adjoint, where dh_t collects everything that reaches h_t:

    da_t     = dh_t ⊙ f'(a_t)         f' from h_t alone: 1 − h_t² (tanh), h_t > 0 (relu)
    dh_{t-1} = da_t W_hh               the share of step t in dL/dh_{t-1}
    dx_t     = da_t W_ih
    dW_ih    = Σ_t da_tᵀ x_t           dW_hh = Σ_t da_tᵀ h_{t-1}           db_ih = db_hh = Σ_t da_t

    symbol      shape     meaning
    x_t         (B, I)    input at step t
    h_t         (B, H)    hidden state after step t
    a_t         (B, H)    pre-activation
    da_t, dh_t  (B, H)    dL/da_t, dL/dh_t
    W_ih        (H, I)    input-to-hidden weight, torch's orientation
    W_hh        (H, H)    hidden-to-hidden weight
    b_ih, b_hh  (H,)      the two biases, both trained

Only the product with h_{t-1} has to wait for the step before, so everything else is done for
the whole sequence at once; `N` below counts rows, usually T·B. Nothing is kept for the way back but the states. (What
is done at every step is written for few instructions a call: `dot` is `@` for two matrices with half the overhead, and
so is an output by position.)

References: J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990);
P. J. Werbos, "Backpropagation through time: what it does and how to do it", Proc. IEEE 78 (1990);
https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from refrnn._cell import Arrays, Factors, Prepared
from refrnn._types import Array, Nonlinearity, Weights


@dataclass(frozen=True, slots=True)
class ElmanCell:
    """The pair of step functions of the Elman recurrence, and what surrounds them: a `Cell`."""

    nonlinearity: Nonlinearity

    carried: ClassVar[tuple[str, ...]] = ("h",)
    blocks: ClassVar[int] = 1
    out_of_range: ClassVar[Literal["ignore"] | None] = None

    def widths(self, hidden_size: int) -> tuple[int, ...]:
        """Return the length of h."""
        return (hidden_size,)

    def prepared(self, w: Weights) -> Prepared:
        """Return W_ihᵀ, W_hhᵀ and b_ih + b_hh for the way forward."""
        bias = None if w.b_ih is None or w.b_hh is None else w.b_ih + w.b_hh
        return Prepared(
            forward=Weights(w.ih.T, w.hh.T, bias, None),
            backward=Weights(w.ih, np.asfortranarray(w.hh), None, None),
            bias=w.b_ih is not None,
            kept=(),
            back=(len(w.hh),),
        )

    def room(self, w: Weights, batch: int) -> Arrays:
        """Return room for h_{t-1} W_hhᵀ."""
        return (np.empty((batch, w.hh.shape[1]), w.hh.dtype),)

    def forward_views(self, arrays: Sequence[Array]) -> Arrays:
        """Return h."""
        return (arrays[0],)

    def forward_step(self, w: Weights, room: Arrays, before: Arrays, step: Arrays) -> Arrays:
        """Turn h, which holds the input's share, into h_t = f(share + h_{t-1} W_hhᵀ)."""
        (h,), (h_prev,), (product,) = step, before, room
        np.add(h, h_prev.dot(w.hh, product), h)  # (B, H) @ (H, H) -> (B, H)
        if self.nonlinearity == "tanh":
            np.tanh(h, h)
        else:
            np.maximum(h, 0, out=h)  # NaN stays NaN, as in torch
        return step

    def slopes(
        self, states: Sequence[Array], previous: Sequence[Array], kept: Sequence[Array], back: Sequence[Array]
    ) -> None:
        """Write f'(a) of every state, from h alone; torch's relu'(0) = 0 and relu'(NaN) = 1."""
        del previous, kept
        (h,), (slope,) = states, back
        if self.nonlinearity == "tanh":
            np.multiply(h, h, slope)
            np.subtract(1, slope, slope)
        else:
            np.logical_not(h <= 0, out=slope)

    def backward_views(self, kept: Sequence[Array], back: Sequence[Array]) -> Arrays:
        """Return f'(a), in whose place da is written."""
        del kept
        return (back[0],)

    def backward_step(self, w: Weights, d_h: Array, after: Arrays, step: Arrays, before: Arrays) -> None:
        """Turn f'(a_t) into da_t = dh_t ⊙ f'(a_t), and write dh_{t-1} = da_t W_hh."""
        del after
        (da,), (dh_prev,) = step, before
        if self.nonlinearity == "tanh":
            np.multiply(da, d_h, da)
        else:
            np.copyto(da, d_h, where=da != 0)  # chosen, not multiplied: 0 · ∞ would be NaN where torch has 0
        da.dot(w.hh, dh_prev)  # (B, H) @ (H, H) -> (B, H)

    def factors(
        self, x: Array, previous: Sequence[Array], kept: Sequence[Array], back: Sequence[Array]
    ) -> Factors:
        """Return those of dW_ih = Σ daᵀ x and dW_hh = Σ daᵀ h_{t-1}."""
        del kept
        return Factors(ih=[(back[0], x)], hh=[(back[0], previous[0])])

    def quantities(self, kept: Sequence[Array]) -> Mapping[str, Array]:
        """Return nothing: a step shows its state alone."""
        del kept
        return {}
