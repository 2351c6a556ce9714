"""All steps of one layer and direction, recomputed by the reference cell from a subject's own values.

Teacher forcing makes the steps independent of each other, so to the cell they are the rows of one batch: N = T·B.
Everything is float64. Where a sample has no step its inputs, states and gradients are 0, and so is all
that follows from them.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from conformance.judge import elman_bounds as bounds
from conformance.judge.flow import Flow, magnitude
from conformance.judge.rounding import Precision
from conformance.subjects.observation import Place
from refrnn import Array, ElmanCell, Weights


class Forward(Struct, frozen=True, kw_only=True):
    """One forward step for every row: what the subject had, what the reference makes of it."""

    place: Place
    weights: Weights
    x: Array  # (N, I) what the layer read
    previous: Array  # (N, H) the subject's state before each step
    hidden: Array  # (N, H) the subject's state after it
    expected: Array  # (N, H) that state recomputed
    terms: Array  # (N, H) Σ|terms| of the pre-activation
    bound: Array  # (N, H)


class Backward(Struct, frozen=True, kw_only=True):
    """One backward step for every row, from the subject's own h_t and dL/dh_t."""

    forward: Forward
    d_hidden: Array  # (N, H) the subject's dL/dh_t
    d_a: Array  # (N, H) dL/da_t = dL/dh_t ⊙ f'(h_t)
    size: Array  # (N, H) |dL/da_t|, 0 where it isn't finite
    epsilon: Array  # (N, H) bound on it
    to_previous: Flow  # (N, H) W_hhᵀ δ, towards h_{t-1}
    to_input: Flow  # (N, I) W_ihᵀ δ, towards what the layer read


def forward_step(
    cell: ElmanCell,
    p: Precision,
    parameters: Mapping[str, Array],
    place: Place,
    *,
    x: Array,
    previous: Array,
    hidden: Array,
) -> Forward:
    """Recompute h_t for every row from x (N, I) and the subject's own h_{t-1} (N, H).

    `parameters` are the weights and biases (if any) of the place, in torch's order.
    """
    weights = Weights(*[*(w.astype(np.float64) for w in parameters.values()), None, None][:4])
    size = Weights(*(None if w is None else magnitude(w) for w in weights))  # pyright: ignore[reportArgumentType]
    prepared = cell.prepared(weights).forward
    a, terms = share(prepared, x), share(cell.prepared(size).forward, magnitude(x))
    expected, room = a.copy(), cell.room(prepared, len(x))
    cell.forward_step(prepared, room, (previous,), (expected,))
    a += room[0]  # h_{t-1} W_hhᵀ
    terms += magnitude(previous) @ size.hh.T
    epsilon = bounds.pre_activation(p, terms, fan_in=x.shape[1] + previous.shape[1])
    bound = bounds.state(p, cell.nonlinearity, a, epsilon)
    return Forward(
        place=place,
        weights=weights,
        x=x,
        previous=previous,
        hidden=hidden,
        expected=expected,
        terms=terms,
        bound=bound,
    )


def backward_step(cell: ElmanCell, p: Precision, forward: Forward, d_hidden: Array) -> Backward:
    """Take one backward step for every row from the subject's own dL/dh_t (N, H)."""
    w = forward.weights
    d_a, d_previous = np.empty_like(d_hidden), np.empty_like(d_hidden)
    cell.slopes([forward.hidden], [forward.previous], (), [d_a])
    cell.backward_step(w, d_hidden, (), (d_a,), (d_previous,))
    epsilon = magnitude(bounds.pre_gradient(p, cell.nonlinearity, forward.hidden, d_hidden))
    size, w_ih, w_hh = magnitude(d_a), magnitude(w.ih), magnitude(w.hh)
    to_previous = Flow(value=d_previous, terms=size @ w_hh, inherited=epsilon @ w_hh)
    d_x = d_a @ w.ih
    to_input = Flow(value=d_x, terms=size @ w_ih, inherited=epsilon @ w_ih)
    return Backward(
        forward=forward,
        d_hidden=d_hidden,
        d_a=d_a,
        size=size,
        epsilon=epsilon,
        to_previous=to_previous,
        to_input=to_input,
    )


def share(w: Weights, x: Array) -> Array:
    """Return what x (N, I) and the biases contribute to the pre-activations of all rows."""
    product = x @ w.ih
    return product if w.b_ih is None else product + w.b_ih
