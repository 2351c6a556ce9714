"""From choices at seams to faults of the catalogue: the fewest entries that together make these choices."""

from functools import cache
from itertools import combinations

from conformance.faults import CATALOGUE, Choices
from conformance.faults.fault import Fault

FaultSet = tuple[str, ...]
RANK = {name: n for n, name in enumerate(CATALOGUE)}


def covers(choices: Choices, blind: frozenset[str] = frozenset()) -> list[FaultSet]:
    """Return every smallest set of entries that makes these choices, in the catalogue's order.

    What an entry chooses at a `blind` seam, of which nothing is seen, doesn't matter. Scale is left out: one constant
    on everything is no fault.
    """
    hidden = blind | {"scale"}
    return _smallest(
        frozenset(pair for pair in choices.departures().items() if pair[0] not in hidden), hidden
    )


@cache
def at_least(pairs: frozenset[tuple[str, str]]) -> int:
    """Return a lower bound on the number of entries that make these choices, whatever others they make as well."""
    parts = {pairs & {*fault.choices.items(), *fault.perhaps} for fault in CATALOGUE.values()}
    parts = [part for part in parts if part and not any(part < other for other in parts)]
    return next(
        (
            size
            for size in range(len(pairs))
            if any(frozenset().union(*chosen) == pairs for chosen in combinations(parts, size))
        ),
        len(pairs),
    )


@cache
def _smallest(pairs: frozenset[tuple[str, str]], blind: frozenset[str]) -> list[FaultSet]:
    made = {fault.id: _seen(fault, blind) for fault in CATALOGUE.values()}
    usable = [fault for fault in CATALOGUE.values() if made[fault.id] and made[fault.id] <= pairs]
    for size in range(len(pairs) + 1):
        found = [
            tuple(fault.id for fault in chosen)
            for chosen in combinations(usable, size)
            if set().union(*(made[fault.id] | (pairs & {*fault.perhaps}) for fault in chosen)) == pairs
        ]
        if found:
            return found
    return []


def _seen(fault: Fault, blind: frozenset[str]) -> set[tuple[str, str]]:
    """Return what a fault chooses where something is seen of it."""
    return {pair for pair in fault.choices.items() if pair[0] not in blind}
