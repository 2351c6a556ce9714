r"""The LSTM cell: one step forward and one step backward, as `torch.nn.LSTM` computes them.

Recurrence, with rows for batch samples and torch's order of the gates i f g o:

    a_t = x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh          four blocks, one a gate
    i, f, o = σ(a_i), σ(a_f), σ(a_o)       g = tanh(a_g)
    c_t = f ⊙ c_{t-1} + i ⊙ g              r_t = o ⊙ tanh(c_t)
    h_t = r_t, or r_t W_hrᵀ with projections

and its adjoint, where dh_t and the dc that comes from step t+1 collect everything that reaches h_t and c_t:

    dr_t = dh_t, or dh_t W_hr
    dc_t = dc + dr_t ⊙ o (1 − tanh²(c_t))                   dc_{t-1} = dc_t ⊙ f
    da_i = dc_t ⊙ g i (1 − i)              da_g = dc_t ⊙ i (1 − g²)
    da_f = dc_t ⊙ c_{t-1} f (1 − f)        da_o = dr_t ⊙ tanh(c_t) o (1 − o)
    dh_{t-1} = da_t W_hh       dx_t = da_t W_ih
    dW_ih = Σ_t da_tᵀ x_t      dW_hh = Σ_t da_tᵀ h_{t-1}    db_ih = db_hh = Σ_t da_t    dW_hr = Σ_t dh_tᵀ r_t

    symbol        shape            meaning
    x_t           (B, I)           input at step t
    h_t           (B, P)           hidden state, the output; P = H without projections
    c_t           (B, H)           cell state
    i, f, o, g    (B, H)           input, forget and output gate, and the candidate
    a_t, da_t     (B, 4H)          pre-activations and dL/da_t
    W_ih, W_hh    (4H, I), (4H, P) weights, torch's orientation
    W_hr          (P, H)           projection
    b_ih, b_hh    (4H,)            the two biases, both trained

A step keeps its gates and tanh(c_t). What dh_t and dc_t are multiplied with is formed for all steps at once, so that a
step back is seven instructions. Inside, the gates lie in the order i f o g, so that σ is taken of one slice, and the
rows of i, f and o have their signs turned for it (`sigmoid_of_negative`). δ has torch's order again.

References: S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997);
F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget", Neural Computation 12 (2000);
H. Sak, A. Senior and F. Beaufays, "Long short-term memory recurrent neural network architectures for large scale
acoustic modeling", Interspeech (2014), for the projection;
https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from refrnn._cell import Arrays, Factors, Prepared, sigmoid_of_negative
from refrnn._types import Array, Weights


@dataclass(frozen=True, slots=True)
class LongShortTermMemory:
    """The pair of step functions of the LSTM, and what surrounds them: a `Cell`."""

    proj_size: int = 0
    """P, or 0 where h isn't projected."""

    carried: ClassVar[tuple[str, ...]] = ("h", "c")
    blocks: ClassVar[int] = 4
    out_of_range: ClassVar[Literal["ignore"] | None] = "ignore"

    def widths(self, hidden_size: int) -> tuple[int, ...]:
        """Return the lengths of h and c."""
        return (self.proj_size or hidden_size, hidden_size)

    def prepared(self, w: Weights) -> Prepared:
        """Return what is multiplied with on the way forward, its rows in the order −i −f −o g."""
        bias = None if w.b_ih is None or w.b_hh is None else _inside(w.b_ih + w.b_hh)
        projection = None if w.hr is None else w.hr.T
        rows = len(w.hh)
        return Prepared(
            forward=Weights(_inside(w.ih).T, _inside(w.hh).T, bias, None, projection),
            backward=Weights(w.ih, np.asfortranarray(w.hh), None, None, w.hr),
            bias=w.b_ih is not None,
            kept=(rows, rows // 4),
            back=(rows, rows // 4) if w.hr is None else (rows, rows // 4, len(w.hr)),
        )

    def room(self, w: Weights, batch: int) -> Arrays:
        """Return room for h_{t-1} W_hhᵀ, and for r_t."""
        rows = w.hh.shape[1]
        return np.empty((batch, rows), w.hh.dtype), np.empty((batch, rows // 4), w.hh.dtype)

    def forward_views(self, arrays: Sequence[Array]) -> Arrays:
        """Return a; the slice of i, f and o; each gate; tanh(c); h and c."""
        gates, tanh_c, h, c = arrays
        i, f, o, g = _blocks(gates)
        return gates, gates[..., : 3 * c.shape[-1]], i, f, o, g, tanh_c, h, c

    def forward_step(self, w: Weights, room: Arrays, before: Arrays, step: Arrays) -> Arrays:
        """Turn the gates, which hold the input's share, into i f o g, and fill tanh(c_t), h_t and c_t."""
        a, sigmoids, i, f, o, g, tanh_c, h, c = step
        (h_prev, c_prev), (product, r) = before, room
        np.add(a, h_prev.dot(w.hh, product), a)  # (B, P) @ (P, 4H) -> (B, 4H)
        sigmoid_of_negative(sigmoids)
        np.tanh(g, g)
        np.multiply(f, c_prev, c)
        np.multiply(i, g, tanh_c)
        np.add(c, tanh_c, c)
        np.tanh(c, tanh_c)
        if w.hr is None:
            np.multiply(o, tanh_c, h)
        else:
            np.multiply(o, tanh_c, r).dot(w.hr, h)  # (B, H) @ (H, P) -> (B, P)
        return h, c

    def slopes(
        self, states: Sequence[Array], previous: Sequence[Array], kept: Sequence[Array], back: Sequence[Array]
    ) -> None:
        """Write what dc_t and dr_t are multiplied with in da_t, and o (1 − tanh²(c_t))."""
        del states
        (gates, tanh_c), (delta, dc) = kept, back[:2]
        i, f, o, g = _blocks(gates)
        to_i, to_f, to_g, to_o = _blocks(delta)
        for s, slope, factor in ((i, to_i, g), (f, to_f, previous[1]), (o, to_o, tanh_c)):
            np.subtract(1, s, slope)
            np.multiply(slope, s, slope)
            np.multiply(slope, factor, slope)
        for t, slope, factor in ((g, to_g, i), (tanh_c, dc, o)):
            np.multiply(t, t, slope)
            np.subtract(1, slope, slope)
            np.multiply(slope, factor, slope)

    def backward_views(self, kept: Sequence[Array], back: Sequence[Array]) -> Arrays:
        """Return da; of it the blocks i f g that dc_t reaches, and o; dc; f; and room for dh_t with projections."""
        (gates, _), (delta, dc, *d_h) = kept, back
        hidden = dc.shape[-1]
        from_c = delta[..., : 3 * hidden].reshape(*dc.shape[:-1], 3, hidden).swapaxes(-3, -2)  # (…, 3, B, H)
        return delta, from_c, delta[..., 3 * hidden :], dc, gates[..., hidden : 2 * hidden], *d_h

    def backward_step(self, w: Weights, d_h: Array, after: Arrays, step: Arrays, before: Arrays) -> None:
        """Turn the slopes into da_t and dL/dc_t, and write dh_{t-1} and dc_{t-1}."""
        da, da_ifg, da_o, dc, f, *shown = step
        (_, dc_next), (dh_prev, dc_prev) = after, before
        if w.hr is not None:
            np.copyto(shown[0], d_h)
            d_h = d_h.dot(w.hr)  # (B, P) @ (P, H) -> (B, H)
        np.multiply(dc, d_h, dc)
        np.add(dc, dc_next, dc)
        np.multiply(da_ifg, dc, da_ifg)
        np.multiply(da_o, d_h, da_o)
        np.multiply(dc, f, dc_prev)
        da.dot(w.hh, dh_prev)  # (B, 4H) @ (4H, P) -> (B, P)

    def factors(
        self, x: Array, previous: Sequence[Array], kept: Sequence[Array], back: Sequence[Array]
    ) -> Factors:
        """Return those of dW_ih = Σ daᵀ x, dW_hh = Σ daᵀ h_{t-1}, and of dW_hr = Σ dhᵀ r."""
        delta, _, *d_h = back
        gates, tanh_c = kept
        projection = [(shown, _blocks(gates)[2] * tanh_c) for shown in d_h]
        return Factors(ih=[(delta, x)], hh=[(delta, previous[0])], hr=projection)

    def quantities(self, kept: Sequence[Array]) -> Mapping[str, Array]:
        """Return i, f, g and o of every step."""
        i, f, o, g = _blocks(kept[0])
        return {"i": i, "f": f, "g": g, "o": o}


def _blocks(array: Array) -> tuple[Array, Array, Array, Array]:
    """Return the four blocks of columns, as views."""
    n = array.shape[-1] // 4
    return array[..., :n], array[..., n : 2 * n], array[..., 2 * n : 3 * n], array[..., 3 * n :]


def _inside(rows: Array) -> Array:
    """Return a copy of rows in torch's order i f g o in the order −i −f −o g."""
    i, f, g, o = np.split(rows, 4)
    return np.concatenate((-i, -f, -o, g))
