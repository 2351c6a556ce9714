"""From choices at seams to faults of the catalogue: the fewest entries that together make these choices."""

from collections.abc import Iterator, Mapping
from functools import cache

from conformance.faults import CATALOGUE, Choices

FaultSet = tuple[str, ...]
Pairs = frozenset[tuple[str, str]]
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
def at_least(pairs: Pairs) -> int:
    """Return a lower bound on the number of entries that make these choices, whatever others they make as well."""
    made = {pairs & {*fault.choices.items(), *fault.perhaps}: fault.id for fault in CATALOGUE.values()}
    parts = {fault: part for part, fault in made.items() if part}
    sizes = (size for size in range(len(pairs)) if any(True for _ in _covering(pairs, parts, size)))
    return next(sizes, len(pairs))


@cache
def _smallest(pairs: Pairs, blind: frozenset[str]) -> list[FaultSet]:
    parts = {
        fault: made | (pairs & {*perhaps}) for fault, made, perhaps in _parts(blind) if made and made <= pairs
    }
    for size in range(len(pairs) + 1):
        found = {tuple(sorted(chosen, key=RANK.__getitem__)) for chosen in _covering(pairs, parts, size)}
        if found:
            return sorted(found, key=lambda faults: [RANK[fault] for fault in faults])
    return []


def _covering(left: Pairs, parts: Mapping[str, Pairs], most: int) -> Iterator[FaultSet]:
    """Yield sets of at most so many entries that make all that is `left`, each by one that makes its first pair."""
    if not left:
        yield ()
        return
    if not most:
        return
    first = min(left)
    for fault, made in parts.items():
        if first in made:
            for rest in _covering(left - made, parts, most - 1):
                yield (fault, *rest)


@cache
def _parts(blind: frozenset[str]) -> list[tuple[str, Pairs, tuple[tuple[str, str], ...]]]:
    """Return every entry with what it chooses where something is seen of it, and what it may choose besides."""
    return [
        (fault.id, frozenset(pair for pair in fault.choices.items() if pair[0] not in blind), fault.perhaps)
        for fault in CATALOGUE.values()
    ]
