"""Crossings of what kernels get wrong: sizes at which they change path, values with rules of their own, heads.

Libraries take another path where a size passes a power of two (blocks of products, widths of vectors, caches), where a
stack gets deep, where a batch is shared among threads, and where an index no longer fits its type. Faults there show at
any length, so that large sizes come with few steps.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from conformance.cases.case import POISONED, Case
from conformance.cases.crossings import (
    DEEP,
    DEEP_BOTH,
    DTYPES,
    NONLINEARITIES,
    SHALLOW,
    STACKS,
    Changes,
    crossed,
    each,
    shapes,
)

WIDTHS = (63, 64, 65, 127, 128, 129, 255, 256, 257, 512)
"""Widths on both sides of every power of two at which products are cut into other blocks."""

BATCHES = (7, 8, 9, 63, 64, 65, 128, 129, 130, 256)
"""Samples on both sides of those from which products are blocked, and shared among threads."""

LENGTHS = (15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 129)
"""Steps on both sides of the chunks in which sums over time are taken."""

MANY: Changes = {"steps": 2, "batch": 33_000, "input_size": 2, "hidden_size": 1}
"""More samples than 16 bits count with a sign, more steps of samples and more values than they count without one."""

GATED: list[Changes] = [{"cell": "lstm"}, {"cell": "gru"}]

KINDS: list[Changes] = [{**nonlinearity, **dtype} for nonlinearity, dtype in product(NONLINEARITIES, DTYPES)]
"""What every size, value and option meets in turn."""

DEEPEST: list[Changes] = [{"layers": 4}, {"layers": 4, "bidirectional": True}, {"layers": 5}]


def thresholds() -> Iterator[Case]:
    """Reach sizes on both sides of every place where kernels change path, each with all others small."""
    hidden = shapes(*((2, 3, 4, width) for width in WIDTHS))
    inputs = shapes(*((2, 3, width, 5) for width in WIDTHS))
    batches = shapes(*((2, batch, 4, 5) for batch in BATCHES))
    steps = shapes(*((length, 3, 4, 5) for length in LENGTHS))
    for n, size in enumerate([*hidden, *inputs, *batches, *steps]):
        for m, dtype in enumerate(DTYPES):
            yield from crossed([size], [dtype], [NONLINEARITIES[(n + m) % 2]])
    yield from crossed(DEEPEST, shapes((3, 2, 4, 6)), KINDS)
    yield from crossed(shapes((2, 130, 4, 5)), [{"lengths": (1, 2) * 65}], DTYPES)
    long: list[Changes] = [{"steps": 5000, "dtype": "f64"}, {"steps": 1001, "dtype": "f32"}]
    yield from crossed(long, [{"batch": 1, "input_size": 3, "hidden_size": 4, "regime": "gain1"}])
    yield from crossed([MANY])


def gated() -> Iterator[Case]:
    """Ask LSTM and GRU beyond the same sizes, several in a case, and put one NaN or infinity into the same arrays."""
    wide = shapes((2, 9, 129, 65), (2, 65, 4, 129), (2, 129, 257, 5))
    long = shapes(*((steps, 3, 1, 5) for steps in (16, 17, 33)))
    for n, (size, cell) in enumerate(product([*wide, *long], GATED)):
        yield from crossed([size], [cell], [DTYPES[n // len(GATED) % 2]])
    yield from crossed([MANY], GATED)
    ragged: Changes = {"lengths": (7, 3, 5)}
    yield from crossed(GATED, each("regime", *POISONED), [DEEP_BOTH | ragged])


def poisoned() -> Iterator[Case]:
    """Put one NaN, or one infinity, into each array that a caller hands over, one at a time."""
    regimes = each("regime", *POISONED)
    return _in_turn(crossed(regimes, (SHALLOW, DEEP_BOTH), [{}, {"lengths": (7, 3, 5)}]), every=4)


def uneven() -> Iterator[Case]:
    """Spread weights from 1e-3 to 1e3: most terms of a sum vanish beside others, and units saturate."""
    return crossed(each("regime", "uneven"), KINDS, (SHALLOW, DEEP_BOTH), shapes((4, 2, 3, 5)))


def headed() -> Iterator[Case]:
    """Let the loss see stacks of every kind through a head, with every other option departing from its default."""
    options: list[Changes] = [
        {},
        {"bias": False},
        {"h_0": False},
        {"cotangents": "last"},
        {"cotangents": "strided"},
        {"layout": "batch-first"},
        {"layout": "unbatched", "batch": 1},
        {"steps": 30},
    ]
    yield from _in_turn(crossed(STACKS[1:], options, each("output_size", 2)), every=len(options))
    yield from crossed([DEEP, DEEP_BOTH], each("dropout", 0.5), each("output_size", 2), DTYPES)


def inexact() -> Iterator[Case]:
    """Drop values with a probability for which the factor 1 / (1 − p) of what is kept is rounded, in every cell."""
    cells = each("cell", "rnn", "lstm", "gru")
    return crossed(cells, each("dropout", 0.3), (DEEP, DEEP_BOTH), [{}, {"lengths": (3, 7, 5)}], DTYPES)


def _in_turn(cases: Iterator[Case], *, every: int) -> Iterator[Case]:
    """Give the cases each of `KINDS` in turn, beginning with the next one after `every` cases.

    So the n-th of every group has another kind than the n-th of the group before.
    """
    for n, case in enumerate(cases):
        yield replace(case, **KINDS[(n + n // every) % len(KINDS)])  # pyright: ignore[reportArgumentType]: checked by Case
