"""`diagnose`: from what a network showed to the smallest set of faults that reproduces it, or to what is known."""

import math
from collections.abc import Sequence

from msgspec.structs import replace

from conformance.faults import RIGHT, Choices
from conformance.hand_written.budget import Budget
from conformance.hand_written.diagnosis.assembly import Hypothesis
from conformance.hand_written.diagnosis.constants import OWN, awkwardness, name_of
from conformance.hand_written.diagnosis.cover import RANK, covers
from conformance.hand_written.diagnosis.diagnosis import Diagnosis
from conformance.hand_written.diagnosis.equivalents import Proved, distinguished
from conformance.hand_written.diagnosis.evidence import Evidence, Probe
from conformance.hand_written.diagnosis.explanations import explanations
from conformance.hand_written.diagnosis.facts import NAMES, facts, forward_facts
from conformance.hand_written.diagnosis.forwards import forwards
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reproduction import Reproduction, reproduced
from conformance.hand_written.diagnosis.search import DEEPEST, Progress, Searched, search
from conformance.hand_written.diagnosis.setting import Setting
from conformance.judge import THRESHOLD

MOST = 26_000_000
"""Numbers dL/dh_t that backward loops may compute in search of sets of mistakes; what is known by then is told.

These are 200,000 loops over 7 steps of 3 samples and 6 units: all sets of four mistakes that are usually possible.
"""

MOST_CONFIRMED = 40
"""The most hypotheses that are put to the proof."""


def diagnose(
    evidence: Evidence,
    *,
    probe: Probe | None = None,
    progress: Progress = lambda _: None,
    budget: Budget | None = None,
    deepest: int = DEEPEST,
) -> Diagnosis:
    """Search for the smallest set of faults that reproduces what a network of one layer and direction showed.

    Parameters
    ----------
    evidence
        What was asked, and what came out.
    probe
        Runs the network in other cases, to tell sets apart that reproduce the evidence equally well.
    progress
        Is told how far the search has come.
    budget
        How many numbers backward loops may compute; `MOST` if None.
    deepest
        The most mistakes in the backward loop alone that are tried at once.
    """
    budget = Budget(most=MOST) if budget is None else budget
    material = Material.of(evidence)
    bases = forwards(material)
    searched = [search(Setting.of(material, base), progress, deepest, budget) for base in bases]
    proved = _proved(material, [h for found in searched for h in found.hypotheses])
    if proved:
        apart = distinguished(proved, evidence.problem.case, probe)
        return _explained(evidence, apart, _nearest_miss(searched, apart[0].reproduction))
    return _unexplained(material, bases, searched, probe)


def _proved(material: Material, hypotheses: Sequence[Hypothesis]) -> list[Proved]:
    """Return the cheapest hypotheses that hold."""
    proved: list[Proved] = []
    seen: dict[tuple[object, float], Reproduction] = {}
    case, single = material.problem.case, material.single

    def order(hypothesis: Hypothesis) -> tuple[int, int, list[int]]:
        awkward = awkwardness(hypothesis.scale, case, single=single)
        return hypothesis.cost, awkward, [RANK[fault] for fault in hypothesis.faults]

    for hypothesis in sorted(hypotheses, key=order)[:MOST_CONFIRMED]:
        if proved and hypothesis.cost > proved[0].hypothesis.cost:
            break
        key = (hypothesis.choices, hypothesis.scale)
        if key not in seen:
            seen[key] = reproduced(material, hypothesis.choices, hypothesis.scale)
        if seen[key].fits:
            proved.append(Proved(hypothesis=hypothesis, reproduction=seen[key]))
    return proved


def _nearest_miss(searched: Sequence[Searched], reproduction: Reproduction) -> float | None:
    """Return how far the nearest loop that doesn't fit is, in units of noise, on the gradient that decided."""
    missed = [
        error / reproduction.noise[name]
        for found in searched
        for name, error in found.nearest.items()
        if reproduction.noise.get(name, 0) > 0
    ]
    return min((each for each in missed if math.isfinite(each)), default=None)


def _explained(evidence: Evidence, proved: Sequence[Proved], missed: float | None) -> Diagnosis:
    first = proved[0]
    sets = list(dict.fromkeys(each.hypothesis.faults for each in proved))
    return Diagnosis(
        explained=True,
        faults=sets[0],
        equivalents=tuple(sets[1:]),
        scale=first.hypothesis.scale,
        scale_name=name_of(first.hypothesis.scale, evidence.problem.case, single=evidence.single),
        residual=first.reproduction.residual,
        nearest_miss=missed,
        known=(*_reach(first.hypothesis), *_constants(first.hypothesis, evidence)),
        choices=first.hypothesis.choices,
    )


def _reach(hypothesis: Hypothesis) -> list[str]:
    """Return how far back gradients go where that is limited: it is no part of a fault's name."""
    choices = hypothesis.choices
    if choices.truncation == "none":
        return []
    return [f"Gradients are cut off after {choices.reach} steps."]


def _constants(hypothesis: Hypothesis, evidence: Evidence) -> list[str]:
    """Return the constants that single gradients carry beside the others: they are no part of a fault's name."""
    choices, case = hypothesis.choices, evidence.problem.case
    apart = [
        (name, name_of(getattr(choices, kept), case, single=evidence.single))
        for name, (seam, kept) in OWN.items()
        if getattr(choices, seam) == "own" and name in evidence.observation.parameters
    ]
    return [
        f"{NAMES[name]} carries a factor {times} that the other gradients don't." for name, times in apart
    ]


def _unexplained(
    material: Material, bases: Sequence[Choices], searched: Sequence[Searched], probe: Probe | None
) -> Diagnosis:
    """Return what is known where no set of faults fits."""
    if not bases:
        return Diagnosis(explained=False, known=tuple(forward_facts(material)))
    forward = next((base for base in bases if base != RIGHT and _gives_what_was_shown(material, base)), None)
    if forward is not None:
        known = f"Its forward pass alone is reproduced by {' + '.join(covers(forward)[0])}."
        return Diagnosis(explained=False, known=(known,), forward=forward)
    return Diagnosis(
        explained=False,
        by_parameter=explanations(material, [each for found in searched for each in found.partial]),
        nearest_miss=_nearest_miss(searched, reproduced(material, bases[0], 1.0)),
        known=(*facts(material, probe), *_cut_short(searched)),
    )


def _cut_short(searched: Sequence[Searched]) -> list[str]:
    """Return how far a search came whose budget was spent."""
    counts = [found.stopped for found in searched if found.stopped is not None]
    if not counts:
        return []
    tried = sum(found.tried for found in searched)
    return [
        f"The search was stopped after {tried:,} backward loops: sets of {min(counts)} mistakes weren't all tried."
    ]


def _gives_what_was_shown(material: Material, base: Choices) -> bool:
    """Return whether a forward pass reproduces all that was shown of one to rounding, and something was."""
    distances = reproduced(replace(material, parameters={}, inner={}), base, 1.0).distances
    return bool(distances) and max(distances.values()) <= THRESHOLD
