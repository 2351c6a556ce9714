"""A gradient on its way to where it is summed, together with what bounds its rounding."""

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
from msgspec import Struct

from conformance.judge.rounding import Precision
from refrnn import Array


class Flow(Struct, frozen=True, kw_only=True):
    """A gradient on its way to where it is summed, with what bounds its rounding."""

    value: Array
    terms: Array  # Σ|terms|
    inherited: Array  # what the bounds on its own inputs add up to

    def mapped(self, function: Callable[[Array], Array]) -> "Flow":
        """Return the flow with `function` (a rearrangement) applied to all three parts."""
        return Flow(
            value=function(self.value), terms=function(self.terms), inherited=function(self.inherited)
        )

    @classmethod
    def given(cls, value: Array) -> "Flow":
        """Return a cotangent: exact, and its own only term."""
        return cls(value=value, terms=magnitude(value), inherited=np.zeros_like(value))

    @classmethod
    def summed(cls, flows: Sequence["Flow"]) -> "Flow":
        """Return the sum of flows of one shape."""
        return cls(
            value=reduce(np.add, [flow.value for flow in flows]),
            terms=reduce(np.add, [flow.terms for flow in flows]),
            inherited=reduce(np.add, [flow.inherited for flow in flows]),
        )

    @classmethod
    def stacked(cls, flows: Sequence["Flow"]) -> "Flow":
        """Return flows (G, rows, …) below each other."""
        if len(flows) == 1:
            return flows[0]
        return cls(
            value=np.concatenate([flow.value for flow in flows], axis=1),
            terms=np.concatenate([flow.terms for flow in flows], axis=1),
            inherited=np.concatenate([flow.inherited for flow in flows], axis=1),
        )


def gradient_sum(p: Precision, flow: Flow, *, products: int, stored: int, addends: int = 0) -> Array:
    """Bound a sum of `products` products and `addends` further terms, accumulated in any order.

    γ_n (Σ|terms| + ε) + ε + n η with n = products + addends, where ε is what the δ in the terms bring along. A term
    goes through at most `stored` sums that are stored.
    """
    return p.of_sum(products + addends, flow.terms + flow.inherited, stored=stored) + flow.inherited


def magnitude(values: Array) -> Array:
    """Return |values| with 0 for NaN and infinities: terms that rounding has no part in."""
    size = np.abs(values)
    return size if np.isfinite(size).all() else np.where(np.isfinite(size), size, 0.0)
