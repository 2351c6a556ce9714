"""Nested lists of plain numbers as arrays: read by value, written through to the lists."""

from typing import Any

import numpy as np

from refrnn import Array


class Lists(np.ndarray):
    """What nested lists hold, as an array; what is assigned to its elements is put into the lists as well."""

    home: list[Any] | None = None
    """The lists; None in what was computed from them."""

    def __setitem__(self, index: Any, values: Any) -> None:
        super().__setitem__(index, values)
        if self.home is not None:
            _put(self.home, self.tolist())


def lists(nested: list[Any]) -> Lists:
    """Return nested lists of numbers as an array that writes to them.

    >>> rows = [[1.0, 2.0], [3.0, 4.0]]
    >>> lists(rows)[...] = [[5, 6], [7, 8]]
    >>> rows
    [[5.0, 6.0], [7.0, 8.0]]
    """
    found = np.array(nested, dtype=float).view(Lists)
    found.home = nested
    return found


def _put(home: list[Any], values: list[Any]) -> None:
    """Put values into the innermost lists, so that whoever holds one of them sees them."""
    if home and isinstance(home[0], list):
        for inner, part in zip(home, values, strict=True):
            _put(inner, part)
    else:
        home[:] = values


def numbers_in(nested: Any) -> Array | None:
    """Return lists of floats, or of equally long lists of floats, as an array; None for anything else."""
    if not isinstance(nested, list) or not nested:
        return None
    rows = nested if isinstance(nested[0], list) else [nested]
    if not all(isinstance(row, list) and len(row) == len(rows[0]) for row in rows) or not rows[0]:
        return None
    if not all(isinstance(number, (float, np.floating)) for row in rows for number in row):
        return None
    return np.array(nested, dtype=float)
