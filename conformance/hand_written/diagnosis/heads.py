"""The head by itself: which of its seams give the gradients of its parameters, up to a constant."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.cases.head import HEAD_BIAS
from conformance.faults import Choices
from conformance.faults.forward import Scan
from conformance.faults.head import through
from conformance.faults.seams import alternatives
from conformance.hand_written.diagnosis.axes import Change
from conformance.hand_written.diagnosis.fit import fit, screened
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reads import filled
from refrnn import Array

LOOPS = ("head_loss", "entry", "steps", "truncation", "reach")
"""Choices that the head shares with the loop."""


class HeadReading(Struct, frozen=True, kw_only=True):
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
    for change in _changes(material.problem.case.steps, _biases(shown), both=len(shown) > 1):
        if found and mistakes(change) > mistakes(found[0].change):
            break
        made = through(replace(base, **change), head, scan.states, material.seen, scan.h_0).gradients
        factors = _factors(made, shown, material)
        if factors is not None:
            found.append(HeadReading(change=change, factors=factors))
    return found


def _biases(shown: dict[str, Array]) -> tuple[str, ...]:
    """Return what may have become of the gradient of the head's bias, as far as its form tells."""
    bias = shown.get(HEAD_BIAS)
    if bias is None:
        return ("own",)
    return ("own", *(["per row"] if bias.ndim > 1 else []), *(["over units"] if filled(bias) else []))


def mistakes(change: Change) -> int:
    """Return how many choices are wrong, the same one for weight and bias counted once."""
    alike = change.get("reduce_head") == change.get("reduce_head_bias")
    return len(change) - ("reduce_head" in change and alike)


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


def _changes(steps: int, biases: Sequence[str], *, both: bool) -> list[Change]:
    """Return what may be wrong about the head's gradients, the fewest mistakes first.

    That is the loss, the state read, what the gradient of the bias is made of, and which steps count: for weight and
    bias by itself where `both` are shown.
    """
    counts = ("sum", "first step", "last step")
    pairs = product(counts, counts) if both else zip(counts, counts, strict=True)
    counting: list[Change] = [_wrong({"reduce_head": w, "reduce_head_bias": b}) for w, b in pairs]
    counting += [{"head_entry": "as entered", "entry": how} for how in alternatives("entry")[1:]]
    walked: list[Change] = [{"steps": how} for how in alternatives("steps")[1:]]
    walked += [{"truncation": "last steps", "reach": reach} for reach in range(2, steps - 1)]
    as_walked: Change = {"reduce_head": "as walked", "reduce_head_bias": "as walked"}
    counting += [as_walked | change for change in walked]
    found = [
        _wrong({"head_loss": loss, "head_read": read, "head_bias": bias}) | change
        for loss, read, bias in product(alternatives("head_loss"), alternatives("head_read"), biases)
        for change in counting
    ]
    return sorted(found, key=mistakes)


def _wrong(choices: dict[str, str]) -> Change:
    return {seam: choice for seam, choice in choices.items() if choice != alternatives(seam)[0]}
