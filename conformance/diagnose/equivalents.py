"""Sets of faults that reproduce the same evidence: told apart by other cases where the network admits one that does so.

Two sets agree on one random problem because of algebra, never by chance, so that another draw of the same kind tells
nothing; another loss, h_0 that isn't 0, or another T may.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from conformance.cases import Case
from conformance.diagnose.assembly import Hypothesis
from conformance.diagnose.evidence import Evidence, Probe
from conformance.diagnose.fit import fit
from conformance.diagnose.material import Material
from conformance.diagnose.reproduction import Reproduction, reproduced
from conformance.faults import Choices, simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A hypothesis that reproduces everything shown to rounding."""

    hypothesis: Hypothesis
    reproduction: Reproduction


def told_apart(proved: Sequence[Proved], case: Case, probe: Probe | None) -> list[Proved]:
    """Return those of `proved` that hold in other cases too, as far as `probe` admits any."""
    left = list(proved)
    if probe is None:
        return left
    for other in _others(case):
        if len({each.hypothesis.choices for each in left}) == 1:
            break
        evidence = probe(other)
        if evidence is None:
            continue
        holding = [each for each in left if _holds(each.hypothesis.choices, evidence)]
        left = holding or left
    return left


def _others(case: Case) -> Iterator[Case]:
    """Yield cases that differ from `case` in what hides faults."""
    if not case.h_0:
        yield replace(case, h_0=True)
    seen = {"last": "output", "output": "last", "both": "output", "h_n": "output"}
    if case.cotangents in seen:
        yield replace(case, cotangents=seen[case.cotangents])
    yield replace(case, steps=case.steps + 3)
    if case.cotangents in seen and not case.h_0:
        yield replace(case, cotangents=seen[case.cotangents], h_0=True)


def _holds(choices: Choices, evidence: Evidence) -> bool:
    """Return whether these choices reproduce other evidence, up to a constant (which may depend on T)."""
    material = Material.of(evidence)
    simulated = simulate(material.problem, choices).parameters
    for name, shown in sorted(
        material.parameters.items(), key=lambda item: -np.abs(item[1]).max(initial=0.0)
    ):
        if name in simulated and simulated[name].shape == shown.shape and shown.any():
            factor = float(fit(simulated[name][np.newaxis], shown).factor[0])
            return bool(np.isfinite(factor)) and reproduced(material, choices, factor).fits
    return reproduced(material, choices, 1.0).fits
