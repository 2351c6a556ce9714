"""The forward pass first: which wrong choices, if any, give the states and outputs that a network showed."""

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
from msgspec.structs import replace

from conformance.faults import RIGHT, Choices
from conformance.faults.call import first_call
from conformance.faults.forward import Scan, scan_forward
from conformance.faults.head import outputs
from conformance.faults.seams import alternatives
from conformance.hand_written.diagnosis.fit import SCREEN
from conformance.hand_written.diagnosis.material import Material
from refrnn import Array

SEAMS = ("activation", "recurrence", "start", "biases", "inputs", "kept", "head_input")
"""The seams of the forward pass of one layer."""

ALL_SEAMS = (*SEAMS, "lengths", "below", "layer_weights", "reverse", "sides", "h_n")
"""Those, and the seams at which layers, directions and samples of different lengths are joined."""

MOST = 3
"""The most simultaneous mistakes of a forward pass that are tried."""


def forwards(material: Material) -> list[Choices]:
    """Return the forward passes that fit what was shown, those with the fewest faults alone.

    Where nothing of the forward pass was shown that is the right one, and where no outputs were that by which
    they were recognised.
    """
    if material.y is None and material.assumed.head_input != "own" and fits(material, material.assumed):
        return [material.assumed]
    for count in range(MOST + 1):
        fitting = [choices for choices in _candidates(material, count) if fits(material, choices)]
        if fitting:
            return fitting
    return []


def fits(material: Material, choices: Choices) -> bool:
    """Return whether the forward pass of `choices` gives what was shown, as far as the screen tells."""
    scan = scanned(material, choices)
    made = [(material.states, scan.states), (material.h_n, scan.final)]
    head = material.problem.head
    if head is not None and material.y is not None:
        y = outputs(choices, head, scan.states, scan.h_0)
        last = material.problem.case.cotangents == "last"
        made.append((material.y[-1:], y[-1:]) if last else (material.y, y))
    return all(
        _near(shown, simulated, single=material.single) for shown, simulated in made if shown is not None
    )


def scanned(material: Material, choices: Choices) -> Scan:
    """Return the scan of the one layer under these choices."""
    call = first_call(material.problem, choices)
    with np.errstate(all="ignore"):
        return scan_forward(
            choices,
            material.problem.case.nonlinearity,
            (0, 0),
            material.weights,
            x=call.x,
            h_0=call.h_0[0],
            active=call.active,
        )


def _near(shown: Array, simulated: Array, *, single: bool) -> bool:
    if shown.shape != simulated.shape:
        return False
    return bool(np.abs(shown - simulated).max() <= SCREEN[single] * np.abs(simulated).max())


def _candidates(material: Material, count: int) -> Iterator[Choices]:
    """Yield the forward passes with so many wrong choices."""
    wrong = {seam: list(alternatives(seam)[1:]) for seam in SEAMS}
    if 1 in (material.problem.case.steps, material.problem.case.batch):
        wrong["inputs"] = [choice for choice in wrong["inputs"] if not choice.startswith("reshaped")]
    wrong["start"] = [] if material.problem.h_0 is None else ["zeros"]
    if material.weights.b_ih is None:
        wrong["biases"] = []
    if material.problem.head is None or material.y is None:
        wrong["head_input"] = []
    for seams in combinations(SEAMS, count):
        for chosen in product(*(wrong[seam] for seam in seams)):
            yield replace(RIGHT, **dict(zip(seams, chosen, strict=True)))
