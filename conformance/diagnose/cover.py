"""From choices at seams to faults of the catalogue: the fewest entries that together make these choices."""

from functools import cache
from itertools import combinations

from conformance.faults import CATALOGUE, Choices
from conformance.faults.fault import Fault

FaultSet = tuple[str, ...]
RANK = {name: n for n, name in enumerate(CATALOGUE)}


def covers(choices: Choices) -> list[FaultSet]:
    """Return every smallest set of entries that makes exactly these choices, in the catalogue's order.

    Scale is left out: one constant on everything is no fault.
    """
    departures = {seam: choice for seam, choice in choices.departures().items() if seam != "scale"}
    return _smallest(frozenset(departures.items()))


@cache
def _smallest(pairs: frozenset[tuple[str, str]]) -> list[FaultSet]:
    usable = [fault for fault in CATALOGUE.values() if set(fault.choices.items()) <= pairs]
    for size in range(len(pairs) + 1):
        found = [
            tuple(fault.id for fault in chosen)
            for chosen in combinations(usable, size)
            if _made(chosen) == pairs
        ]
        if found:
            return found
    return []


def _made(faults: tuple[Fault, ...]) -> set[tuple[str, str]]:
    return {pair for fault in faults for pair in fault.choices.items()}
