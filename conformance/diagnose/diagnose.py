"""`diagnose`: from what a network showed to the smallest set of faults that reproduces it, or to what is known."""

from collections.abc import Sequence

from conformance.diagnose.assembly import Hypothesis
from conformance.diagnose.constants import awkwardness, named
from conformance.diagnose.cover import RANK
from conformance.diagnose.diagnosis import Diagnosis
from conformance.diagnose.equivalents import Proved, told_apart
from conformance.diagnose.evidence import Evidence, Probe
from conformance.diagnose.forwards import forwards
from conformance.diagnose.material import Material
from conformance.diagnose.reproduction import Reproduction, reproduced
from conformance.diagnose.search import Progress, search
from conformance.diagnose.setting import Setting

MOST_CONFIRMED = 40
"""The most hypotheses that are put to the proof."""


def diagnose(
    evidence: Evidence, *, probe: Probe | None = None, progress: Progress = lambda _: None
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
    """
    material = Material.of(evidence)
    searched = [search(Setting.of(material, base), progress) for base in forwards(material)]
    proved, missed = _proved(material, [h for found in searched for h in found.hypotheses])
    if proved:
        return _explained(evidence, told_apart(proved, evidence.problem.case, probe), missed)
    return Diagnosis(explained=False, nearest_miss=missed)


def _proved(material: Material, hypotheses: Sequence[Hypothesis]) -> tuple[list[Proved], float | None]:
    """Return the cheapest hypotheses that hold, and how far the nearest of the others is."""
    proved: list[Proved] = []
    missed: float | None = None
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
        made = seen[key]
        if made.fits:
            proved.append(Proved(hypothesis=hypothesis, reproduction=made))
        else:
            missed = made.residual if missed is None else min(missed, made.residual)
    return proved, missed


def _explained(evidence: Evidence, proved: Sequence[Proved], missed: float | None) -> Diagnosis:
    first = proved[0]
    sets = list(dict.fromkeys(each.hypothesis.faults for each in proved))
    return Diagnosis(
        explained=True,
        faults=sets[0],
        equivalents=tuple(sets[1:]),
        scale=first.hypothesis.scale,
        scale_name=named(first.hypothesis.scale, evidence.problem.case, single=evidence.single),
        residual=first.reproduction.residual,
        nearest_miss=missed,
        choices=first.hypothesis.choices,
    )
