"""Stacks of layers and directions: mistakes that all layers make alike, and those of how their scans are joined.

The whole network is simulated with entries of the catalogue, and everything that was shown of it is compared. The
forward pass comes first: the fewest entries that give the states and outputs; on top of it, the fewest that give the
gradients.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from msgspec import Struct

from conformance.cases import Problem
from conformance.errors import Unsupported, UsageError
from conformance.faults import CATALOGUE, Choices, Fault, choices_of, simulate
from conformance.hand_written.budget import Budget
from conformance.hand_written.diagnosis.constants import name_of
from conformance.hand_written.diagnosis.diagnosis import Diagnosis
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.fit import SCREEN, fit
from conformance.hand_written.diagnosis.forwards import ALL_SEAMS
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reproduction import Reproduction, asked_of, compared
from conformance.subjects.observation import Observation
from refrnn import Array

ELSEWHERE = {"calls", "scale", "update"}
"""Seams that one call doesn't tell, or that are no mistake: one constant is a matter of the loss."""

FORWARD = ("output", "y", "h_n", "hidden")
"""What belongs to the forward pass, by the beginnings of its names."""

MOST = 2
"""The most mistakes of a forward pass, and of a backward pass, that are tried at once."""

MOST_STEPS = 30_000
"""Steps of layers that are simulated with pairs of mistakes in the backward pass."""

Entries = tuple[Fault, ...]
Progress = Callable[[str], None]


def everything(problem: Problem, shown: Observation) -> dict[str, Array]:
    """Return all that was shown of all layers and directions, batched and time-major, 0 in the padding."""
    major, state = problem.layout.time_major, problem.layout.batched_state
    active = problem.active[:, :, np.newaxis]
    sequences = {"output": shown.output, "y": shown.y, "d_x": shown.d_x}
    found = {name: major(array) for name, array in sequences.items() if array is not None}
    if "y" in found and problem.case.cotangents == "last":
        found["y"] = found["y"][-1:]
    for name, steps in (("hidden", shown.hidden), ("d_hidden", shown.d_hidden), ("d_pre", shown.d_pre)):
        found |= {f"{name} {place}": array for place, array in steps.items()}
    if problem.case.lengths:
        found = {name: np.where(active, array, 0.0) for name, array in found.items()}
    states = {"h_n": shown.h_n, "d_h_0": shown.d_h_0}
    found |= {name: state(array) for name, array in states.items() if array is not None}
    return found | {name: np.asarray(gradient, np.float64) for name, gradient in shown.parameters.items()}


class Stack(Struct, frozen=True, kw_only=True):
    """What a stack showed, pass by pass, and the networks that are held against it."""

    material: Material
    forward: Mapping[str, Array]
    backward: Mapping[str, Array]

    @classmethod
    def of(cls, evidence: Evidence) -> "Stack":
        """Lay out `evidence`."""
        shown = everything(evidence.problem, evidence.observation)
        forward = {name: array for name, array in shown.items() if name.partition(" ")[0] in FORWARD}
        backward = {name: array for name, array in shown.items() if name not in forward}
        return cls(material=Material.of(evidence), forward=forward, backward=backward)

    def made(self, choices: Choices, factor: float = 1.0) -> dict[str, Array]:
        """Return everything that the network of `choices` shows."""
        problem = asked_of(self.material, choices)
        return everything(problem, simulate(problem, choices, factor=factor))

    def gives_the_forward_pass(self, entries: Entries) -> bool:
        """Return whether a network with these mistakes comes near all states and outputs that were shown."""
        try:
            return self._near(self.forward, self.made(choices_of(entries)))
        except (UsageError, Unsupported):  # two choices at one seam, or one that has no meaning here
            return False

    def constant_on_gradients(self, entries: Entries) -> float | None:
        """Return the constant with which a network with these mistakes comes near all gradients, None without one."""
        try:
            choices = choices_of(entries)
            made = self.made(choices)
        except (UsageError, Unsupported):
            return None
        factor = self._factor(made)
        if choices.clip == "none":  # then all gradients carry what the cotangents carry
            made = {name: factor * array for name, array in made.items()}
        else:
            made = self.made(choices, factor)
        return factor if self._near(self.backward, made) else None

    def reproduction(
        self, choices: Choices, factor: float = 1.0, *, forward_alone: bool = False
    ) -> Reproduction:
        """Compare what was shown, or the forward pass alone, in units of the simulation's own noise."""
        shown = self.forward if forward_alone else {**self.forward, **self.backward}
        return compared(self.material, shown, choices, factor, everything)

    def _factor(self, made: Mapping[str, Array]) -> float:
        """Return the constant between the largest gradient shown and the one that was made."""
        sizes = {name: float(np.abs(g).max(initial=0.0)) for name, g in self.backward.items() if name in made}
        name = max(sizes, key=lambda each: sizes[each], default="")
        if not name or made[name].shape != self.backward[name].shape:
            return 1.0
        factor = float(fit(made[name][np.newaxis], self.backward[name]).factor[0])
        return factor if np.isfinite(factor) else 1.0

    def _near(self, shown: Mapping[str, Array], made: Mapping[str, Array]) -> bool:
        """Return whether all that was shown agrees in half of its digits."""
        limit = SCREEN[self.material.single]
        return all(
            name in made
            and made[name].shape == array.shape
            and float(np.abs(made[name] - array).max()) <= limit * float(np.abs(array).max())
            for name, array in shown.items()
        )


