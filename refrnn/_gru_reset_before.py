r"""The GRU cell with its reset gate before the product, as the paper has it and most code written by hand.

Recurrence, with rows for batch samples and the parameters of torch's GRU (`_gru.py`), gates in the order r z n:

    r, z = σ(x_t W_iᵀ + b_i + h_{t-1} W_hᵀ + b_h)          each with its own block of rows
    q    = r ⊙ h_{t-1}
    n    = tanh(x_t W_inᵀ + b_in + q W_hnᵀ + b_hn)         reset before the product
    h_t  = (h_{t-1} − n) ⊙ z + n                           that is (1 − z) n + z h_{t-1}

and its adjoint, where dh_t collects everything that reaches h_t:

    da_n = dh_t ⊙ (1 − z)(1 − n²)          da_z = dh_t ⊙ (h_{t-1} − n) z (1 − z)
    dq   = da_n W_hn                       da_r = dq ⊙ h_{t-1} r (1 − r)
    dh_{t-1} = dh_t ⊙ z + dq ⊙ r + [da_r da_z] W_h[rz]
    dx_t     = [da_r da_z da_n] W_ih       dW_ih = Σ_t [da_r da_z da_n]ᵀ x_t
    dW_h[rz] = Σ_t [da_r da_z]ᵀ h_{t-1}    dW_hn = Σ_t da_nᵀ q        db_ih = db_hh = Σ_t [da_r da_z da_n]

    symbol        shape            meaning
    x_t, h_t      (B, I), (B, H)   input at step t, hidden state after it
    r, z, n       (B, H)           reset gate, update gate, and the candidate
    q             (B, H)           the state that the reset gate lets through
    da_r, da_z, da_n   (B, H)      dL/d of the pre-activations
    W_ih, W_hh    (3H, I), (3H, H) weights; W_h[rz] are the rows of r and z, W_hn those of n
    b_ih, b_hh    (3H,)            the two biases; only their sum matters here

The second product waits for the first, so that a step takes two. A step keeps its gates and q.

Reference: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
translation", EMNLP (2014), with the names of r and z there, and z and 1 − z as torch has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from refrnn._cell import Arrays, Factors, Prepared, sigmoid_of_negative
from refrnn._types import Array, Weights


@dataclass(frozen=True, slots=True)
class ResetBeforeProduct:
    """The pair of step functions of that GRU, and what surrounds them: a `Cell`."""

    carried: ClassVar[tuple[str, ...]] = ("h",)
    blocks: ClassVar[int] = 3
    out_of_range: ClassVar[Literal["ignore"] | None] = "ignore"

    def widths(self, hidden_size: int) -> tuple[int, ...]:
        """Return the length of h."""
        return (hidden_size,)

    def prepared(self, w: Weights) -> Prepared:
        """Return what is multiplied with on the way forward, its rows −r −z n."""
        hidden = w.hh.shape[1]
        signs = np.repeat(np.array([-1, -1, 1], w.hh.dtype), hidden)
        bias = None if w.b_ih is None or w.b_hh is None else signs * (w.b_ih + w.b_hh)
        return Prepared(
            forward=Weights((signs[:, np.newaxis] * w.ih).T, (signs[:, np.newaxis] * w.hh).T, bias, None),
            backward=Weights(w.ih, np.asfortranarray(w.hh), None, None),
            bias=w.b_ih is not None,
            kept=(3 * hidden, hidden),
            back=(3 * hidden,),
        )

    def room(self, w: Weights, batch: int) -> Arrays:
        """Return room for the two products."""
        hidden = len(w.hh)
        return np.empty((batch, 2 * hidden), w.hh.dtype), np.empty((batch, hidden), w.hh.dtype)

    def forward_views(self, arrays: Sequence[Array]) -> Arrays:
        """Return the slice of r and z; each gate; q and h."""
        gates, q, h = arrays
        r, z, n = _blocks(gates)
        return gates[..., : 2 * h.shape[-1]], r, z, n, q, h

    def forward_step(self, w: Weights, room: Arrays, before: Arrays, step: Arrays) -> Arrays:
        """Turn the gates, which hold the input's share, into r z n, and fill q and h_t."""
        sigmoids, r, z, n, q, h = step
        (h_prev,), (product_rz, product_n) = before, room
        gates = product_rz.shape[1]
        np.add(sigmoids, h_prev.dot(w.hh[:, :gates], product_rz), sigmoids)  # (B, H) @ (H, 2H) -> (B, 2H)
        sigmoid_of_negative(sigmoids)
        np.multiply(r, h_prev, q)
        np.add(n, q.dot(w.hh[:, gates:], product_n), n)  # (B, H) @ (H, H) -> (B, H)
        np.tanh(n, n)
        np.subtract(h_prev, n, h)
        np.multiply(h, z, h)
        np.add(h, n, h)
        return (h,)

    def slopes(
        self, states: Sequence[Array], previous: Sequence[Array], kept: Sequence[Array], back: Sequence[Array]
    ) -> None:
        """Write what dh_t is multiplied with in da_n and da_z, and dq in da_r."""
        del states
        (r, z, n), (to_r, to_z, to_n), (h_prev,) = _blocks(kept[0]), _blocks(back[0]), previous
        np.subtract(1, r, to_r)
        np.multiply(to_r, r, to_r)
        np.multiply(to_r, h_prev, to_r)
        np.subtract(h_prev, n, to_z)
        np.multiply(to_z, z, to_z)
        np.subtract(1, z, to_n)
        np.multiply(to_z, to_n, to_z)
        np.multiply(to_n, 1 - n * n, to_n)

    def backward_views(self, kept: Sequence[Array], back: Sequence[Array]) -> Arrays:
        """Return [da_r da_z]; da_r, da_z and da_n; r and z."""
        (delta,), (r, z, _) = back, _blocks(kept[0])
        return delta[..., : 2 * r.shape[-1]], *_blocks(delta), r, z

    def backward_step(self, w: Weights, d_h: Array, after: Arrays, step: Arrays, before: Arrays) -> None:
        """Turn the slopes into δ_t, and write dh_{t-1}."""
        del after
        (da_rz, da_r, da_z, da_n, r, z), (dh_prev,) = step, before
        gates = da_rz.shape[1]
        np.multiply(da_n, d_h, da_n)
        np.multiply(da_z, d_h, da_z)
        dq = da_n.dot(w.hh[gates:])  # (B, H) @ (H, H) -> (B, H)
        np.multiply(da_r, dq, da_r)
        da_rz.dot(w.hh[:gates], dh_prev)  # (B, 2H) @ (2H, H) -> (B, H)
        np.multiply(dq, r, dq)
        np.add(dh_prev, dq, dh_prev)
        np.multiply(d_h, z, d_h)
        np.add(dh_prev, d_h, dh_prev)

    def factors(
        self, x: Array, previous: Sequence[Array], kept: Sequence[Array], back: Sequence[Array]
    ) -> Factors:
        """Return those of dW_ih = Σ δᵀ x, and of dW_hh, whose rows of n are multiplied with q."""
        (delta,), (_, q) = back, kept
        gates = 2 * q.shape[-1]
        return Factors(ih=[(delta, x)], hh=[(delta[..., :gates], previous[0]), (delta[..., gates:], q)])

    def quantities(self, kept: Sequence[Array]) -> Mapping[str, Array]:
        """Return r, z and n of every step."""
        r, z, n = _blocks(kept[0])
        return {"r": r, "z": z, "n": n}


def _blocks(array: Array) -> tuple[Array, Array, Array]:
    """Return the columns of r, z and n, as views."""
    n = array.shape[-1] // 3
    return array[..., :n], array[..., n : 2 * n], array[..., 2 * n :]
