"""Rounding bounds of one Elman step, forward and backward: how far two correct programs may lie apart.

Both start from the same numbers (the subject's own), so nothing here depends on how long a sequence is. The
derivations are in docs/derivations.md. Rows are steps and samples, N = T·B of them.

    symbol      shape     meaning
    terms       (N, H)    Σ|terms| of the sum in question
    epsilon     (N, H)    bound on the pre-activation a
    epsilon_d   (N, H)    bound on δ = dL/da
"""

import numpy as np

from conformance.judge.flow import Flow
from conformance.judge.rounding import Precision
from refrnn import Array


def pre_activation(p: Precision, terms: Array, *, fan_in: int) -> Array:
    """Bound a = W_ih x + W_hh h + b_ih + b_hh, with `fan_in` = I + H products: γ_{I+H+3} Σ|terms| + (I+H+3) η.

    A term is stored in its product, with a bias added, and in a.
    """
    return p.of_sum(fan_in + 3, terms, stored=3)


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
    g − g·h·h and (g + g·h)(1 − h) in any grouping; 1.01 covers products of roundings. relu: exact, a choice between
    dL/dh and 0.
    """
    if nonlinearity == "relu":
        return np.zeros_like(d_h)
    size, slope = np.abs(h), np.abs(1 - h * h)
    return 1.01 * p.u * np.abs(d_h) * np.maximum(4 * slope, size * (1 + size) + 3 * slope) + 2 * p.eta


def gradient_sum(p: Precision, flow: Flow, *, products: int, stored: int, addends: int = 0) -> Array:
    """Bound a sum of `products` products and `addends` further terms, accumulated in any order.

    γ_n (Σ|terms| + ε) + ε + n η with n = products + addends, where ε is what the δ in the terms bring along. A term
    goes through at most `stored` sums that are stored.
    """
    return p.of_sum(products + addends, flow.terms + flow.inherited, stored=stored) + flow.inherited
