"""Covering arrays: few combinations in which every t choices of different axes meet at least once.

Mistakes of implementations show where two or three options meet, rarely where five do (D. R. Kuhn, D. R. Wallace, A. M.
Gallo, "Software fault interactions and implications for software testing", IEEE TSE 30, 2004), so that these few
stand for the full product.
"""

from collections.abc import Collection, Sequence
from itertools import combinations, product

Row = tuple[int, ...]
"""For each axis the number of the alternative that is taken."""

Interaction = tuple[tuple[int, int], ...]
"""Some axes, each with one of its alternatives."""


def covering(
    sizes: Sequence[int], strength: int, *, forbidden: Collection[Interaction] = frozenset()
) -> list[Row]:
    """Return rows such that any `strength` axes show every combination of their alternatives that isn't forbidden.

    `sizes` are the numbers of alternatives by axis. The rows are found greedily, always the same ones: each starts
    from an interaction that is still missing and is filled up, axis by axis, with what meets most missing ones. No
    row holds a `forbidden` interaction; every alternative must have others with which it isn't forbidden.

    Raises
    ------
    ValueError
        If `strength` isn't between 1 and the number of axes.
    """
    if not 1 <= strength <= len(sizes):
        message = f"strength must lie between 1 and the {len(sizes)} axes; got {strength}."
        raise ValueError(message)
    missing = dict.fromkeys(
        tuple(zip(axes, choice, strict=True))
        for axes in combinations(range(len(sizes)), strength)
        for choice in product(*(range(sizes[axis]) for axis in axes))
    )
    for interaction in [i for i in missing if not _permitted(dict(i), forbidden)]:
        del missing[interaction]
    rows: list[Row] = []
    while missing:
        row = _filled(dict(next(iter(missing))), sizes, strength, missing, forbidden)
        rows.append(row)
        for axes in combinations(range(len(sizes)), strength):
            missing.pop(tuple((axis, row[axis]) for axis in axes), None)
    return rows


def _permitted(chosen: dict[int, int], forbidden: Collection[Interaction]) -> bool:
    return not any(all(chosen.get(axis) == choice for axis, choice in entry) for entry in forbidden)


def _filled(
    chosen: dict[int, int],
    sizes: Sequence[int],
    strength: int,
    missing: dict[Interaction, None],
    forbidden: Collection[Interaction],
) -> Row:
    """Complete a row axis by axis with the alternative that meets most missing interactions."""
    for axis in range(len(sizes)):
        if axis not in chosen:
            others = [*combinations(sorted(chosen), strength - 1)]
            choices = [n for n in range(sizes[axis]) if _permitted(chosen | {axis: n}, forbidden)]
            gains = {n: _gain(axis, n, chosen, others, missing) for n in choices}
            chosen[axis] = max(choices, key=lambda n: (gains[n], -n))
    return tuple(chosen[axis] for axis in range(len(sizes)))


def _gain(
    axis: int,
    choice: int,
    chosen: dict[int, int],
    others: Sequence[tuple[int, ...]],
    missing: dict[Interaction, None],
) -> int:
    found = 0
    for axes in others:
        interaction = tuple(sorted([(axis, choice), *((other, chosen[other]) for other in axes)]))
        found += interaction in missing
    return found
