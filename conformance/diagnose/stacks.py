"""Stacks of layers and directions: one mistake, or two, that all layers make alike, as one function run for each does.

The whole network is simulated with each entry of the catalogue, and with pairs of them up to so many steps.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from conformance.budget import Budget
from conformance.diagnose.constants import name_of
from conformance.diagnose.diagnosis import Diagnosis
from conformance.diagnose.equivalents import constant_of
from conformance.diagnose.evidence import Evidence
from conformance.diagnose.fit import SCREEN
from conformance.diagnose.forwards import SEAMS
from conformance.diagnose.material import Material
from conformance.diagnose.reproduction import reproduced, results
from conformance.errors import Unsupported, UsageError
from conformance.faults import CATALOGUE, Choices, choices_of

ELSEWHERE = {"calls", "scale", "lengths", "update", *SEAMS}
"""Seams that are no matter of a stack's backward pass: its forward pass is right, and one constant is no mistake."""

MOST_STEPS = 60_000
"""Steps of layers that are simulated with pairs of mistakes."""

MOST = 2


def diagnose_stack(evidence: Evidence, progress: Callable[[str], None] = lambda _: None) -> Diagnosis:
    """Search for the mistakes that reproduce what a stack with a right forward pass showed, all layers alike.

    Parameters
    ----------
    evidence
        What was asked, and what came out.
    progress
        Is told how far the search has come.
    """
    shown = Material.of(evidence)
    material = replace(shown, states=None, y=None, h_n=None, inner={})  # those are of one layer, and right
    budget = Budget(most=MOST_STEPS)
    for size in range(1, MOST + 1):
        progress(f"trying sets of {size} in every layer")
        found = list(_fitting(material, size, budget))
        if found:
            choices, scale, residual = found[0][1:]
            name = name_of(scale, evidence.problem.case, single=evidence.single)
            return Diagnosis(
                explained=True,
                faults=found[0][0],
                equivalents=tuple(faults for faults, *_ in found[1:]),
                scale=1.0 if name == "1" else scale,
                scale_name=name,
                residual=residual,
                choices=choices,
            )
    return Diagnosis(explained=False)


def _fitting(
    material: Material, size: int, budget: Budget
) -> Iterator[tuple[tuple[str, ...], Choices, float, float]]:
    """Yield every set of so many faults that reproduces all that was shown, with its choices, constant and residual."""
    case = material.problem.case
    entries = [fault for fault in CATALOGUE.values() if ELSEWHERE.isdisjoint(fault.choices)]
    for faults in combinations(entries, size):
        if size > 1:
            if budget.over:
                return
            budget.spend(case.steps * case.layers * case.directions)
        try:
            choices = choices_of(faults)
            scale = constant_of(material, choices)
            near = _near(material, choices, scale)
        except (UsageError, Unsupported):
            continue
        if near and (proof := reproduced(material, choices, scale)).fits:
            yield tuple(fault.id for fault in faults), choices, scale, proof.residual


def _near(material: Material, choices: Choices, scale: float) -> bool:
    """Return whether every gradient of a parameter comes near, all with one constant."""
    made = results(material, choices, scale)
    return all(
        made[name].shape == shown.shape
        and float(np.abs(made[name] - shown).max()) <= SCREEN[material.single] * float(np.abs(shown).max())
        for name, shown in material.parameters.items()
    )
