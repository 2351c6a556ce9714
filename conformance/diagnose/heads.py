"""The head by itself: which of its seams give the gradients of its parameters, up to a constant."""

from dataclasses import dataclass, replace

import numpy as np

from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.diagnose.axes import Change
from conformance.diagnose.fit import fit, screened
from conformance.diagnose.material import Material
from conformance.faults import Choices
from conformance.faults.forward import Scan
from conformance.faults.head import through
from conformance.faults.seams import alternatives


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadReading:
    """One way in which the head's gradients may have come about, with the factor of each parameter."""

    change: Change
    factors: dict[str, float]


def head_readings(material: Material, scan: Scan, base: Choices) -> list[HeadReading] | None:
    """Return the ways in which the head's gradients may have come about, the fewest mistakes alone.

    None where nothing of them was shown, an empty list where nothing fits.
    """
    head = material.problem.head
    shown = {
        name: material.parameters[name] for name in (HEAD_WEIGHT, HEAD_BIAS) if name in material.parameters
    }
    if head is None or not shown:
        return None
    found: list[HeadReading] = []
    for loss in alternatives("head_loss"):
        for read in alternatives("head_read"):
            for step in ("sum", "first step", "last step"):
                change = _wrong({"head_loss": loss, "head_read": read, "reduce_head": step})
                made = through(replace(base, **change), head, scan.states, material.seen, scan.h_0).gradients
                factors: dict[str, float] = {}
                for name, target in shown.items():
                    if name == HEAD_BIAS and not target.any():
                        factors[name] = 0.0
                        continue
                    if name not in made:
                        continue
                    fitted = fit(made[name][np.newaxis], target, material.limit)
                    if not len(screened(fitted, single=material.single)):
                        break
                    factors[name] = float(fitted.factor[0])
                else:
                    found.append(HeadReading(change=change, factors=factors))
    least = min((len(reading.change) for reading in found), default=0)
    return [reading for reading in found if len(reading.change) == least]


def _wrong(choices: dict[str, str]) -> Change:
    return {seam: choice for seam, choice in choices.items() if choice != alternatives(seam)[0]}
