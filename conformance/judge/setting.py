"""What one local check works with, and the questions that its parts ask of it."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from conformance.cases import Problem
from conformance.judge import geometry
from conformance.judge.inner import Inner
from conformance.judge.rounding import Precision
from conformance.judge.step_bounds import StepBounds
from conformance.judge.steps import bounds_of
from conformance.subjects.observation import Observation, Place, Quantity
from refrnn import Array


class Setting(Struct, frozen=True, kw_only=True):
    """The problem, what the subject showed of it, and the precision in which they are compared."""

    problem: Problem
    observation: Observation
    inner: Inner
    precision: Precision

    @property
    def bounds(self) -> StepBounds:
        """The bounds of the cell, which recompute every step."""
        return bounds_of(self.problem.case)

    def by_step(self, rows: Array) -> Array:
        """Return the rows (T·B, ·) of all steps as (T, B, ·), 0 in the padding: there 0 · NaN is no term of a sum."""
        steps = rows.reshape(self.problem.case.steps, self.problem.case.batch, -1)
        return steps if self.problem.lengths is None else np.where(geometry.active(self.problem), steps, 0.0)

    def sequence(self, values: Array) -> Array:
        """Return a sequence of the problem's layout as (T, B, ·) in float64, 0 in the padding."""
        steps = self.problem.layout.time_major(values).astype(np.float64)
        return np.where(geometry.active(self.problem), steps, 0.0)

    def states(self, values: Array) -> dict[Place, Array]:
        """Return initial or final states or a gradient of them by place, each (B, ·) in float64."""
        batched = self.problem.layout.batched_state(values).astype(np.float64)
        return dict(zip(self.problem.places, batched, strict=True))

    def sides(self, layer: int) -> list[Place]:
        """Return the places of `layer`: one for each direction, none outside the stack."""
        if not 0 <= layer < self.problem.case.layers:
            return []
        return [(layer, d) for d in range(self.problem.case.directions)]

    def of_place(self, arrays: Mapping[Quantity, Array], place: Place) -> dict[str, Array]:
        """Return what is shown of the steps of a place by letter, as the rows (T·B, ·) of one batch."""
        return {letter: geometry.rows(array) for (letter, where), array in arrays.items() if where == place}

    def shows_outputs(self, places: Sequence[Place]) -> bool:
        """Return whether the subject shows h_t of all these places."""
        return all(("h", place) in self.inner.values for place in places)

    def shows_states(self, place: Place) -> bool:
        """Return whether the subject shows every carried vector of a place."""
        return all((letter, place) in self.inner.values for letter in self.problem.case.carried)

    def shows_gradients(self, place: Place) -> bool:
        """Return whether the subject shows what reaches every carried vector of a place, or enough to tell it."""
        shown, passed = self.inner.gradients, self.inner.passed
        others = self.problem.case.carried[1:]
        return ("h", place) in shown and all(
            (letter, place) in shown or (letter, place) in passed for letter in others
        )
