"""Sets of faults that reproduce the same evidence: told apart by other cases where the network admits one that does so.

Two sets agree on one random problem because of algebra, never by chance, so that another draw of the same kind tells
nothing; another loss, h_0 that isn't 0, or another T may.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct

from conformance.cases import Case
from conformance.faults import Choices
from conformance.hand_written.diagnosis.assembly import Hypothesis
from conformance.hand_written.diagnosis.evidence import Evidence, Probe
from conformance.hand_written.diagnosis.fit import fit
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reproduction import Reproduction, reproduced, results


class Proved(Struct, frozen=True, kw_only=True):
    """A hypothesis that reproduces everything shown to rounding."""

    hypothesis: Hypothesis
    reproduction: Reproduction


def distinguished(proved: Sequence[Proved], case: Case, probe: Probe | None) -> list[Proved]:
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
    return proportional(Material.of(evidence), choices)


def proportional(material: Material, choices: Choices) -> bool:
    """Return whether what was shown is what these choices give, all gradients up to one constant."""
    return reproduced(material, choices, constant_of(material, choices)).fits


def constant_of(material: Material, choices: Choices, name: str = "") -> float:
    """Return the constant between a gradient, the largest where none is named, and the simulated one."""
    simulated = results(material, choices)
    everything = {**material.parameters, **material.inner}
    among = [name] if name else [each for each in material.parameters if each in simulated]
    sizes = {each: np.abs(everything[each]).max(initial=0.0) for each in among}
    if not sizes:
        return 1.0
    name = max(sizes, key=lambda each: sizes[each])
    shown = everything[name]
    if simulated[name].shape != shown.shape:
        return 1.0
    factor = float(fit(simulated[name][np.newaxis], shown).factor[0])
    return factor if np.isfinite(factor) else 1.0
