"""What one local check works with, and the questions that its parts ask of it."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from conformance.cases import Problem
from conformance.judge import geometry
from conformance.judge.inner import Inner
from conformance.judge.rounding import Precision
from conformance.subjects.observation import Observation, Place
from refrnn import Array, ElmanCell


class Setting(Struct, frozen=True, kw_only=True):
    """The problem, what the subject showed of it, and the precision in which they are compared."""

    problem: Problem
    observation: Observation
    inner: Inner
    precision: Precision

    @property
    def cell(self) -> ElmanCell:
        """The reference cell that recomputes every step."""
        return ElmanCell(self.problem.case.nonlinearity)

    def by_step(self, rows: Array) -> Array:
        """Return the rows (T·B, ·) of all steps as (T, B, ·)."""
        return rows.reshape(self.problem.case.steps, self.problem.case.batch, -1)

    def sequence(self, values: Array) -> Array:
        """Return a sequence of the problem's layout as (T, B, ·) in float64, 0 in the padding."""
        steps = self.problem.layout.time_major(values).astype(np.float64)
        return np.where(geometry.active(self.problem), steps, 0.0)

    def states(self, values: Array) -> dict[Place, Array]:
        """Return h_0, h_n or a gradient of them by place, each (B, H) in float64."""
        batched = self.problem.layout.batched_state(values).astype(np.float64)
        return dict(zip(self.problem.places, batched, strict=True))

    def sides(self, layer: int) -> list[Place]:
        """Return the places of `layer`: one for each direction, none outside the stack."""
        if not 0 <= layer < self.problem.case.layers:
            return []
        return [(layer, d) for d in range(self.problem.case.directions)]

    def shows(self, *, hidden: Sequence[Place] = (), d_hidden: Sequence[Place] = ()) -> bool:
        """Return whether the subject shows all these inner steps of its own."""
        return set(hidden) <= set(self.inner.hidden) and set(d_hidden) <= set(self.inner.d_hidden)
