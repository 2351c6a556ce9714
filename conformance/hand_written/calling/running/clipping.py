"""np.clip watched where it limits values to ±c, as gradients are clipped; on demand without effect there."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from msgspec import Struct, field

CLIP = np.clip
"""Numpy's own, for what is judged while calls by foreign code are watched: those would be taken for that code's."""


class Clips(Struct):
    """The limits ±c to which np.clip was to limit values, how often each, and those that were reached."""

    limits: Counter[float] = field(default_factory=Counter)
    reached: set[float] = field(default_factory=set)

    def add(self, other: "Clips") -> None:
        """Add what another run clipped."""
        self.limits += other.limits
        self.reached |= other.reached


@contextmanager
def clipping(*, lifted: bool) -> Iterator[Clips]:
    """Yield what np.clip(g, -c, c) is called for in the block; with `lifted` it gives g back there."""
    seen = Clips()
    clip = np.clip

    def watching(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **others: Any) -> Any:
        low, high = others.get("min", a_min), others.get("max", a_max)
        symmetric = np.isscalar(low) and np.isscalar(high) and low == -high and high != 0
        if symmetric:
            seen.limits[float(high)] += 1
            if (np.abs(a) > high).any():
                seen.reached.add(float(high))
        if not symmetric or not lifted:
            return clip(a, a_min, a_max, out, **others)
        if out is None:
            return np.array(a)
        out[...] = a
        return out

    np.clip = watching
    try:
        yield seen
    finally:
        np.clip = clip
