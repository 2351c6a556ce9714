"""The head by itself: which of its seams give the gradients of its parameters, up to a constant."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from conformance.diagnose.axes import Change
from conformance.diagnose.fit import fit, screened
from conformance.diagnose.material import Material
from conformance.faults import Choices
from conformance.faults.forward import Scan
from conformance.faults.head import through
from conformance.faults.seams import alternatives
from refrnn import Array

LOOPS = ("head_loss", "entry", "steps", "truncation", "reach")
"""Choices that the head shares with the loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadReading:
    """One way in which the head's gradients may have come about, with the factor of each parameter."""

    change: Change
    factors: dict[str, float]

    def goes_with(self, choices: Choices) -> bool:
        """Return whether a loop makes the choices that it shares with the head."""
        shared = {"head_loss": "own"} | {key: value for key, value in self.change.items() if key in LOOPS}
        return all(getattr(choices, key) == value for key, value in shared.items())


def head_readings(material: Material, scan: Scan, base: Choices) -> list[HeadReading] | None:
    """Return the ways in which the head's gradients may have come about, the fewest mistakes alone.

    None where nothing of them was shown, an empty list where nothing fits.
    """
    head = material.problem.head
    if head is None:
        return None
    shown = {name: material.parameters[name] for name in head.parameters if name in material.parameters}
    if not shown:
        return None
    found: list[HeadReading] = []
    for change in _changes(material.problem.case.steps):
        made = through(replace(base, **change), head, scan.states, material.seen, scan.h_0).gradients
        factors = _factors(made, shown, material)
        if factors is not None:
            found.append(HeadReading(change=change, factors=factors))
    return [each for each in found if len(each.change) == min(len(other.change) for other in found)]


def _factors(made: dict[str, Array], shown: dict[str, Array], material: Material) -> dict[str, float] | None:
    """Return by which constant each of the head's gradients differs, None if one differs otherwise."""
    factors: dict[str, float] = {}
    for name, target in shown.items():
        if made[name].shape != target.shape:
            return None
        fitted = fit(made[name][np.newaxis], target, material.limit)
        if len(screened(fitted, single=material.single)):
            factors[name] = float(fitted.factor[0])
        elif not target.any():
            factors[name] = 0.0
        else:
            return None
    return factors


def _changes(steps: int) -> Iterator[Change]:
    """Yield what may be wrong about the head's gradients: the loss, the state read, which steps and samples count."""
    counting: list[Change] = [_wrong({"reduce_head": how}) for how in ("sum", "first step", "last step")]
    counting += [{"head_entry": "as entered", "entry": how} for how in alternatives("entry")[1:]]
    walked: list[Change] = [{"steps": how} for how in alternatives("steps")[1:]]
    walked += [{"truncation": "last steps", "reach": reach} for reach in range(2, steps - 1)]
    counting += [{"reduce_head": "as walked"} | change for change in walked]
    for loss, read in product(alternatives("head_loss"), alternatives("head_read")):
        for change, bias in product(counting, ("own", "per row")):
            yield _wrong({"head_loss": loss, "head_read": read, "head_bias": bias}) | change


def _wrong(choices: dict[str, str]) -> Change:
    return {seam: choice for seam, choice in choices.items() if choice != alternatives(seam)[0]}
