r"""The GRU cell: one step forward and one step backward, as `torch.nn.GRU` computes them.

Recurrence, with rows for batch samples and torch's order of the gates r z n:

    r, z = σ(x_t W_iᵀ + b_i + h_{t-1} W_hᵀ + b_h)          each with its own block of rows
    m    = h_{t-1} W_hnᵀ + b_hn
    n    = tanh(x_t W_inᵀ + b_in + r ⊙ m)                  reset after the product
    h_t  = (h_{t-1} − n) ⊙ z + n                           that is (1 − z) n + z h_{t-1}

and its adjoint, where dh_t collects everything that reaches h_t:

    da_n = dh_t ⊙ (1 − z)(1 − n²)          da_z = dh_t ⊙ (h_{t-1} − n) z (1 − z)
    dm   = da_n ⊙ r                        da_r = da_n ⊙ m r (1 − r)
    dh_{t-1} = dh_t ⊙ z + [da_r da_z dm] W_hh
    dx_t     = [da_r da_z da_n] W_ih
    dW_ih = Σ_t [da_r da_z da_n]ᵀ x_t      dW_hh = Σ_t [da_r da_z dm]ᵀ h_{t-1}      and so the biases: db_ih ≠ db_hh

    symbol        shape            meaning
    x_t           (B, I)           input at step t
    h_t           (B, H)           hidden state after step t
    r, z, n       (B, H)           reset gate, update gate, and the candidate
    m             (B, H)           what the reset gate lets through
    da_r, da_z, da_n   (B, H)      dL/d of the pre-activations
    W_ih, W_hh    (3H, I), (3H, H) weights, torch's orientation
    b_ih, b_hh    (3H,)            the two biases, both trained

A step keeps its gates and m. What dh_t is multiplied with is formed for all steps at once, so that a step back is five
instructions. δ lies in the order n r z m, so that [n r z] and [r z m] are slices of it. The rows of r and z have their
signs turned on the way forward (`sigmoid_of_negative`).

References: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
translation", EMNLP (2014), where the reset comes before the product (`_gru_reset_before.py`);
https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from refrnn._cell import Arrays, Factors, Prepared, sigmoid_of_negative
from refrnn._types import Array, Weights


@dataclass(frozen=True, slots=True)
class GatedRecurrentUnit:
    """The pair of step functions of torch's GRU, and what surrounds them: a `Cell`."""

    carried: ClassVar[tuple[str, ...]] = ("h",)
    blocks: ClassVar[int] = 3
    out_of_range: ClassVar[Literal["ignore"] | None] = "ignore"

    def widths(self, hidden_size: int) -> tuple[int, ...]:
        """Return the length of h."""
        return (hidden_size,)

    def prepared(self, w: Weights) -> Prepared:
        """Return what is multiplied with on the way forward, its rows −r −z n; b_hn is left for the step."""
        hidden = w.hh.shape[1]
        share, b_hn = None, np.zeros(hidden, w.hh.dtype)
        if w.b_ih is not None and w.b_hh is not None:
            share, b_hn = w.b_ih.copy(), w.b_hh[2 * hidden :]
            share[: 2 * hidden] += w.b_hh[: 2 * hidden]
            share = _turned(share)
        n_r_z = np.concatenate((w.ih[2 * hidden :], w.ih[: 2 * hidden]))
        return Prepared(
            forward=Weights(_turned(w.ih).T, _turned(w.hh).T, share, b_hn),
            backward=Weights(n_r_z, np.asfortranarray(w.hh), None, None),
            bias=w.b_ih is not None,
            kept=(3 * hidden, hidden),
            back=(4 * hidden,),
        )

    def room(self, w: Weights, batch: int) -> Arrays:
        """Return room for h_{t-1} W_hhᵀ, and its parts for r z and n."""
        product = np.empty((batch, w.hh.shape[1]), w.hh.dtype)
        gates = 2 * len(w.hh)
        return product, product[:, :gates], product[:, gates:]

    def forward_views(self, arrays: Sequence[Array]) -> Arrays:
        """Return the slice of r and z; each gate; m and h."""
        gates, m, h = arrays
        r, z, n = _blocks(gates)
        return gates[..., : 2 * h.shape[-1]], r, z, n, m, h

    def forward_step(self, w: Weights, room: Arrays, before: Arrays, step: Arrays) -> Arrays:
        """Turn the gates, which hold the input's share, into r z n, and fill m and h_t."""
        sigmoids, r, z, n, m, h = step
        (h_prev,), (product, product_rz, product_n) = before, room
        assert w.b_hh is not None  # noqa: S101 - b_hn, zeros without biases
        h_prev.dot(w.hh, product)  # (B, H) @ (H, 3H) -> (B, 3H)
        np.add(sigmoids, product_rz, sigmoids)
        sigmoid_of_negative(sigmoids)
        np.add(product_n, w.b_hh, m)
        np.multiply(r, m, h)
        np.add(n, h, n)
        np.tanh(n, n)
        np.subtract(h_prev, n, h)
        np.multiply(h, z, h)
        np.add(h, n, h)
        return (h,)

    def slopes(
        self, states: Sequence[Array], previous: Sequence[Array], kept: Sequence[Array], back: Sequence[Array]
    ) -> None:
        """Write what dh_t is multiplied with in da_n, da_r, da_z and dm."""
        del states
        (gates, m), (h_prev,) = kept, previous
        (r, z, n), (to_n, to_r, to_z, to_m) = _blocks(gates), _deltas(back[0])
        np.multiply(n, n, to_n)
        np.subtract(1, to_n, to_n)
        np.subtract(1, z, to_z)
        np.multiply(to_n, to_z, to_n)
        np.subtract(h_prev, n, to_m)
        np.multiply(to_z, z, to_z)
        np.multiply(to_z, to_m, to_z)
        np.multiply(to_n, r, to_m)
        np.subtract(1, r, to_r)
        np.multiply(to_r, m, to_r)
        np.multiply(to_r, to_m, to_r)

    def backward_views(self, kept: Sequence[Array], back: Sequence[Array]) -> Arrays:
        """Return δ with its four blocks in front of the samples; [da_r da_z dm]; z."""
        (gates, _), (delta,) = kept, back
        hidden = delta.shape[-1] // 4
        in_front = delta.reshape(*delta.shape[:-1], 4, hidden).swapaxes(-3, -2)  # (…, 4, B, H)
        return in_front, delta[..., hidden:], gates[..., hidden : 2 * hidden]

    def backward_step(self, w: Weights, d_h: Array, after: Arrays, step: Arrays, before: Arrays) -> None:
        """Turn the slopes into δ_t, and write dh_{t-1}."""
        del after
        (delta, to_previous, z), (dh_prev,) = step, before
        np.multiply(delta, d_h, delta)
        to_previous.dot(w.hh, dh_prev)  # (B, 3H) @ (3H, H) -> (B, H)
        np.multiply(d_h, z, d_h)
        np.add(dh_prev, d_h, dh_prev)

    def factors(
        self, x: Array, previous: Sequence[Array], kept: Sequence[Array], back: Sequence[Array]
    ) -> Factors:
        """Return those of dW_ih = Σ [da_r da_z da_n]ᵀ x and dW_hh = Σ [da_r da_z dm]ᵀ h_{t-1}."""
        del kept
        (delta,) = back
        hidden = delta.shape[-1] // 4
        own, to_previous = delta[..., :hidden], delta[..., hidden:]
        both = to_previous[..., : 2 * hidden]
        return Factors(ih=[(both, x), (own, x)], hh=[(to_previous, previous[0])])

    def quantities(self, kept: Sequence[Array]) -> Mapping[str, Array]:
        """Return r, z, n and m of every step."""
        r, z, n = _blocks(kept[0])
        return {"r": r, "z": z, "n": n, "m": kept[1]}


def _blocks(gates: Array) -> tuple[Array, Array, Array]:
    """Return the columns of r, z and n, as views."""
    n = gates.shape[-1] // 3
    return gates[..., :n], gates[..., n : 2 * n], gates[..., 2 * n :]


def _deltas(delta: Array) -> tuple[Array, Array, Array, Array]:
    """Return the columns of da_n, da_r, da_z and dm, as views."""
    n = delta.shape[-1] // 4
    return delta[..., :n], delta[..., n : 2 * n], delta[..., 2 * n : 3 * n], delta[..., 3 * n :]


def _turned(rows: Array) -> Array:
    """Return a copy of rows r z n with the signs of r and z turned."""
    rows = rows.copy()
    gates = len(rows) // 3 * 2
    np.negative(rows[:gates], rows[:gates])
    return rows
