"""Rounding bounds of one Elman step, forward and backward: how far two correct programs may lie apart.

Both start from the same numbers (the subject's own), so nothing here depends on how long a sequence is. The
derivations are in docs/derivations.md. Rows are steps and samples, N = T·B of them.

    symbol      shape     meaning
    terms       (N, H)    Σ|terms| of the sum in question
    epsilon     (N, H)    bound on the pre-activation a
    epsilon_d   (N, H)    bound on δ = dL/da
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from msgspec import Struct

from conformance.judge.flow import Flow, magnitude
from conformance.judge.known import Known
from conformance.judge.rounding import Precision
from conformance.judge.slopes import units_of_slope
from conformance.judge.step_bounds import Expected, Passed, Returned, Rows
from refrnn import Array, ElmanCell, Weights


class ElmanBounds(Struct, frozen=True):
    """The Elman cell, recomputed by the reference's own."""

    nonlinearity: str

    blocks: ClassVar[tuple[str, ...]] = ("",)
    letters: ClassVar[tuple[str, ...]] = ()

    def forward(self, p: Precision, rows: Rows) -> dict[str, Expected]:
        """Return h = f(a)."""
        cell, w, x, h_prev = self._cell, rows.weights, rows.x, rows.previous["h"]
        size = Weights(*(None if part is None else magnitude(part) for part in w))  # pyright: ignore[reportArgumentType]
        prepared = cell.prepared(w).forward
        a, terms = _share(prepared, x), _share(cell.prepared(size).forward, magnitude(x))
        expected, room = a.copy(), cell.room(prepared, len(x))
        cell.forward_step(prepared, room, (h_prev,), (expected,))
        a += room[0]  # h_{t-1} W_hhᵀ
        terms += magnitude(h_prev) @ size.hh.T
        epsilon = pre_activation(p, terms, fan_in=x.shape[1] + h_prev.shape[1], roundings=rows.roundings)
        return {"h": Expected(value=expected, bound=state(p, self.nonlinearity, a, epsilon), terms=terms)}

    def within(
        self, p: Precision, rows: Rows, forward: Mapping[str, Expected], d_h: Array
    ) -> Mapping[str, Known]:
        """Return nothing: h is all that is carried."""
        del p, rows, forward, d_h
        return {}

    def backward(
        self, p: Precision, rows: Rows, forward: Mapping[str, Expected], gradients: Mapping[str, Known]
    ) -> Returned:
        """Return δ = dL/dh ⊙ f'(h), and W_hhᵀ δ, which goes to h_{t-1}."""
        del forward
        cell, w, h, d_h = self._cell, rows.weights, rows.shown["h"], gradients["h"].value
        d_a, d_previous = np.empty_like(d_h), np.empty_like(d_h)
        cell.slopes([h], [rows.previous["h"]], (), [d_a])
        cell.backward_step(w, d_h, (), (d_a,), (d_previous,))
        delta = Known(d_a, magnitude(pre_gradient(p, self.nonlinearity, h, d_h)))
        size = magnitude(w.hh)
        flow = Flow(value=d_previous, terms=magnitude(d_a) @ size, inherited=delta.error @ size)
        return Returned(d_ih=delta, d_hh=delta, passed={"h": Passed(flow=flow, terms=len(w.hh))})

    @property
    def _cell(self) -> ElmanCell:
        return ElmanCell(self.nonlinearity)  # pyright: ignore[reportArgumentType]: checked by Case


def _share(w: Weights, x: Array) -> Array:
    """Return what x (N, I) and the biases contribute to the pre-activations of all rows."""
    product = x @ w.ih
    return product if w.b_ih is None else product + w.b_ih


def pre_activation(p: Precision, terms: Array, *, fan_in: int, roundings: int = 0) -> Array:
    """Bound a = W_ih x + W_hh h + b_ih + b_hh, with `fan_in` = I + H products: γ_{I+H+3} Σ|terms| + (I+H+3) η.

    A term is stored in its product, with a bias added, and in a; `roundings` are those of x itself.
    """
    return p.of_sum(fan_in + 3 + roundings, terms, stored=3 + roundings)


def state(p: Precision, nonlinearity: str, a: Array, epsilon: Array) -> Array:
    """Bound h = f(a) where a is known up to `epsilon`.

    tanh: the steepest slope in the interval times epsilon, plus the error of tanh itself, as many units as the
    subject's library may be off. relu: epsilon, and nothing where the whole interval is negative, since 0 is exact.
    """
    if nonlinearity == "relu":
        return np.where(a > -epsilon, epsilon, 0.0)
    decay = np.exp(-2 * np.maximum(np.abs(a) - epsilon, 0))  # sech² from exponentials: no cancellation
    slope = 4 * decay / (1 + decay) ** 2
    return slope * epsilon + p.tanh * p.u * np.abs(np.tanh(a)) + p.eta


def pre_gradient(p: Precision, nonlinearity: str, h: Array, d_h: Array) -> Array:
    """Bound δ = dL/dh · f'(h), both from the subject.

    tanh: 1.01 u |dL/dh| max(4 |f'|, |h| (1 + |h|) + 3 |f'|) + 2 η, which covers g·(1 − h·h), g·(1 − h)(1 + h),
    g − g·h·h and (g + g·h)(1 − h) in any grouping; 1.01 covers products of roundings. Where f' may be formed from a:
    1.01 u |dL/dh| (2 c h² + 20 |f'|) + 2 η. relu: exact, a choice between dL/dh and 0.
    """
    if nonlinearity == "relu":
        return np.zeros_like(d_h)
    return 1.01 * p.u * np.abs(d_h) * units_of_slope(p, h) + 2 * p.eta
