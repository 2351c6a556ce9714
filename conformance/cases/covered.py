"""Covering arrays over the options and sizes that meet in every call of a network."""

from collections.abc import Iterator
from itertools import product

from msgspec import Struct

from conformance.cases.case import Case
from conformance.cases.covering import Interaction, covering
from conformance.cases.crossings import DTYPES, STACKS, Changes, crossed, each, widths

LARGEST = 500 * 130
"""Most steps T·B·L·D of a case: a long, large batch comes with one layer in one direction only."""

STACK, STEPS, BATCH = 0, 1, 2
"""Where the axes lie that decide how large a case is."""


class Sizes(Struct, frozen=True, kw_only=True):
    """The T and the B that are crossed with everything else."""

    steps: tuple[int, ...]
    batches: tuple[int, ...]


def covered(strength: int, sizes: Sizes, *regimes: Changes) -> Iterator[Case]:
    """Cross the options that meet in every call, `strength` by `strength`, under each regime."""
    axes: list[list[Changes]] = [
        STACKS,
        each("steps", *sizes.steps),
        each("batch", *sizes.batches),
        each("bias", True, False),
        widths((4, 5), (6, 6)),
        each("layout", "time-first", "batch-first"),
        each("h_0", True, False),
        each("cotangents", "both", "output", "h_n", "last", "expanded", "strided"),
        DTYPES,
    ]
    rows = covering([len(axis) for axis in axes], strength, forbidden=too_large(sizes))
    for regime, row in product(regimes, rows):
        yield from crossed([regime], *([axis[n]] for axis, n in zip(axes, row, strict=True)))


def too_large(sizes: Sizes) -> set[Interaction]:
    """Return the meetings of a stack, a T and a B that would take more than `LARGEST` steps."""
    found: set[Interaction] = set()
    for (n, stack), (t, steps), (b, batch) in product(
        enumerate(STACKS), enumerate(sizes.steps), enumerate(sizes.batches)
    ):
        directions = 1 + bool(stack["bidirectional"])
        if steps * batch * int(str(stack["layers"])) * directions > LARGEST:
            found.add(((STACK, n), (STEPS, t), (BATCH, b)))
    return found