def diagnose_stack(evidence: Evidence, progress: Progress = lambda _: None) -> Diagnosis:
    """Search for the mistakes that reproduce all that a stack showed, those within a layer in all layers alike.

    Parameters
    ----------
    evidence
        What was asked, and what came out.
    progress
        Is told how far the search has come.
    """
    stack = Stack.of(evidence)
    bases = _forward_passes(stack, progress)
    if not bases:
        return Diagnosis(explained=False)
    for size in range(MOST + 1):
        progress(f"trying sets of {size} in every layer's backward pass")
        found = list(_fitting(stack, bases, size))
        if found:
            return _explained(evidence, found)
    base = bases[0]
    choices = choices_of(base)
    if not base or not stack.reproduction(choices, forward_alone=True).fits:
        return Diagnosis(explained=False)
    known = f"Its forward pass alone is reproduced by {' + '.join(_ids(base))}."
    return Diagnosis(explained=False, known=(known,), forward=choices)


def _forward_passes(stack: Stack, progress: Progress) -> list[Entries]:
    """Return the smallest sets of entries that give the forward pass: none at all where it is right."""
    entries = [fault for fault in CATALOGUE.values() if fault.seam in ALL_SEAMS]
    for size in range(MOST + 1):
        progress(f"trying sets of {size} in the forward pass")
        found = [chosen for chosen in combinations(entries, size) if stack.gives_the_forward_pass(chosen)]
        if found:
            return found
    return []


def _fitting(
    stack: Stack, bases: Sequence[Entries], size: int
) -> Iterator[tuple[Entries, float, Reproduction]]:
    """Yield every set, one of `bases` and so many entries of the backward pass, that reproduces all that was shown."""
    entries = [f for f in CATALOGUE.values() if f.seam not in ALL_SEAMS and f.seam not in ELSEWHERE]
    case, budget = stack.material.problem.case, Budget(most=MOST_STEPS)
    for base in bases:
        for chosen in combinations(entries, size):
            if size > 1:
                if budget.over:
                    return
                budget.spend(case.steps * case.layers * case.directions)
            constant = stack.constant_on_gradients((*base, *chosen))
            if constant is None:
                continue
            proof = stack.reproduction(choices_of((*base, *chosen)), constant)
            if proof.fits:
                yield (*base, *chosen), constant, proof


def _explained(evidence: Evidence, found: Sequence[tuple[Entries, float, Reproduction]]) -> Diagnosis:
    entries, scale, proof = found[0]
    name = name_of(scale, evidence.problem.case, single=evidence.single)
    return Diagnosis(
        explained=True,
        faults=_ids(entries),
        equivalents=tuple(_ids(others) for others, *_ in found[1:]),
        scale=1.0 if name == "1" else scale,
        scale_name=name,
        residual=proof.residual,
        choices=choices_of(entries),
    )


def _ids(entries: Entries) -> tuple[str, ...]:
    return tuple(fault.id for fault in entries)
