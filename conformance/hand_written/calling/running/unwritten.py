"""Memory that nobody has written: NaN while foreign code runs, so that what is made of it is never right by chance.

What `np.empty` gives is whatever lay there before: often zeros in a young process, which makes a sum over it right, and
other numbers each time, which makes two equal calls differ. Code that writes each element before it reads it can't
tell.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np


@contextmanager
def unwritten_is_nan() -> Iterator[None]:
    """Let `np.empty` and `np.empty_like` fill what holds floats with NaN."""
    own = np.empty, np.empty_like
    np.empty, np.empty_like = map(_filled, own)
    try:
        yield
    finally:
        np.empty, np.empty_like = own


def _filled(allocate: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(allocate)
    def filled(*args: Any, **options: Any) -> Any:
        array = allocate(*args, **options)
        if np.issubdtype(array.dtype, np.inexact):
            array.fill(np.nan)
        return array

    return filled
