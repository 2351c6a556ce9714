"""The suites: which cases are run, and why.

A suite is a union of small crossings, each made to reach one kind of trouble. Sizes are distinct wherever
they can be, so that no transposition hides; smoke is part of standard.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product
from operator import or_

from conformance.cases.case import Case
from conformance.cases.covering import covering
from conformance.cases.explore import random_cases

Changes = dict[str, object]
"""Fields in which a case departs from the plain one."""

PLAIN = Case(nonlinearity="tanh", steps=7, batch=3, input_size=4, hidden_size=5, dtype="f64")


@dataclass(frozen=True, slots=True)
class Suite:
    """A named collection of cases with a purpose."""

    name: str
    purpose: str
    build: Callable[[], Iterator[Case]]

    def cases(self, seed: int = 0) -> list[Case]:
        """Return every case once, in a fixed order, with `seed` added to its own."""
        return [replace(case, seed=case.seed + seed) for case in dict.fromkeys(self.build())]


def each(field: str, *values: object) -> list[Changes]:
    """Return one alternative for each value of a field."""
    return [{field: value} for value in values]


def shapes(*alternatives: tuple[int, int, int, int]) -> list[Changes]:
    """Return one alternative for each T, B, I, H."""
    names = ("steps", "batch", "input_size", "hidden_size")
    return [dict(zip(names, shape, strict=True)) for shape in alternatives]


def shapes_of(input_size: int, hidden_size: int) -> list[Changes]:
    """Return one alternative: these I and H."""
    return [{"input_size": input_size, "hidden_size": hidden_size}]


def crossed(*axes: Iterable[Changes]) -> Iterator[Case]:
    """Return the plain case changed by every combination of one alternative from each axis."""
    for changes in product(*axes):
        yield replace(PLAIN, **reduce(or_, changes))  # pyright: ignore[reportArgumentType]: checked by Case


NONLINEARITIES = each("nonlinearity", "tanh", "relu")
DTYPES = each("dtype", "f64", "f32")
UNBATCHED: Changes = {"layout": "unbatched", "batch": 1}
STACKS: list[Changes] = [
    {"layers": layers, "bidirectional": bidirectional}
    for layers in (1, 2, 3)
    for bidirectional in (False, True)
]
SHALLOW, SHALLOW_BOTH, DEEP, DEEP_BOTH = STACKS[:4]


def options() -> Iterator[Case]:
    """Cross every constructor option, layout and precision, at several sizes."""
    small = shapes((7, 3, 4, 5), (5, 2, 6, 3), (2, 6, 5, 4))
    layouts = [*each("layout", "time-first", "batch-first"), UNBATCHED]
    for n, case in enumerate(crossed(NONLINEARITIES, STACKS, each("bias", True, False), layouts, DTYPES)):
        size = small[n // len(DTYPES) % len(small)]
        yield replace(case, **(size | {"batch": 1} if case.layout == "unbatched" else size))


def calls() -> Iterator[Case]:
    """Cross how the network is called: with or without h_0, what the loss sees, one step or one sample."""
    short = shapes((1, 3, 4, 5), (5, 1, 4, 6), (6, 2, 5, 3))
    stacks = (SHALLOW, SHALLOW_BOTH, DEEP_BOTH)
    seen = each("cotangents", "both", "output", "h_n")
    return crossed(NONLINEARITIES, stacks, each("h_0", True, False), seen, short, DTYPES)


def lengths() -> Iterator[Case]:
    """Vary lengths: unsorted, with ties, of one step, all equal; NaN fills the padding."""
    patterns = ((3, 7, 1, 7, 5), (7, 6, 5, 4), (1, 2, 9), (4, 4, 4), (2, 2, 6, 6, 1, 3))
    ragged: list[Changes] = [{"lengths": p, "steps": max(p), "batch": len(p)} for p in patterns]
    layouts = each("layout", "time-first", "batch-first")
    return crossed(NONLINEARITIES, STACKS[:4], layouts, ragged, DTYPES)


def regimes() -> Iterator[Case]:
    """Reach data that strain the arithmetic: growth, saturation, near-linear and exactly-zero units."""
    tanh = ("gain0.5", "gain1", "gain2", "gain5", "gain10", "saturated", "tiny")
    relu = ("gain0.5", "gain1", "gain2", "tiny", "zeros")
    named: list[Changes] = [{"nonlinearity": "tanh", "regime": regime} for regime in tanh]
    named += [{"nonlinearity": "relu", "regime": regime} for regime in relu]
    return crossed(named, (SHALLOW, DEEP_BOTH), shapes((5, 3, 4, 16), (50, 3, 4, 16)), DTYPES)


def sizes() -> Iterator[Case]:
    """Reach I = H, widths of 1, sizes on and off the vector width, and batches over a hundred."""
    square_and_thin = shapes((4, 3, 5, 5), (6, 2, 1, 3), (6, 3, 4, 1), (4, 130, 6, 9))
    wide = shapes((9, 2, 17, 33), (8, 4, 32, 64), (12, 16, 24, 31))
    return crossed(square_and_thin + wide, NONLINEARITIES, DTYPES)


def long() -> Iterator[Case]:
    """Go on for long, chaotic trajectories included: there two correct programs part company."""
    tanh = each("regime", "default", "gain1", "gain10")
    yield from crossed(tanh, shapes((200, 2, 4, 16)), DTYPES)
    yield from crossed(tanh[:2], shapes((1000, 2, 4, 16)), DTYPES)
    yield from crossed(tanh[2:], shapes((1000, 2, 4, 16)))  # in float32 its gradients overflow by then,
    yield from crossed(tanh[2:], shapes((500, 2, 4, 16)), DTYPES)  # but not yet here
    yield from crossed([{"nonlinearity": "relu"}], shapes((500, 2, 4, 16)), DTYPES)
    yield from crossed([DEEP_BOTH | {"regime": "gain10"}], shapes((300, 3, 4, 12)), DTYPES)


def smoke() -> Iterator[Case]:
    """Take a few of every crossing, and one long chaotic trajectory."""
    for crossing, stride in ((options, 7), (calls, 17), (lengths, 13), (regimes, 11), (sizes, 5)):
        yield from list(crossing())[::stride]
    yield from crossed(each("regime", "gain10"), shapes((1000, 2, 4, 16)))


def standard() -> Iterator[Case]:
    """Take every crossing whole."""
    for crossing in (smoke, options, calls, lengths, regimes, sizes, long):
        yield from crossing()


def covered(strength: int, *regimes: Changes) -> Iterator[Case]:
    """Cross the options that meet in every call, `strength` by `strength`, under each regime."""
    axes: list[list[Changes]] = [
        STACKS,
        each("bias", True, False),
        each("steps", 1, 2, 3, 5, 50, 500),
        each("batch", 1, 2, 3, 130),
        shapes_of(4, 5) + shapes_of(6, 6),
        each("layout", "time-first", "batch-first"),
        each("h_0", True, False),
        each("cotangents", "both", "output", "h_n", "last"),
        DTYPES,
    ]
    rows = covering([len(axis) for axis in axes], strength)
    for regime, row in product(regimes, rows):
        yield from crossed([regime], *([axis[n]] for axis, n in zip(axes, row, strict=True)))


def full() -> Iterator[Case]:
    """Take the standard suite, covering arrays under every regime, and random cases."""
    yield from standard()
    named = {
        "tanh": (
            "gain0.5",
            "gain1",
            "gain2",
            "gain4",
            "saturated",
            "tiny",
            "identity",
            "positive",
            "constant",
            "tutorial",
        ),
        "relu": ("gain0.5", "gain1", "tiny", "zeros", "kinks", "constant"),
    }
    yield from covered(4, *NONLINEARITIES)
    yield from covered(
        3, *({"nonlinearity": n, "regime": regime} for n, names in named.items() for regime in names)
    )
    yield from random_cases(1500, seed=0, hostile=0.1)


SUITES = {
    suite.name: suite
    for suite in (
        Suite("smoke", "seconds: a few of every kind, for each save and for pull requests", smoke),
        Suite("standard", "a minute or two: the recorded agreement, for each merge", standard),
        Suite(
            "full",
            "minutes: every three options together in every regime, for releases and new platforms",
            full,
        ),
    )
}
"""The suites by name, each part of the next."""
