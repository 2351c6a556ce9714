"""The suites: which cases are run, and what each suite is for. Smoke is part of standard, standard of full."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from msgspec import Struct

from conformance.cases import crossings, kernels, together
from conformance.cases.case import Case
from conformance.cases.covered import Sizes, covered
from conformance.cases.crossings import DTYPES, NONLINEARITIES, crossed, each, shapes


class Suite(Struct, frozen=True):
    """A named collection of cases with a purpose; `size` is how many they are, told without making them."""

    name: str
    purpose: str
    build: Callable[[], Iterator[Case]]
    size: int

    def cases(self, seed: int = 0) -> list[Case]:
        """Return every case once, in a fixed order, with `seed` added to its own."""
        return [replace(case, seed=case.seed + seed) for case in dict.fromkeys(self.build())]


STANDARD = (
    crossings.options,
    crossings.calls,
    crossings.lengths,
    crossings.regimes,
    crossings.sizes,
    crossings.long,
    crossings.memory,
    crossings.special,
    crossings.traps,
    crossings.heads,
    crossings.dropped,
    crossings.wide,
    crossings.half,
    crossings.cells,
    crossings.carried,
    kernels.thresholds,
    kernels.gated,
    kernels.poisoned,
    kernels.uneven,
    kernels.headed,
    kernels.inexact,
    together.pairs,
)
"""The crossings that the standard suite takes whole."""

SMOKE = {
    crossings.options: 7,
    crossings.calls: 17,
    crossings.lengths: 13,
    crossings.regimes: 11,
    crossings.sizes: 5,
    crossings.memory: 13,
    crossings.special: 13,
    crossings.traps: 7,
    crossings.heads: 5,
    crossings.dropped: 17,
    crossings.half: 23,
    crossings.cells: 9,
    crossings.carried: 11,
    kernels.thresholds: 11,
    kernels.gated: 17,
    kernels.poisoned: 13,
    kernels.uneven: 7,
    kernels.headed: 19,
    kernels.inexact: 11,
    together.pairs: 13,
}
"""The crossings of which the smoke suite takes every so-manieth case."""

REGIMES = {
    "tanh": (
        "gain0.5",
        "gain1",
        "gain2",
        "gain4",
        "saturated",
        "tiny",
        "subnormal",
        "identity",
        "positive",
        "constant",
        "tutorial",
    ),
    "relu": ("gain0.5", "gain1", "tiny", "zeros", "negzero", "kinks", "constant"),
}
"""The regimes under which the full suite crosses all options, beside the default one."""

SHORT = Sizes(steps=(1, 2, 3, 5, 50), batches=(1, 2, 3))
ALL = Sizes(steps=(1, 2, 3, 5, 50, 500), batches=(1, 2, 3, 130))


def smoke() -> Iterator[Case]:
    """Take a few of every crossing, one long chaotic trajectory, and a plain case of each further cell."""
    for crossing, stride in SMOKE.items():
        yield from list(crossing())[::stride]
    yield from crossed(each("regime", "gain10"), shapes((1000, 2, 4, 16)))
    yield from crossed(each("cell", "lstm", "gru"), DTYPES)


def standard() -> Iterator[Case]:
    """Take every crossing whole."""
    for crossing in (smoke, *STANDARD):
        yield from crossing()


def full() -> Iterator[Case]:
    """Take the standard suite, covering arrays, and random cases.

    Any three options meet at all sizes under the default regime, any four at the smaller ones; under every other
    regime any three at the smaller sizes and any two at all of them. Any three risky options meet in every cell.
    """
    from conformance.cases.explore import random_cases  # takes NumPy, which telling of the suites doesn't

    yield from standard()
    yield from together.triples()
    yield from covered(3, ALL, *NONLINEARITIES)
    yield from covered(4, SHORT, *NONLINEARITIES)
    others = [{"nonlinearity": n, "regime": regime} for n, names in REGIMES.items() for regime in names]
    yield from covered(3, SHORT, *others)
    yield from covered(2, ALL, *others)
    yield from random_cases(1000, seed=0, hostile=0.1)


SUITES = {
    suite.name: suite
    for suite in (
        Suite("smoke", "seconds: a few of every kind, for each save and for pull requests", smoke, 151),
        Suite("standard", "minutes: the recorded agreement, for each merge", standard, 1674),
        Suite(
            "full",
            "many minutes: any three options together in every regime, for releases and new platforms",
            full,
            8432,
        ),
    )
}
"""The suites by name, each part of the next."""
