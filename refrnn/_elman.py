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
the whole sequence at once; `N` below counts rows, usually T·B. (What is done at every step is written for few
instructions a call: `dot` is `@` for two matrices with half the overhead, and so is an output by position.)

References: J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990);
P. J. Werbos, "Backpropagation through time: what it does and how to do it", Proc. IEEE 78 (1990);
https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from refrnn._types import Array, Nonlinearity, Weights


@dataclass(frozen=True, slots=True)
class ElmanCell:
    """The pair of step functions of the Elman recurrence, and what surrounds them.

    The layer knows a cell only through these methods and two numbers, so that another cell
    is another file like this one.
    """

    nonlinearity: Nonlinearity

    gates: ClassVar[int] = 1
    """Pre-activation vectors a step: the rows of a weight are `gates * hidden_size`."""
    carried: ClassVar[int] = 1
    """Vectors carried from step to step: `h` alone (an LSTM would carry `h` and `c`)."""

    def input_share(self, x: Array, w: Weights, share: Array) -> None:
        """Write x W_ihᵀ + b_ih + b_hh for all rows at once: (N, I) @ (I, H) -> (N, H), C-contiguous."""
        x.dot(w.ih.T, out=share)
        if w.b_ih is not None and w.b_hh is not None:
            share += w.b_ih + w.b_hh

    def forward_step(
        self, share: Array, h_prev: Array, w_hh_t: Array, h: Array, product: Array | None = None
    ) -> None:
        """Write h_t = f(share + h_{t-1} W_hhᵀ) into `h` (B, H), which may be `share` itself.

        `w_hh_t` is W_hhᵀ (H, H), `product` room for what it is multiplied with: new arrays take time.
        """
        np.add(share, h_prev.dot(w_hh_t, product), h)  # (B, H) @ (H, H) -> (B, H)
        if self.nonlinearity == "tanh":
            np.tanh(h, h)
        else:
            np.maximum(h, 0, out=h)  # NaN stays NaN, as in torch

    def slope(self, h: Array) -> Array:
        """Return f'(a) for every state of `h`, from h alone; torch's relu'(0) = 0 and relu'(NaN) = 1."""
        if self.nonlinearity == "tanh":
            slope = np.multiply(h, h)
            np.subtract(1, slope, out=slope)
            return slope
        return np.logical_not(h <= 0).astype(h.dtype)

    def backward_step(self, dh: Array, da: Array, w_hh: Array, dh_prev: Array) -> None:
        """Turn `da`, which holds f'(a_t), into da_t = dh_t ⊙ f'(a_t), and write dh_{t-1} = da_t W_hh."""
        if self.nonlinearity == "tanh":
            np.multiply(da, dh, da)
        else:
            np.copyto(da, dh, where=da != 0)  # chosen, not multiplied: 0 · ∞ would be NaN where torch has 0
        da.dot(w_hh, dh_prev)  # (B, H) @ (H, H) -> (B, H)

    def input_gradient(self, da: Array, w: Weights, dx: Array | None = None) -> Array:
        """Return dx = da W_ih for all rows at once, written into `dx` where given: (N, H) @ (H, I) -> (N, I)."""
        return da.dot(w.ih, dx)

    def parameter_gradients(self, da: Array, x: Array, h_prev: Array, w: Weights) -> Weights:
        """Return the sums over all N rows: dW_ih (H, I), dW_hh (H, H), db_ih and db_hh (H,)."""
        db = None if w.b_ih is None else da.sum(axis=0)
        return Weights(
            ih=da.T.dot(x),
            hh=da.T.dot(h_prev),
            b_ih=db,
            b_hh=None if db is None else db.copy(),
        )
