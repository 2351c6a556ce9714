"""The true adjoint of every value of a forward pass: dL/dv, walked back on a tape of that pass, and held against it.

All values are moved at once, each in a random direction, and the loss must change by what the adjoints say. Where it
doesn't, each half is, down to the values whose adjoints are to blame: those are moved element by element.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.hand_written.budget import Budget
from conformance.hand_written.mending.forward.noting import Moves, Moving, Operated, Use
from conformance.hand_written.mending.forward.rules import STEP, sides
from conformance.hand_written.mending.forward.sites import Site, Sited
from conformance.hand_written.mending.forward.walking import Found, walked
from conformance.hand_written.mending.functions import Live
from conformance.hand_written.mending.hooks import hooked
from conformance.hand_written.mending.program import Program
from refrnn import Array

SMALL, FARTHEST = 1e-6, 300.0
"""Of the step when all values are moved at once, and how much farther goes what has a small adjoint."""

FITS = 1e-4
"""Within this, relative to what all values come to, a loss changes as adjoints say. Moved as far as it is, each value
comes to about the same, and a wrong adjoint is wrong by its own size: a few hundredths of what some hundred come to."""

NUDGE = 1e-3
"""How far all elements of a value are moved at once to see whether it has any effect."""

NOTHING = 1e-12
"""Below this, what is computed as 0 may come out."""

ROUNDING = 1e-14
"""How far, relatively, a loss is off by rounding, some dozen units of it."""

FORWARD, NOTED = 15, 1500
"""What a forward pass costs, and one that is noted, in units of an evaluated variant."""


class Adjoint(Struct, frozen=True, kw_only=True):
    """A use of a value: where, for which time there, the value, and dL/d of it through this use alone."""

    site: Site
    number: int
    time: int
    value: Array
    adjoint: Array


class Adjoints(Struct, frozen=True, kw_only=True):
    """The adjoint of every value that has an effect on the loss, in the order in which they were met.

    Attributes
    ----------
    whole, of_steps
        Of the whole loss, and of what each step adds to it where that was asked for; not all are there where the budget
        is over.
    parameters
        Of the program's own parameters those that are read as they are.
    """

    whole: list[Adjoint]
    of_steps: list[list[Adjoint]]
    parameters: dict[str, Array]


def adjoints(program: Program, live: Live, sited: Sited, budget: Budget, *, by_step: bool) -> Adjoints:
    """Return the adjoints in a forward pass, with `by_step` those of what each step adds to the loss as well."""
    with live.running(sited.codes):
        loss = Loss(program, budget, by_step=by_step)
        budget.spend(NOTED)
        walk = walked(program, sited, loss.base, loss.parts)
        noted, found = walk.noted, walk.found
        for use in loss.blamed(noted.uses, found):
            found[use.key] = loss.by_differences(use)
    whole, *of_steps = [
        [
            each
            for use in noted.uses
            if np.abs(found[use.key]).max() > NOTHING
            for each in _with_operands(use, found[use.key][n], noted.operations, sited.sites)
        ]
        for n in range(loss.parts)
    ]
    return Adjoints(whole=whole, of_steps=of_steps, parameters=walk.parameters)


class Loss:
    """The loss of a program as a function of the values in its forward pass, whole and in the parts of its steps."""

    def __init__(self, program: Program, budget: Budget, *, by_step: bool) -> None:
        self.program, self.budget = program, budget
        self.base = self.at({})
        self.parts = 1 + len(self.base) * (by_step and len(self.base) > 1)

    def at(self, moves: Moves) -> Array:
        """Return what each step adds to the loss (T,) where values are moved."""
        self.budget.spend(FORWARD)
        with hooked(**Moving(moves).hooks):
            return self.program.forward(self.program.start())

    def blamed(self, uses: Sequence[Use], found: Found) -> list[Use]:
        """Return the uses with whose adjoints the loss doesn't agree, in one random direction."""
        rng = np.random.default_rng(5)
        largest = max((np.abs(each).max() for each in found.values()), default=0.0)
        directions = {}
        for use in uses:
            size = np.abs(found[use.key][0]).max()
            farther = min(largest / size, FARTHEST) if size else 1.0
            directions[use.key] = (
                farther * rng.choice([-1, 1], use.value.shape) * (1 + rng.random(use.value.shape))
            )
        return list(self._blamed(uses, found, directions))

    def _blamed(self, uses: Sequence[Use], found: Found, directions: Moves) -> Iterator[Use]:
        if not uses or self.budget.over:
            return
        said = np.array([float(np.vdot(found[use.key][0], directions[use.key])) for use in uses])
        moves = {use.key: SMALL * directions[use.key] for use in uses}
        there, back = (self.at({key: sign * move for key, move in moves.items()}).sum() for sign in (1, -1))
        rounding = ROUNDING * max(1.0, np.abs(self.base).sum()) / SMALL
        if abs((there - back) / (2 * SMALL) - said.sum()) <= FITS * np.linalg.norm(said) + rounding:
            return
        if len(uses) == 1:
            yield uses[0]
            return
        middle = len(uses) // 2
        yield from self._blamed(uses[:middle], found, directions)
        yield from self._blamed(uses[middle:], found, directions)

    def by_differences(self, use: Use) -> Array:
        """Return the adjoint of a value for each part of the loss, by moving its elements; 0 where it has no effect."""
        rng = np.random.default_rng(5)
        adjoint = np.zeros((self.parts, *use.value.shape))
        nudge = NUDGE * rng.choice([-1, 1], use.value.shape) * (1 + rng.random(use.value.shape))
        try:
            if not np.abs(self.at({use.key: nudge}) - self.base).max() > NOTHING * max(
                1.0, np.abs(self.base).max()
            ):
                return adjoint
            for index in np.ndindex(use.value.shape):
                if self.budget.over:
                    break
                move = np.zeros(use.value.shape)
                move[index] = STEP
                change = (self.at({use.key: move}) - self.at({use.key: -move})) / (2 * STEP)
                adjoint[:, *index] = [change.sum(), *change][: self.parts]
        except Exception:
            return np.zeros_like(adjoint)
        return adjoint


def _with_operands(
    use: Use, adjoint: Array, operations: Mapping[int, Operated], sites: Sequence[Site]
) -> Iterator[Adjoint]:
    """Yield the adjoint of a value, and of all that operators made it of."""
    yield Adjoint(site=sites[use.number], number=use.number, time=use.time, value=use.value, adjoint=adjoint)
    yield from _of_operands(operations, use.original, adjoint, use.time, sites)


def _of_operands(
    operations: Mapping[int, Operated], result: Any, adjoint: Array, time: int, sites: Sequence[Site]
) -> Iterator[Adjoint]:
    operated = operations.get(id(result))
    if operated is None or operated.result is not result:
        return
    for n, side in enumerate(sides(operated.operator, *operated.values, adjoint)):
        number = operated.numbers[n]
        if side is None or number < 0 or not isinstance(operated.values[n], np.ndarray):
            continue
        yield Adjoint(site=sites[number], number=number, time=time, value=operated.values[n], adjoint=side)
        yield from _of_operands(operations, operated.originals[n], side, time, sites)
