"""A step moved a little along random directions of each parameter, and the derivatives of all that it computes.

It is moved either way, at two distances, so that each derivative has an error; and the update, as a field over the
parameters, has a Jacobian.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from msgspec import Struct, field

from conformance.hand_written.by_example.parameters import SMALL, Parameters
from conformance.hand_written.by_example.slopes import FAR, Slope, extrapolated
from conformance.hand_written.by_example.training import Step
from conformance.hand_written.by_example.watching import Key, Recording
from refrnn import Array

DIRECTIONS = 2
"""Along which each parameter is moved."""

MOST_OUTPUTS, LARGEST_OUTPUT = 150, 5_000
"""Arrays that may be outputs through which the loss sees a network, and elements of one of them."""


class Differences(Struct, frozen=True):
    """Central differences at one distance: of numbers and outputs, and of the updates of parameters."""

    computed: dict[Key, float | Array] = field(default_factory=dict)
    updates: dict[str, Array] = field(default_factory=dict)


class Moved:
    """A step run with values of our own, and the derivatives of what it computes.

    Attributes
    ----------
    values, updates
        The parameters, and what the step adds to each.
    moves
        The directions (N, *shape) along which each is moved.
    base, same
        What the step computed, and what of that came out the same when it ran again.
    outputs
        The arrays computed before the update that aren't parameters.
    """

    def __init__(self, step: Step, own: Parameters, base: Recording, same: Recording) -> None:
        rng = np.random.default_rng(7)
        self.step, self.base, self.same = step, base, same
        self._begin, self._end, self._around = own.begins, own.ends, {**own.values, **own.others}
        self.values = {path: value for path, value in own.values.items() if path in base.final}
        self.moves = {path: _directions(rng, value) for path, value in self.values.items()}
        self.updates = {path: base.final[path] - value for path, value in self.values.items()}
        self.outputs = [
            key
            for key, array in same.arrays.items()
            if array.size <= LARGEST_OUTPUT
            and base.when[key] < own.begins
            and not any(np.array_equal(each, w) for w in self.values.values() for each in (array, array.T))
        ][:MOST_OUTPUTS]

    @cached_property
    def rows(self) -> dict[str, list[tuple[Differences, Differences]]]:
        """The differences along each direction of each parameter, at half the distance and at all of it."""
        return {
            path: [self._near_and_far({path: move}) for move in moves] for path, moves in self.moves.items()
        }

    @cached_property
    def rows_of_all(self) -> list[tuple[Differences, Differences]]:
        """The same along directions of all parameters at once, which cost little."""
        return [
            self._near_and_far({path: moves[n] for path, moves in self.moves.items()})
            for n in range(DIRECTIONS)
        ]

    def slope_of_all(self, key: Key, size: float) -> Slope | None:
        """Return the derivatives of a number, of a size, along the directions of all parameters at once."""
        row = [
            (near.computed[key], far.computed[key])
            for near, far in self.rows_of_all
            if key in near.computed and key in far.computed
        ]
        return extrapolated(row, size) if len(row) == DIRECTIONS else None

    def slopes_of(self, key: Key, size: float, weights: Array | float = 1.0) -> dict[str, Slope]:
        """Return the derivatives along each parameter of a number, or of an output times weights, of a size."""
        found = {}
        for path, rows in self.rows.items():
            row = [
                (float(np.vdot(weights, near.computed[key])), float(np.vdot(weights, far.computed[key])))
                for near, far in rows
                if key in near.computed and key in far.computed
            ]
            if len(row) == DIRECTIONS:
                found[path] = extrapolated(row, size)
        return found

    def jacobian(self, path: str, of: str) -> Slope | None:
        """Return the derivatives (N·N,) of one parameter's update, in its directions, along those of another."""
        rows = [
            (float(np.vdot(move, near.updates[of])), float(np.vdot(move, far.updates[of])))
            for near, far in self.rows[path]
            for move in self.moves[of]
            if of in near.updates and of in far.updates
        ]
        if len(rows) != DIRECTIONS**2:
            return None
        size = max(float(np.abs(move * self.values[of]).sum()) for move in self.moves[of])
        return extrapolated(rows, size)

    def _near_and_far(self, moves: Mapping[str, Array]) -> tuple[Differences, Differences]:
        return self._differences(moves, FAR / 2), self._differences(moves, FAR)

    def _differences(self, moves: Mapping[str, Array], distance: float) -> Differences:
        right, left = (
            self.step.run(
                self._around | {path: self.values[path] + sign * distance * v for path, v in moves.items()},
                self._end,
                self.outputs,
                self._begin,
            )
            for sign in (1, -1)
        )
        if right is None or left is None:
            return Differences()
        computed: dict[Key, float | Array] = {
            key: (right.numbers[key] - left.numbers[key]) / (2 * distance)
            for key in self.same.numbers
            if key in right.numbers and key in left.numbers
        }
        for key in self.outputs:
            one, other = right.arrays.get(key), left.arrays.get(key)
            if (
                one is not None
                and other is not None
                and one.shape == other.shape == self.same.arrays[key].shape
            ):
                computed[key] = (one - other) / (2 * distance)
        updates = {
            of: (right.final[of] - left.final[of]) / (2 * distance) - moves.get(of, 0.0)
            for of, value in self.values.items()
            if of in right.final
            and of in left.final
            and right.final[of].shape == left.final[of].shape == value.shape
        }
        return Differences(computed, updates)


def _directions(rng: np.random.Generator, value: Array) -> Array:
    """Return directions (N, *shape) of about the size of a value."""
    size = max(float(np.sqrt(np.mean(value**2))), SMALL / 3)
    return size * rng.standard_normal((DIRECTIONS, *value.shape))
