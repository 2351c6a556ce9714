"""`Tape`: what was computed of what, element by element, walked back to the derivative by each of them.

An element is known by its place in memory: a view, a transpose or a row of a buffer holds the elements that it shows. A
copy that nobody told of is known by its bytes. What was written unseen is new.
"""

from collections.abc import Callable, Sequence

import numpy as np

from refrnn import Array

Derived = Callable[[Array], Array]
"""From the adjoint of a result to that of what it was computed of."""


class Tape:
    """The elements of a run in the order in which they were met, and how each came about."""

    def __init__(self) -> None:
        self._values = np.zeros(1024)
        self._count = 0
        self._at: dict[int, int] = {}
        self._by_bytes: dict[bytes, Array] = {}
        self._held: list[Array] = []  # so that no place in memory is used again
        self._steps: list[tuple[Array, list[tuple[Array, Derived]]]] = []

    def elements(self, array: Array) -> Array:
        """Return the numbers of an array's elements, in its shape; those that are met first are independent ones."""
        places = places_of(array)
        numbers = np.array([self._at.get(place, -1) for place in places.ravel().tolist()], int)
        values = array.ravel()
        fresh = (numbers < 0) | (self._values[numbers] != values)
        if not fresh.any():
            return numbers.reshape(array.shape)
        copied = self._by_bytes.get(values.tobytes()) if fresh.all() else None
        if copied is not None:
            return copied.reshape(array.shape)
        self._held.append(array)
        numbers[fresh] = self._added(places.ravel()[fresh], values[fresh])
        return numbers.reshape(array.shape)

    def computed(self, result: Array, of: Sequence[tuple[Array, Derived]]) -> Array:
        """Note a result with the numbers of all that it was computed of, and return its own."""
        self._held.append(result)
        values = result.ravel()
        numbers = self._added(places_of(result).ravel(), values)
        if values.size > 1 and values.any():
            self._by_bytes[values.tobytes()] = numbers
        if of:
            self._steps.append((numbers.reshape(result.shape), list(of)))
        return numbers.reshape(result.shape)

    def stored(self, place: Array, numbers: Array) -> None:
        """Note that the elements of an array were written into a place."""
        self._held.append(place)
        spread = np.broadcast_to(numbers, place.shape)
        if np.array_equal(self._values[spread], place):
            self._at.update(zip(places_of(place).ravel().tolist(), spread.ravel().tolist(), strict=True))

    def is_known(self, array: Array) -> bool:
        """Return whether every element of an array was met, where it is and with its value."""
        numbers = [self._at.get(place, -1) for place in places_of(array).ravel().tolist()]
        return -1 not in numbers and np.array_equal(self._values[numbers], array.ravel())

    def walked_back(self, seeds: Sequence[tuple[Array, Array]]) -> Array:
        """Return the derivative of Σ cotangent · element by each element, in the order of their numbers."""
        adjoints = np.zeros(self._count)
        for numbers, cotangent in seeds:
            np.add.at(adjoints, numbers, cotangent)
        for result, of in reversed(self._steps):
            adjoint = adjoints[result]
            if adjoint.any():
                for numbers, derived in of:
                    np.add.at(adjoints, numbers, derived(adjoint))
        return adjoints

    def _added(self, places: Array, values: Array) -> Array:
        """Give numbers to new elements."""
        first, self._count = self._count, self._count + values.size
        while self._count > self._values.size:
            self._values = np.concatenate([self._values, np.zeros_like(self._values)])
        self._values[first : self._count] = values
        numbers = np.arange(first, self._count)
        self._at.update(zip(places.tolist(), numbers.tolist(), strict=True))
        return numbers


def places_of(array: Array) -> Array:
    """Return where in memory the elements of an array lie, in its shape."""
    places = np.full(array.shape, array.__array_interface__["data"][0])
    for axis, (size, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        shape = [1] * array.ndim
        shape[axis] = size
        places += stride * np.arange(size).reshape(shape)
    return places
