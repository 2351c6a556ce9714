"""Where a backward loop can go wrong in one problem, and every set of so many wrong choices among them."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import replace

from conformance.cases import Problem
from conformance.faults import RIGHT, Choices
from conformance.faults.seams import alternatives

Change = dict[str, Any]
"""Fields of `Choices` with another value."""

Plans = npt.NDArray[np.intp]
"""One row for each plan: its alternative on every axis, 0 for the right one."""


class Axis(Struct, frozen=True, kw_only=True):
    """One place where a backward loop chooses, and what it can choose there, the right one first."""

    name: str
    alternatives: tuple[Change, ...]


class Axes(Struct, frozen=True):
    """All axes of one problem."""

    axes: tuple[Axis, ...]

    def sizes(self, *names: str) -> tuple[int, ...]:
        """Return how many alternatives each of these axes has."""
        return tuple(len(self[name].alternatives) for name in names)

    def __getitem__(self, name: str) -> Axis:
        return self.axes[self.column(name)]

    def column(self, name: str) -> int:
        """Return the column of an axis in a table of plans."""
        return next(n for n, axis in enumerate(self.axes) if axis.name == name)

    def choices(self, plan: npt.NDArray[np.intp], base: Choices = RIGHT) -> Choices:
        """Return the choices of one plan on top of `base`."""
        changes: Change = {}
        for axis, n in zip(self.axes, plan, strict=True):
            changes |= axis.alternatives[int(n)]
        return replace(base, **changes)

    def plans(self, departures: int) -> Iterator[Plans]:
        """Yield all plans that are wrong at so many axes, those of the same axes together."""
        if departures == 0:
            yield np.zeros((1, len(self.axes)), np.intp)
            return
        open_to_choice = [n for n, axis in enumerate(self.axes) if len(axis.alternatives) > 1]
        for columns in combinations(open_to_choice, departures):
            wrong = np.indices([len(self.axes[c].alternatives) - 1 for c in columns]) + 1
            grid = wrong.reshape(departures, -1).T
            plans = np.zeros((len(grid), len(self.axes)), np.intp)
            plans[:, columns] = grid
            yield plans

    def restricted(self, name: str, keep: tuple[int, ...]) -> "Axes":
        """Return the axes with only some alternatives of one of them."""
        axis = self[name]
        left = Axis(name=name, alternatives=tuple(axis.alternatives[n] for n in keep))
        return Axes(tuple(left if each.name == name else each for each in self.axes))


UPDATED = ("updated", "updated inside", "updated inside, later")
"""Ways in which a head passes gradients back through weights that it has changed already."""

MISALIGNED = ("end of [h; x]", "start of [x; h]")
"""Carries that are those through W_ih where W_ih is square."""


def axes_of(problem: Problem, rate: float | None, base: Choices = RIGHT) -> Axes:
    """Return where the backward loop of one layer can go wrong after the forward pass of `base`, and how."""
    case, head = problem.case, problem.head is not None
    out: dict[str, tuple[str, ...]] = {
        "derivative": _pointless(base, case.nonlinearity),
        "head_loss": () if head else alternatives("head_loss")[1:],
        "head_carry": UPDATED if rate is None else (),
        "carry": MISALIGNED if case.input_size == case.hidden_size else ("input weights",),
        "d_h_n": () if problem.d_h_n is not None else alternatives("d_h_n")[1:],
    }
    out["head_carry"] += () if case.output_size == case.hidden_size else ("untransposed",)
    if case.batch == 1:
        out["derivative"] += ("first row",)
    plain = (
        "derivative",
        "slope_at",
        "head_loss",
        "head_carry",
        "entry",
        "d_h_n",
        "carry",
        "carried",
        "arrives",
        "joined",
        "steps",
        "order",
    )
    axes = [_axis(seam, out.get(seam, ()), rate if seam == "head_carry" else None) for seam in plain]
    axes += [_truncation(case.steps), _update(rate)]
    clip = ({}, {"clip": "carry 1"}, {"clip": "carry norm 1"})
    return Axes((*axes, Axis(name="clip", alternatives=clip)))


def _pointless(base: Choices, nonlinearity: str) -> tuple[str, ...]:
    """Return the derivatives that are right for the activation in use, or make no difference to it."""
    if base.activation in ("sigmoid", "none"):
        return ("one at zero",)
    tanh = (nonlinearity == "tanh") == (base.activation != "other")
    return ("tanh", "one at zero") if tanh else ("pre-activation", "unsquared", "squared difference", "relu")


def _axis(seam: str, left_out: tuple[str, ...], rate: float | None = None) -> Axis:
    wrong = [choice for choice in alternatives(seam)[1:] if choice not in left_out]
    extra = {} if rate is None else {"rate": rate}
    return Axis(name=seam, alternatives=({}, *({seam: choice} | extra for choice in wrong)))


def _update(rate: float | None) -> Axis:
    """Return whether the loop updates its weights as it goes, with each state that dW_hh may be formed from."""
    if rate is None:
        return Axis(name="update", alternatives=({},))
    found: list[Change] = [{}]
    for inside in ("inside", "inside, later"):
        found += [
            {"update": inside, "rate": rate} | ({"h_read": choice} if choice != "before" else {})
            for choice in alternatives("h_read")
        ]
    return Axis(name="update", alternatives=tuple(found))


def _truncation(steps: int) -> Axis:
    """Return every way in which gradients may go back less than all steps."""
    found: list[Change] = [{}]
    found += [{"truncation": "segments", "reach": reach} for reach in range(2, steps)]
    found += [{"truncation": "last steps", "reach": reach} for reach in range(2, steps - 1)]
    found += [{"truncation": "windows", "reach": reach} for reach in range(1, steps - 1)]
    return Axis(name="truncation", alternatives=tuple(found))
