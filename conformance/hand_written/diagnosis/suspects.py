"""The lines of a forward pass in which faults hide: an edit is tried in memory, and the network run again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.cases import Problem
from conformance.faults import CATALOGUE, Choices
from conformance.faults.seams import alternatives
from conformance.hand_written.budget import Budget
from conformance.hand_written.diagnosis.diagnosis import Diagnosis, FaultId, Suspect
from conformance.hand_written.diagnosis.edits import Edit
from conformance.hand_written.diagnosis.equivalents import proportional
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.fit import SCREEN, fit
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.mends import edits
from conformance.hand_written.diagnosis.patching import patched
from conformance.hand_written.diagnosis.reproduction import results

MOST_EDITS = 700
"""Edits after which the network is run again, all faults together."""


class Trial(Struct, frozen=True, kw_only=True):
    """How a mend is tried.

    Attributes
    ----------
    rerun
        Runs the network on a problem, its functions having been given other code; None where it comes to no end.
    problem
        The problem that the diagnosis is about.
    others
        Further problems on which the mend must hold too.
    """

    rerun: Callable[[Problem], Evidence | None]
    problem: Problem
    others: Sequence[Problem]

    def is_undone(self, choices: Choices, without: Choices) -> bool:
        """Tell whether a network shows what it does `without` a fault, on this problem and on all others."""
        evidence = self.rerun(self.problem)
        if evidence is None or not _mended(Material.of(evidence), choices, without):
            return False
        further = map(self.rerun, self.others)
        return all(other is not None and _near(Material.of(other), without) for other in further)


def suspects(
    found: Diagnosis,
    *,
    files: Mapping[str, str],
    namespace: Mapping[str, Any],
    trial: Trial,
    besides: Sequence[FaultId] = (),
) -> list[Suspect]:
    """Return the lines of `files` in which the faults of a diagnosis lie.

    Parameters
    ----------
    found
        A diagnosis that explains the evidence.
    files
        The sources, by the names under which they were compiled.
    namespace
        Where their functions and classes are.
    trial
        How the network is run again.
    besides
        Faults whose lines are known.
    """
    if not found.explained or found.choices is None:
        return []
    budget = Budget(most=MOST_EDITS)
    found_lines: list[Suspect] = []
    for fault in (each for each in found.faults if each not in besides):
        for seam, choice in CATALOGUE[fault].choices.items():
            if getattr(found.choices, seam) != choice:
                continue
            without = replace(found.choices, **{seam: alternatives(seam)[0]})
            mend = _mend(seam, found.choices, without, files, namespace, trial, budget)
            if mend is not None:
                text, mended = mend.shown(files[mend.file])
                found_lines.append(
                    Suspect(
                        fault=fault, file=mend.file, line=mend.line, text=text, mended=mended, verified=True
                    )
                )
    return found_lines


def _mend(
    seam: str,
    choices: Choices,
    without: Choices,
    files: Mapping[str, str],
    namespace: Mapping[str, Any],
    trial: Trial,
    budget: Budget,
) -> Edit | None:
    """Return the first edit after which the network shows what it does `without` the fault."""
    for edit in edits(seam, files):
        if budget.over:
            return None
        with patched(edit, files[edit.file], namespace) as changed:
            holds = changed and trial.is_undone(choices, without)
            budget.spend(bool(changed))
        if holds:
            return edit
    return None


def _mended(material: Material, choices: Choices, without: Choices) -> bool:
    """Return whether a network shows what it does without a fault, and no longer what it did with it."""
    return _shows(material, without) and not _shows(material, choices)


def _shows(material: Material, choices: Choices) -> bool:
    """Return whether a network shows what some choices make, all gradients up to the same constant."""
    return _near(material, choices) and proportional(material, choices)


def _near(material: Material, choices: Choices) -> bool:
    """Return whether every gradient of a parameter comes near, each up to a constant: a quick look."""
    made = results(material, choices)
    return all(
        made[name].shape == shown.shape
        and float(fit(made[name][np.newaxis], shown).residual[0]) <= SCREEN[material.single]
        for name, shown in material.parameters.items()
        if name in made
    )
