"""Random cases beyond the suites: ordinary ones, and hostile ones on which rounding behaves worst."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from conformance.cases.case import DROPOUT, Case

HOSTILE = (
    "identity",
    "positive",
    "constant",
    "kinks",
    "saturated",
    "tiny",
    "zeros",
    "gain0.1",
    "gain4",
    "gain8",
)
ORDINARY = ("default", "gain0.5", "gain1", "gain1.5", "gain2")
HALF_OF_FLOAT32 = 64
"""Powers of two by which a quantity may grow before its size in float32 gets dangerous."""

WORK = 200_000
"""Most hidden values T·B·H·L·D of a case, so that thousands of them run in minutes."""


def random_cases(count: int, *, seed: int, hostile: float = 0.25) -> Iterator[Case]:
    """Draw `count` cases, a `hostile` share of them from regimes that strain the arithmetic.

    The same seed gives the same cases; the n-th doesn't depend on `count`.
    """
    for n in range(count):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(n,)))
        yield _random_case(rng, n, hostile)


def _random_case(rng: np.random.Generator, n: int, hostile: float) -> Case:
    regime = str(rng.choice(HOSTILE if rng.random() < hostile else ORDINARY))
    layers, bidirectional = int(rng.choice((1, 1, 2, 3))), bool(rng.random() < 0.4)
    steps, batch, hidden = (_size(rng, largest) for largest in (300, 40, 64))
    layout = str(rng.choice(("time-first", "time-first", "batch-first", "unbatched")))
    batch = 1 if layout == "unbatched" else batch
    while steps * batch * hidden * layers > WORK:
        steps, batch = max(steps // 2, 1), max(batch // 2, 1)
    ragged = layout != "unbatched" and batch > 1 and rng.random() < 0.3
    lengths = _lengths(rng, steps, batch) if ragged else ()
    case = Case(
        nonlinearity=str(rng.choice(("tanh", "relu"))),  # pyright: ignore[reportArgumentType]
        layers=layers,
        bidirectional=bidirectional,
        bias=bool(rng.random() < 0.8),
        steps=steps,
        lengths=lengths,
        batch=batch,
        layout=layout,  # pyright: ignore[reportArgumentType]
        input_size=_size(rng, 40),
        hidden_size=hidden,
        h_0=bool(rng.random() < 0.8),
        cotangents=str(rng.choice(("both", "both", "output", "h_n"))),  # pyright: ignore[reportArgumentType]
        dtype=str(rng.choice(("f64", "f32"))),  # pyright: ignore[reportArgumentType]
        regime=regime,
        seed=n,
    )
    return replace(case, **_rarer(rng, case))  # pyright: ignore[reportArgumentType]


def outgrows_float32(case: Case) -> bool:
    """Return whether a relu network may grow beyond float32 within its steps, where nothing can be decided.

    Its states and gradients grow by about the spectral radius of W_hh at every step: g under "gain<g>", and √H / 2
    where all of its weights, of mean 1 / (2√H), are positive. Half of float32's 128 powers of two are left for layers
    and sums.
    """
    if case.nonlinearity != "relu" or case.dtype != "f32":
        return False
    radius = math.sqrt(case.hidden_size) / 2 if case.regime == "positive" else case.gain or 1.0
    return case.steps * math.log2(max(radius, 1.0)) > HALF_OF_FLOAT32


def _rarer(rng: np.random.Generator, case: Case) -> dict[str, object]:
    """Draw what few cases have: dropout between layers, and cotangents that lie in memory in other ways."""
    changes: dict[str, object] = {}
    if case.layers > 1 and rng.random() < 0.2:
        changes |= {"dropout": float(rng.choice(DROPOUT[1:])), "evaluation": bool(rng.random() < 0.2)}
    if case.cotangents == "both" and rng.random() < 0.2:
        changes |= {"cotangents": str(rng.choice(("expanded", "strided")))}
    return changes


def _size(rng: np.random.Generator, largest: int) -> int:
    """Draw a size from 1 to `largest`, small ones as likely as large ones on a logarithmic scale."""
    return round(math.exp(rng.uniform(0, math.log(largest))))


def _lengths(rng: np.random.Generator, steps: int, batch: int) -> tuple[int, ...]:
    lengths = rng.integers(1, steps + 1, batch)
    lengths[rng.integers(batch)] = steps
    return tuple(map(int, lengths))
