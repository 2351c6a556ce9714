"""`Known`: all that a right backward pass may hold, indexed so that a value is found whatever its layout.

It holds the adjoint of each use of a value, sums over some of its uses, and for a parameter, which is used at many
steps, sums from either end. Two values are one if their elements, sorted with their signs, are.
"""

import bisect
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.hand_written.mending.forward.adjoints import Adjoint
from refrnn import Array

CLOSE = 2e-7
"""Within this, relatively, two values are one: differences are off by 1e-9, and mistakes at weights of order one by
1e-3 at least."""

MOST_USES = 6
"""Uses of one value of which every sum is known; what is used more often is a parameter."""

GATES = (4, 3, 2)
"""How many blocks may lie side by side in one array."""

Id = int


class Entry(Struct, frozen=True, kw_only=True):
    """One known value in words: what it is the adjoint of, and whether it is a sum over steps."""

    what: str
    time: int
    over_steps: bool = False
    uses: int = 1


class Known:
    """The adjoints of a forward pass, times the constant that gradients carry."""

    def __init__(self, adjoints: Sequence[Adjoint], factor: float) -> None:
        self.entries: list[Entry] = []
        self._factor = factor
        self._by_size: dict[int, tuple[list[float], list[tuple[float, Array, Id]]]] = {}
        self.take(adjoints)

    def take(self, adjoints: Sequence[Adjoint]) -> None:
        """Make adjoints known, and their sums over uses of one value."""
        groups: dict[tuple[int, bytes], list[tuple[Array, Adjoint]]] = {}
        for each in adjoints:
            adjoint = self._factor * each.adjoint
            groups.setdefault((each.value.size, np.sort(each.value.ravel()).tobytes()), []).append(
                (adjoint, each)
            )
            self.add(adjoint, Entry(what=each.site.text, time=each.time))
        for uses in groups.values():
            self._add_sums(uses)
        self._add_stacks(adjoints)

    def _add_stacks(self, adjoints: Sequence[Adjoint]) -> None:
        """Make the adjoints of one use at all times known together, as an array over the steps holds them."""
        by_use: dict[int, list[Adjoint]] = {}
        for each in adjoints:
            by_use.setdefault(each.number, []).append(each)
        for uses in by_use.values():
            if len(uses) > 1 and len({use.adjoint.shape for use in uses}) == 1:
                stacked = self._factor * np.stack([use.adjoint for use in uses])
                self.add(stacked, Entry(what=uses[0].site.text, time=0, over_steps=True))

    def _add_sums(self, uses: Sequence[tuple[Array, Adjoint]]) -> None:
        different: list[tuple[Array, Adjoint]] = []
        for adjoint, use in uses:
            if not any(adjoint.shape == other.shape and _same(adjoint, other) for other, _ in different):
                different.append((adjoint, use))
        by_shape: dict[tuple[int, ...], list[tuple[Array, Adjoint]]] = {}
        for adjoint, use in different:
            by_shape.setdefault(adjoint.shape, []).append((adjoint, use))
        for alike in by_shape.values():
            count, first = len(alike), alike[0][1]
            places = {use.site.start for _, use in alike}
            if len(places) == 1 or count > MOST_USES:
                for i, j in itertools.combinations(range(count + 1), 2):
                    if j - i > 1 and (i == 0 or j == count):
                        total = sum((a for a, _ in alike[i:j]), np.zeros(()))
                        self.add(
                            total, Entry(what=first.site.text, time=first.time, over_steps=True, uses=j - i)
                        )
                continue
            for size in range(2, count + 1):
                for chosen in itertools.combinations(alike, size):
                    total = sum((a for a, _ in chosen), np.zeros(()))
                    self.add(total, Entry(what=first.site.text, time=first.time, uses=size))

    def add(self, adjoint: Array, entry: Entry) -> None:
        """Make one value known, unless it is already, or is 0 everywhere."""
        if adjoint.size < 2 or not np.abs(adjoint).max() > 1e-9 or self.of(adjoint) is not None:
            return
        key = _square(adjoint)
        keys, held = self._by_size.setdefault(adjoint.size, ([], []))
        at = bisect.bisect_left(keys, key)
        keys.insert(at, key)
        held.insert(at, (key, np.sort(adjoint.ravel()), len(self.entries)))
        self.entries.append(entry)

    def of(self, value: Array) -> Id | None:
        """Return which known value an array is, None where it is none."""
        got = self._by_size.get(value.size)
        if got is None:
            return None
        key = _square(value)
        if not key > 1e-18 or not np.isfinite(key):
            return None
        keys, held = got
        at = bisect.bisect_left(keys, key * (1 - 1e-6))
        elements: Array | None = None
        while at < len(keys) and keys[at] <= key * (1 + 1e-6):
            if elements is None:
                elements = np.sort(value.ravel())
            _, sorted_, id_ = held[at]
            if np.abs(sorted_ - elements).max() <= CLOSE * max(abs(elements[0]), abs(elements[-1])):
                return id_
            at += 1
        return None

    def one(self, value: Any) -> Id | None:
        """Return which known value something is, None where it is none."""
        array = as_array(value)
        return None if array is None else self.of(array)

    def match(self, array: Array) -> bool:
        """Return whether an array is a known value, or several different ones side by side."""
        if self.of(array) is not None:
            return True
        for axis, size in enumerate(array.shape):
            for parts in GATES:
                if size % parts == 0 and array.size // parts >= 2:
                    ids = [self.of(part) for part in np.split(array, parts, axis=axis)]
                    if None not in ids and len(set(ids)) == parts:
                        return True
        return False


def as_array(value: Any) -> Array | None:
    """Return a value as an array of at least two numbers, a list of equal arrays stacked; None for anything else."""
    arrays = isinstance(value, list) and value and all(isinstance(each, np.ndarray) for each in value)
    if arrays and len({each.shape for each in value}) == 1:
        value = np.array(value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size >= 2:
        return value
    return None


def is_zero(value: Any) -> bool:
    """Return whether something is an array of zeros alone."""
    array = as_array(value)
    return array is not None and not np.abs(array).max() > 1e-12


def _square(array: Array) -> float:
    """Return the sum of an array's squares."""
    flat = array.ravel()
    return float(np.dot(flat, flat))


def _same(one: Array, other: Array) -> bool:
    return bool(np.abs(one - other).max(initial=0.0) <= 1e-8 * np.abs(one).max(initial=0.0))
