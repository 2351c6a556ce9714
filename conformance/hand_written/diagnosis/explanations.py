"""Where no one set of faults explains all gradients: the set that reproduces each of them by itself."""

from collections.abc import Iterable

from conformance.faults import Choices
from conformance.hand_written.diagnosis.assembly import Partial
from conformance.hand_written.diagnosis.cover import FaultSet, covers
from conformance.hand_written.diagnosis.equivalents import constant_of
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reproduction import reproduced
from conformance.judge import THRESHOLD

TRIED = 4
"""How many loops are put to the proof for each gradient."""


def explanations(material: Material, partial: Iterable[Partial]) -> dict[str, FaultSet]:
    """Return the smallest set of faults that reproduces each gradient, where one was found; () where it is right."""
    found: dict[str, FaultSet] = {}
    kept = list(partial)
    for name in (*material.parameters, *material.inner):
        ranked = [(each.with_reading(name), len(each.readings)) for each in kept if name in each.readings]
        ranked.sort(key=lambda pair: (len(covers(pair[0])[0]), -pair[1]))
        for choices, _ in ranked[:TRIED]:
            if _reproduces(material, choices, name):
                found[name] = covers(choices)[0]
                break
    return found


def _reproduces(material: Material, choices: Choices, name: str) -> bool:
    factor = constant_of(material, choices, name)
    return reproduced(material, choices, factor).distances[name] <= THRESHOLD
